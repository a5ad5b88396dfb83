"""A file that does not exist is named, with the name that was probably meant, by every reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from loreweave.corpus.annotated_sentences import read_sentences
from loreweave.corpus.files.missing import close_names, file_not_found
from loreweave.corpus.graphs.formats import FORMATS, find_graph
from loreweave.errors import DataError


def test_the_closest_name(tmp_path: Path) -> None:
    (tmp_path / "train.conll").write_text("")
    assert close_names(tmp_path / "trian.conll") == f"; did you mean {str(tmp_path / 'train.conll')!r}?"
    assert close_names(tmp_path / "other") == ""
    assert close_names(tmp_path / "no" / "such") == f" (there is no {tmp_path / 'no'})"
    assert str(file_not_found(tmp_path / "other")) == f"{tmp_path / 'other'}: file not found"


def test_a_name_without_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.conll").write_text("")
    assert close_names("trian.conll") == "; did you mean 'train.conll'?"


@pytest.mark.parametrize("suffix", [".conll", ".jsonl", ".parquet", ".spacy"])
def test_readers_of_sentences(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"train{suffix}").write_text("")
    with pytest.raises(DataError, match=f"trian{suffix}: file not found; did you mean .*train{suffix}"):
        read_sentences(tmp_path / f"trian{suffix}", lambda sentence: [sentence])


@pytest.mark.parametrize("format", FORMATS)
def test_graphs(tmp_path: Path, format: str) -> None:
    (tmp_path / "triples.csv").write_text("")
    with pytest.raises(DataError, match=r"triples.cvs: no such file or folder; did you mean .*triples.csv"):
        find_graph(format, tmp_path / "triples.cvs")


def test_a_broken_link_is_named_with_its_target_and_suggested_to_nobody(tmp_path: Path) -> None:
    (tmp_path / "train.json").symlink_to("moved.json")
    assert close_names(tmp_path / "train.json") == " (it is a link to moved.json, which does not exist)"
    assert close_names(tmp_path / "trian.json") == ""
