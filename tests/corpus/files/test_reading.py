"""Text files in other encodings."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from loreweave.corpus.files.reading import open_text
from loreweave.errors import DataError


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_utf_16_is_named_with_the_way_out(tmp_path: Path, name: str, encoding: str) -> None:
    raw = ("Oslo\n" if encoding == "utf-16" else "\ufeffOslo\n").encode(encoding)
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
    with (
        pytest.raises(DataError, match="a.txt.*, line 1: found UTF-16, expected UTF-8 .'iconv -f UTF-16 -t UTF-8' converts it"),
        open_text(tmp_path / name) as file,
    ):
        file.read()


def test_other_bytes_are_named_by_their_place(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"Oslo\nZ\xfcrich\n")
    with (
        pytest.raises(DataError, match="a.txt, line 2: found bytes that are not UTF-8 at byte 1"),
        open_text(tmp_path / "a.txt") as file,
    ):
        file.read()
