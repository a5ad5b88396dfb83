"""Tables in text: cells of CSV, cells between tabs, and quotes that are text."""

from __future__ import annotations

from pathlib import Path

import pytest

from loreweave.corpus.files.delimited import csv_rows, has_quoted_cells, tab_rows, unquoted
from loreweave.errors import DataError


def write(folder: Path, text: str) -> Path:
    path = folder / "file.tsv"
    path.write_text(text, encoding="utf-8")
    return path


def test_csv_cells_hold_delimiters_quotes_and_line_breaks(tmp_path: Path) -> None:
    path = write(tmp_path, 'a;b\n"x;""y""\nz";1\n\nlast;2\n')
    assert list(csv_rows(path)) == [(1, ["a", "b"]), (2, ['x;"y"\nz', "1"]), (5, ["last", "2"])]


def test_a_csv_cell_may_be_as_long_as_a_document(tmp_path: Path) -> None:
    long = "word " * 40_000
    assert list(csv_rows(write(tmp_path, f"text,label\n{long},x\n")))[1] == (2, [long, "x"])


def test_csv_that_does_not_close_is_named_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 2: found a row that is not valid CSV"):
        list(csv_rows(write(tmp_path, 'a,b\n"open,1\n')))


def test_quotes_between_tabs_are_text(tmp_path: Path) -> None:
    path = write(tmp_path, 'a\t"b"\r\n\nhe said "no"\t"\n')
    assert list(tab_rows(path)) == [(1, ["a", '"b"']), (3, ['he said "no"', '"'])]


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ('text\tlabel\n"he said ""no"""\t1\n', True),  # pandas, csv.writer
        ('"text"\t"label"\n"no"\t1\n', True),  # texts and names, as R's write.table
        ('text\tlabel\n"a charming film"\t1\n', False),  # a sentence in quotes of its own
        ('text\tlabel\n"a fine, charming film"\t1\na bore\t0\n', True),  # Excel's text with tabs: cells with a comma
        ('text\tlabel\n"a fine, charming film"\t1\na bore, a waste\t0\n', False),
        ('text\tlabel\n"a fine, charming film"\t1\n"a bore"\t0\n', False),
        ('text\tlabel\n"he said ""no"""\t1\n"yes", he said\t0\n', False),
        ("text\tlabel\n5'10\" tall\t1\n", False),
        ("text\tlabel\nfine\t1\n", False),
        ('text\tlabel\n""\t1\n', False),
    ],
)
def test_whether_a_program_wrote_the_quotes(tmp_path: Path, text: str, quoted: bool) -> None:
    assert has_quoted_cells(write(tmp_path, text)) is quoted


@pytest.mark.parametrize(("cell", "text"), [('"a ""b"""', 'a "b"'), ('"a" or "b"', '"a" or "b"'), ('"', '"'), ('""', "")])
def test_a_cell_without_the_quotes_around_it(cell: str, text: str) -> None:
    assert unquoted(cell) == text
