"""Column files and CoNLL-U as NER reads them: one sentence of a file to its record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from loreweave.corpus.column_formats.columns import ColumnSentence, read_column_sentences
from loreweave.corpus.column_formats.conllu import UNDECLARED, ConlluSentence, read_conllu_sentences
from loreweave.corpus.column_formats.conllu_misc import Misc
from loreweave.corpus.column_formats.layout import ColumnLayout, FileLayout
from loreweave.corpus.column_formats.tag_schemes import OUTSIDE, Scheme, find_scheme, schemes_of
from loreweave.corpus.files.rows import LeftOut
from loreweave.corpus.tokens import BLANK_TOKENS, TOKENS
from loreweave.errors import DataError
from loreweave.tasks.ner.layouts import Item, left_out_of, of_text, typed_mentions
from loreweave.tasks.ner.record import DOCUMENT, SCHEMES

# ---- column files -------------------------------------------------------------------------------------------------------


def column_rows(layout: ColumnLayout | FileLayout | None) -> Callable[[Path], Iterator[tuple[str, Any]]]:
    """Rows of a column file: (id, sentence, scheme of the file's first tag). Without a layout it is found.

    The place of a bad sentence is its bad line.
    """

    def rows(path: Path) -> Iterator[tuple[str, Any]]:
        name, first, begins = path.name.partition(".")[0], OUTSIDE, 0
        for number, sentence in enumerate(read_column_sentences(path, layout, keep_bad=True), 1):
            if first == OUTSIDE:
                tags = enumerate(sentence.tags, sentence.line)
                begins, first = next(((line, tag) for line, tag in tags if tag != OUTSIDE), (0, OUTSIDE))
            scheme = None if first == OUTSIDE else find_scheme([first])
            checked = _of_scheme(sentence, scheme, first, begins)
            line = checked.line if checked.error is None else checked.error.line
            yield f"line {line}", (f"{name}:{number}", checked, scheme)

    return rows


def _of_scheme(sentence: ColumnSentence, scheme: Scheme | None, first: str, begins: int) -> ColumnSentence:
    """The sentence, with an error where a tag is of another scheme than the file's first, which stands in line `begins`."""
    for line, tag in enumerate(sentence.tags, sentence.line):
        if sentence.error is None and tag != OUTSIDE and find_scheme([tag]) != scheme:
            expected = f"{'a prefix (B-, I-, E-, S-)' if scheme == 'prefixed' else 'no prefix'} as in the file's first tag"
            header = begins == 1 and scheme != "prefixed"
            advice = "; if line 1 contains the names of the columns, delete it" if header else ""
            message = f"found the tag {tag!r}, expected {expected}, {first!r}{advice}"
            return replace(sentence, error=DataError(message, line=line, field="tag"))
    return sentence


def columns(row: tuple[str, ColumnSentence, Scheme | None], number: str) -> Iterable[Item]:
    """A sentence of a column file."""
    id, sentence, scheme = row
    if sentence.error is not None:
        raise DataError(sentence.error.message, field=sentence.error.field)
    document = {DOCUMENT: str(sentence.document)} if sentence.document else {}
    fitting = {SCHEMES: sorted(schemes_of(sentence.tags))} if set(sentence.tags) - {OUTSIDE} else {}
    dropped = Counter[str]()
    text = sentence.text(id, scheme, dropped, **document, **fitting)
    yield from left_out_of(dropped)
    yield of_text(text) if text.metadata[TOKENS] else LeftOut("sentences of blank tokens alone")


# ---- CoNLL-U ------------------------------------------------------------------------------------------------------------


def conllu_rows(misc: Misc | None) -> Callable[[Path], Iterator[tuple[str, Any]]]:
    """Sentences of a CoNLL-U file; without `misc` it is found. The place of a bad sentence is its bad line."""

    def rows(path: Path) -> Iterator[tuple[str, Any]]:
        for sentence in read_conllu_sentences(path, misc):
            yield f"line {sentence.line if sentence.error is None else sentence.error.line}", sentence

    return rows


def conllu(row: ConlluSentence, number: str) -> Iterable[Item]:
    """A sentence of CoNLL-U with its mentions; those whose type nothing says are counted and left out."""
    if row.text is None:
        assert row.error is not None
        raise DataError(row.error.message, field=row.error.field)
    yield from left_out_of(Counter({UNDECLARED: row.undeclared, BLANK_TOKENS: row.blanks}))
    if row.text.text:
        yield from typed_mentions(row.text)
    else:
        yield LeftOut("sentences of blank tokens alone")
