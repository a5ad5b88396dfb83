"""What a run reads: hashes by setting, and what has changed in words."""

from __future__ import annotations

from pathlib import Path

from loreweave.corpus.files.reading import sha256_of
from loreweave.corpus.files.writing import write_json
from loreweave.training.runs.inputs import changed_settings, changes, hashes_of


def test_a_file_and_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / ".hidden").write_text("b")
    (tmp_path / "inner").mkdir()
    digest = sha256_of(tmp_path / "a.txt")
    assert hashes_of(tmp_path / "a.txt") == {"a.txt": digest} == hashes_of(tmp_path)
    assert hashes_of(tmp_path / "missing") == {}


def test_a_manifest_saves_reading_and_a_file_of_another_size_is_seen(tmp_path: Path) -> None:
    (tmp_path / "rows").write_text("12345")
    files = {"rows": {"bytes": 5, "sha256": "feed"}, "gone": {"bytes": 1, "sha256": "x"}}
    write_json(tmp_path / "manifest.json", {"files": files})
    assert hashes_of(tmp_path) == {"rows": "feed", "gone": "None bytes"}
    (tmp_path / "rows").write_text("1234")
    assert hashes_of(tmp_path)["rows"] == "4 bytes"


def test_a_manifest_of_something_else_is_a_file_like_others(tmp_path: Path) -> None:
    write_json(tmp_path / "manifest.json", {"name": "an app"})
    assert set(hashes_of(tmp_path)) == {"manifest.json"}


def test_changes_are_named() -> None:
    old = {"graph": {"a": "1", "b": "2", "c": "3"}, "model": {"w": "1"}, "updates": 4, "same": {"x": "1"}}
    new = {"graph": {"a": "1", "b": "9", "d": "3"}, "model": {"w": "1"}, "updates": 5, "same": {"x": "1"}}
    assert changes(old, new) == ["graph: other content in b, missing: c, new: d", "updates was 4, now 5"]
    assert changes({"m": {}}, {"m": {name: "1" for name in "abcde"}}) == ["m: new: a, b, c and 2 more"]
    assert changed_settings({"a": {"b": 1}}, {"a": {"b": 2}}) == ["a.b was 1, now 2"]
