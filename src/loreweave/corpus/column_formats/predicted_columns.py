"""Predictions in columns: the gold file's words with predicted tags, as conlleval reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.column_formats.columns import read_column_sentences, scheme_of
from loreweave.corpus.column_formats.layout import ColumnLayout, find_layout
from loreweave.corpus.tokens import TOKENS, WHITE
from loreweave.errors import DataError


@dataclass(frozen=True)
class PredictedText:
    """A predicted text, and the lines of its words, if they are known."""

    text: AnnotatedText
    lines: Sequence[int] = ()

    def error(self, message: str, word: int, path: Path) -> DataError:
        """The error of a word of this text, with its place."""
        if not self.lines:
            return DataError(message, path=path, record=f"text {self.text.id!r}")
        line = self.lines[word] if word < len(self.lines) else self.lines[-1] + 1
        return DataError(message, path=path, line=line)


def predicted_columns(path: Path, types: Collection[str], nested: bool) -> tuple[list[PredictedText], Sequence[str]]:
    """Texts of a column file, and notes.

    The spelling of its tags is the one that gives types of the gold file. Of two columns with such tags, the last one has the
    predictions, as for conlleval, unless the gold file has nested mentions.

    Args:
        path: the file.
        types: types of the gold file.
        nested: whether the gold file has nested mentions.
    """
    layout = find_layout(path, known=types)
    if layout.nested is None or not nested:
        layout = replace(find_layout(path, ColumnLayout(token=layout.token), types), sentence=layout.sentence)
    sentences = list(read_column_sentences(path, layout))
    scheme, texts = scheme_of(sentences, path), []
    for number, sentence in enumerate(sentences, 1):
        text = sentence.text(str(number), scheme, Counter())
        if text.metadata[TOKENS]:
            lines = [line for line, token in enumerate(sentence.tokens, sentence.line) if token.strip(WHITE)]
            texts.append(PredictedText(text, lines))
    return texts, layout.spelling.notes()
