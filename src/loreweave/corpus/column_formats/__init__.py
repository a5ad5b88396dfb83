"""Files with one word and its tag per line: CoNLL columns and CoNLL-U. `formats.py` lists the formats."""
