"""Files with a word and its tag on a line: CoNLL columns and CoNLL-U, their tag schemes and spellings."""
