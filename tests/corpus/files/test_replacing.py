from __future__ import annotations

from pathlib import Path

import pytest

from loreweave.corpus.files.replacing import check_overwritable
from loreweave.corpus.files.writing import atomic_folder, atomic_path, atomic_write
from loreweave.errors import ConfigurationError


def made(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


@pytest.mark.parametrize("file", ["status.json", "lock.json"])
@pytest.mark.parametrize("depth", ["", "run", "runs/first"])
def test_a_run_and_a_folder_of_runs_are_never_replaced(file: str, depth: str, tmp_path: Path) -> None:
    folder = made(tmp_path / "out", manifest_json='{"format": "loreweave knowledge graph"}')
    (folder / depth).mkdir(parents=True, exist_ok=True)
    (folder / depth / file).write_text("{}")
    for manifest in ("manifest.json", None):
        with pytest.raises(ConfigurationError, match="found a run in"), atomic_folder(folder, True, manifest):
            raise AssertionError("the work began")
    assert (folder / depth / file).read_text() == "{}"


@pytest.mark.parametrize("said", ["", "{", "[]", "{}", '{"format": "other graph"}', '{"name": "loreweave graph"}'])
def test_what_no_build_wrote_is_not_replaced(said: str, tmp_path: Path) -> None:
    folder = made(tmp_path / "thesis", chapter_tex="years of work", **({"manifest_json": said} if said else {}))
    with (
        pytest.raises(ConfigurationError, match=r"no manifest.json of a loreweave build"),
        atomic_folder(folder, True, "manifest.json"),
    ):
        raise AssertionError("the work began")
    assert (folder / "chapter.tex").read_text() == "years of work"


def test_what_a_build_wrote_and_an_empty_folder_are_replaced(tmp_path: Path) -> None:
    ours = made(tmp_path / "ours", manifest_json='{"format": "loreweave embeddings"}', old="1")
    for folder in (ours, made(tmp_path / "empty"), tmp_path / "new"):
        check_overwritable(folder, "manifest.json")
        with atomic_folder(folder, True, "manifest.json") as target:
            (target / "new").write_text("2")
        assert [entry.name for entry in folder.iterdir()] == ["new"]


def test_a_file_does_not_take_the_place_of_a_folder(tmp_path: Path) -> None:
    folder = made(tmp_path / "out", chapter_tex="years of work")
    with pytest.raises(ConfigurationError, match="out: found a folder, expected the path of a file"), atomic_write(folder):
        raise AssertionError("the work began")
    with pytest.raises(ConfigurationError, match="found a folder"), atomic_path(folder) as temporary:
        temporary.write_text("1")
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"] and (folder / "chapter.tex").is_file()
