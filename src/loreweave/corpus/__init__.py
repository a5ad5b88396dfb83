"""One record per kind of data (annotated text, entity vocabulary, ...) and the files that hold them."""
