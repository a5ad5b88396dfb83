"""Column files and CoNLL-U as rows of a record file: one sentence is one row, and one text with mentions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.column_formats.columns import ColumnSentence, read_column_sentences
from loreweave.corpus.column_formats.conllu import UNDECLARED, ConlluSentence, read_conllu_sentences
from loreweave.corpus.column_formats.conllu_misc import Misc
from loreweave.corpus.column_formats.layout import ColumnLayout, FileLayout
from loreweave.corpus.column_formats.tag_schemes import OUTSIDE, Scheme, find_scheme, schemes_of
from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.rows import LeftOut
from loreweave.corpus.tokens import BLANK_TOKENS, TOKENS
from loreweave.errors import DataError

DOCUMENT = "doc"
"""Key of `metadata` that is equal in the sentences of a document."""
SCHEMES = "tag_schemes"
"""Key of `metadata` with the schemes that a tagged sentence of a column file follows."""
BLANK = "sentences of blank tokens alone"

Rows = Callable[[Path], Iterator[tuple[str, Any]]]
Item = AnnotatedText | LeftOut


# ---- column files -------------------------------------------------------------------------------------------------------


def column_rows(layout: ColumnLayout | FileLayout | None) -> Rows:
    """Rows of a column file: (id, sentence, scheme of the first tag of the file). Default: the layout is recognised.

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
    """The sentence, with an error if a tag has another scheme than the first tag of the file, which is in line `begins`."""
    for line, tag in enumerate(sentence.tags, sentence.line):
        if sentence.error is None and tag != OUTSIDE and find_scheme([tag]) != scheme:
            expected = f"{'a prefix (B-, I-, E-, S-)' if scheme == 'prefixed' else 'no prefix'} as in the file's first tag"
            header = begins == 1 and scheme != "prefixed"
            advice = "; if line 1 contains the names of the columns, delete it" if header else ""
            message = f"found the tag {tag!r}, expected {expected}, {first!r}{advice}"
            return replace(sentence, error=DataError(message, line=line, field="tag"))
    return sentence


def column_texts(row: tuple[str, ColumnSentence, Scheme | None], number: str) -> Iterable[Item]:
    """The text of a sentence of a column file; `metadata` has `DOCUMENT` and `SCHEMES` if they are known.

    Raises:
        DataError: the sentence has a bad line.
    """
    id, sentence, scheme = row
    if sentence.error is not None:
        raise DataError(sentence.error.message, field=sentence.error.field)
    document = {DOCUMENT: str(sentence.document)} if sentence.document else {}
    fitting = {SCHEMES: sorted(schemes_of(sentence.tags))} if set(sentence.tags) - {OUTSIDE} else {}
    dropped = Counter[str]()
    text = sentence.text(id, scheme, dropped, **document, **fitting)
    yield from _left_out(dropped)
    yield text if text.metadata[TOKENS] else LeftOut(BLANK)


def scheme_notes(tagged: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """A note about tagged sentences that do not follow the scheme of most of them, if there are any.

    Args:
        tagged: for each tagged sentence its place and the schemes that it follows.
    """
    rule = "conlleval's rule, which takes any"
    followers = Counter(scheme for _, schemes in tagged for scheme in schemes)
    if not followers:
        which = "IOE, or BILOU mixed with BIOES"
        found = f"the tags of {counted(len(tagged), 'sentence')} are none of iob1, iob2, bioes and bilou throughout ({which})"
        return [f"{found}; read by {rule}"] if tagged else []
    most = max(followers, key=lambda name: (followers[name], name == "iob2"))
    others = [place for place, schemes in tagged if most not in schemes]
    if not others:
        return []
    found = f"tags are {most} but for {counted(len(others), 'sentence')} (read by {rule})"
    return [f"{found}: {listed(others)}"]


# ---- CoNLL-U ------------------------------------------------------------------------------------------------------------


def conllu_rows(misc: Misc | None) -> Rows:
    """Sentences of a CoNLL-U file. Default: its last column is recognised. A bad sentence has the place of its bad line."""

    def rows(path: Path) -> Iterator[tuple[str, Any]]:
        for sentence in read_conllu_sentences(path, misc):
            yield f"line {sentence.line if sentence.error is None else sentence.error.line}", sentence

    return rows


def conllu_texts(row: ConlluSentence, number: str) -> Iterable[Item]:
    """The text of a sentence of CoNLL-U; mentions whose type is not declared are counted and left out.

    Raises:
        DataError: the sentence has a bad line.
    """
    if row.text is None:
        assert row.error is not None
        raise DataError(row.error.message, field=row.error.field)
    yield from _left_out(Counter({UNDECLARED: row.undeclared, BLANK_TOKENS: row.blanks}))
    yield row.text if row.text.text else LeftOut(BLANK)


def _left_out(dropped: Counter[str]) -> Iterator[LeftOut]:
    return (LeftOut(reason, of_record=True) for reason in dropped.elements())
