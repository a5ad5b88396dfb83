"""Files with one word and its tag per line: CoNLL columns and CoNLL-U, their tag schemes and spellings."""
