"""Files of every kind: rows from text, JSON and tables, and atomic writing."""
