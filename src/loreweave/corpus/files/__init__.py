"""Files of every kind: text, JSON and tables to rows, and outputs that appear whole or not at all."""
