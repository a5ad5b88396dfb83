"""The word side of encoding: tokenizers, boundaries of words, pieces between mentions, truncation."""
