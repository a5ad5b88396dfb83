"""Descriptions of folders: the right format and version, and files that are what they were."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from loreweave.corpus.files.manifests import describe_files, read_description, verify_files
from loreweave.errors import DataError


def test_the_right_description_is_read(tmp_path: Path) -> None:
    content = {"format": "box", "version": 2, "rows": 3}
    (tmp_path / "manifest.json").write_text(json.dumps(content))
    assert read_description(tmp_path / "manifest.json", "box", 2) == content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"version": 2}, "field 'format': found null, expected 'box'"),
        ({"format": "bag", "version": 2}, "field 'format': found 'bag', expected 'box'"),
        ([1], "field 'format': found a JSON list, expected 'box'"),
        ({"format": "box", "version": 3}, "field 'version': found 3, expected 2"),
        ({"format": "box"}, "field 'version': found null, expected 2"),
    ],
)
def test_other_descriptions_are_named(tmp_path: Path, content: object, message: str) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=f"manifest.json, {message}"):
        read_description(tmp_path / "manifest.json", "box", 2)


def test_changed_and_missing_files_are_named(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(name)
    described = describe_files({name: tmp_path / name for name in "ab"})
    assert described["a"] == {"bytes": 1, "sha256": hashlib.sha256(b"a").hexdigest()}
    verify_files(tmp_path, described)
    (tmp_path / "b").write_text("c")
    with pytest.raises(DataError, match="b: missing, or not the file that the manifest describes"):
        verify_files(tmp_path, described)
    (tmp_path / "b").unlink()
    with pytest.raises(DataError, match="b: missing"):
        verify_files(tmp_path, described)
