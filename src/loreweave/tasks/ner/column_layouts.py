"""Column files and CoNLL-U as NER reads them: one sentence of a file to its record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from loreweave.corpus.columns import ColumnLayout, ColumnSentence, read_column_sentences
from loreweave.corpus.conllu import ConlluSentence, read_conllu_sentences
from loreweave.corpus.tag_schemes import OUTSIDE, Scheme, find_scheme, schemes_of, spans_of_tags
from loreweave.corpus.tokens import text_of_tokens
from loreweave.errors import DataError
from loreweave.tasks.ner.layouts import Item, of_text, typed_mentions
from loreweave.tasks.ner.record import DOCUMENT, SCHEMES
from loreweave.tasks.record_files import LeftOut

# ---- column files -------------------------------------------------------------------------------------------------------


def column_rows(layout: ColumnLayout | None) -> Callable[[Path], Iterator[tuple[str, Any]]]:
    """Rows of a column file: (id, sentence, scheme of the file's first tag). Without a layout it is found.

    The place of a bad sentence is its bad line.
    """

    def rows(path: Path) -> Iterator[tuple[str, Any]]:
        name = path.name.partition(".")[0]
        scheme: Scheme | None = None
        sentences = read_column_sentences(path, layout or find_layout(path), keep_bad=True)
        for number, sentence in enumerate(sentences, 1):
            if scheme is None:
                scheme = next((find_scheme([tag]) for tag in sentence.tags if tag != OUTSIDE), None)
            checked = _of_scheme(sentence, scheme)
            line = checked.line if checked.error is None else checked.error.line
            yield f"line {line}", (f"{name}:{number}", checked, scheme)

    return rows


def _of_scheme(sentence: ColumnSentence, scheme: Scheme | None) -> ColumnSentence:
    """The sentence, with an error where a tag is of another scheme."""
    for line, tag in enumerate(sentence.tags, sentence.line):
        if sentence.error is None and tag != OUTSIDE and find_scheme([tag]) != scheme:
            expected = f"{'a prefix (B-, I-, E-, S-)' if scheme == 'prefixed' else 'no prefix'} as in the file's first tag"
            return replace(sentence, error=DataError(f"found the tag {tag!r}, expected {expected}", line=line, field="tag"))
    return sentence


def find_layout(path: Path, looked_at: int = 100) -> ColumnLayout:
    """The tag is the last column and the token the first, but the other way round where only the first looks like tags."""
    columns: list[list[str]] = [[], []]
    for number, sentence in enumerate(read_column_sentences(path, keep_bad=True)):
        columns[0] += sentence.tokens
        columns[1] += sentence.tags
        if number == looked_at:
            break
    first, last = (_looks_like_tags(values) for values in columns)
    return ColumnLayout(token=-1, tag=0) if first and not last else ColumnLayout()


def columns(row: tuple[str, ColumnSentence, Scheme | None], number: str) -> Iterable[Item]:
    """A sentence of a column file."""
    id, sentence, scheme = row
    if sentence.error is not None:
        raise DataError(sentence.error.message, field=sentence.error.field)
    document = {DOCUMENT: str(sentence.document)} if sentence.document else {}
    spans = spans_of_tags(sentence.tags, scheme or "prefixed")
    fitting = {SCHEMES: sorted(schemes_of(sentence.tags))} if spans else {}
    yield of_text(text_of_tokens(id, sentence.tokens, spans, **document, **fitting))


def _looks_like_tags(values: Sequence[str]) -> bool:
    return OUTSIDE in values and all(tag == OUTSIDE or (tag[0] in "BIESLU" and tag[1:2] in ("-", "")) for tag in values)


# ---- CoNLL-U ------------------------------------------------------------------------------------------------------------


def conllu_rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Sentences of a CoNLL-U file. The place of a bad sentence is its bad line."""
    for sentence in read_conllu_sentences(path):
        yield f"line {sentence.line if sentence.error is None else sentence.error.line}", sentence


def conllu(row: ConlluSentence, number: str) -> Iterable[Item]:
    """A sentence of CoNLL-U with its mentions; those whose type nothing says are counted and left out."""
    if row.text is None:
        assert row.error is not None
        raise DataError(row.error.message, field=row.error.field)
    for _ in range(row.undeclared):
        yield LeftOut("mentions whose fields no '# global.Entity' declares", of_record=True)
    yield from typed_mentions(row.text)
