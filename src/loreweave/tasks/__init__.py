"""Tasks: each a folder with reader, encoding, model and scoring, declared in `registry`; what they share lies here."""
