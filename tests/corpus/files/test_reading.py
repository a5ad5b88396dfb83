"""Text files in other encodings."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import zipfile
from pathlib import Path

import pytest

from loreweave.corpus.files.reading import open_text
from loreweave.errors import DataError


def zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", content * 50)
    return file.getvalue()


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


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.zip", zipped(b"Z\xc3\xbcrich\n"), "a.zip: found a zip archive, expected text: unpack it first"),
        ("a.json", gzip.compress(b"[1]"), "found data of gzip, but the name does not end in .gz: rename the file"),
        ("a.json", lzma.compress(b"[1]"), "found data of xz, but the name does not end in .xz: rename the file"),
        ("a.json", bz2.compress(b"[1]"), "found data of bzip2, but the name does not end in .bz2: rename the file"),
        ("a.pkl", pickle.dumps({"a": 1}), "found a pickle, expected text"),
        ("a.txt.gz", gzip.compress(zipped(b"x")), "a.txt.gz: found a zip archive"),
    ],
    ids=["zip", "gzip", "xz", "bzip2", "pickle", "zip in gzip"],  # bytes of archives contain the time, and would differ
)
def test_files_that_are_no_text_are_named(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=said), open_text(tmp_path / name) as file:
        file.read()


def test_other_bytes_are_named_by_their_place(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"Oslo\nZ\xfcrich\n")
    with (
        pytest.raises(DataError, match="a.txt, line 2: found bytes that are not UTF-8 at byte 1"),
        open_text(tmp_path / "a.txt") as file,
    ):
        file.read()
