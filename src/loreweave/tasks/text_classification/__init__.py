"""Text classification: which class, or which number, a text or a pair of texts has (GLUE and files of the user's own)."""
