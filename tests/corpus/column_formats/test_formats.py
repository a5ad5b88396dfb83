"""The table of formats with words in columns: one row is enough for every reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from loreweave.corpus.annotated_sentences import FORMATS, read_tagged_sentences, recognise
from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.column_formats.formats import COLUMN_FORMATS, ColumnFormat, OpenedFile
from loreweave.corpus.column_formats.tag_schemes import TokenSpan
from loreweave.corpus.mention_formats import register_format
from loreweave.corpus.mention_formats.annotated import FORMAT as ANNOTATED
from loreweave.corpus.tokens import text_of_file_tokens
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.ner import reader as ner
from loreweave.tasks.registry import load_training

SLASHES = "#slashes\nAnn/PER sings/O\nin/O Oslo/LOC\n"


def slash_texts(line: str, number: str) -> Iterator[AnnotatedText]:
    """A line of word/label."""
    if bad := [cell for cell in line.split() if "/" not in cell]:
        raise DataError(f"found {bad[0]!r}, expected word/label")
    cells = [cell.split("/") for cell in line.split()]
    spans = [TokenSpan(place, place + 1, label) for place, (_, label) in enumerate(cells) if label != "O"]
    yield text_of_file_tokens(number, [word for word, _ in cells], spans, Counter())


def open_slashes(path: Path) -> OpenedFile:
    def rows(path: Path) -> Iterator[tuple[str, str]]:
        return ((f"line {number}", line) for number, line in enumerate(path.read_text().splitlines()[1:], 2))

    return OpenedFile(slash_texts, rows, ["words and labels with slashes"])


@pytest.fixture
def slashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of a format that is a row of the table for this test."""
    format = ColumnFormat("word/label", open_slashes, lambda path: path.read_text().startswith("#slashes"))
    monkeypatch.setitem(COLUMN_FORMATS, "slashes", format)
    path = tmp_path / "train.txt"
    path.write_text(SLASHES)
    return path


@pytest.mark.parametrize("format", [None, "slashes"])
def test_a_new_row_is_read_by_name_and_recognised(slashes: Path, format: str | None) -> None:
    assert recognise(slashes) == "slashes"
    read = read_tagged_sentences(slashes, format)
    assert [sentence.tokens for sentence in read.records] == [("Ann", "sings"), ("in", "Oslo")]
    assert [span.label for sentence in read.records for span in sentence.spans] == ["PER", "LOC"]
    assert read.places == ["line 2", "line 3"] and "words and labels with slashes" in read.notes
    assert len(ner.read(slashes, format).records) == 2


def test_a_new_row_is_listed_and_its_name_is_taken(slashes: Path) -> None:
    assert "slashes" in FORMATS and "slashes" in load_training("ner").formats
    with pytest.raises(ConfigurationError, match="found the name 'slashes'"):
        register_format("slashes", ANNOTATED)


def test_a_bad_line_of_a_new_row_is_skipped_or_named(slashes: Path) -> None:
    slashes.write_text(SLASHES + "Bob\n")
    with pytest.raises(DataError, match=r"line 4: found 'Bob', expected word/label"):
        read_tagged_sentences(slashes)
    assert len(read_tagged_sentences(slashes, skip_bad=True).records) == 2
