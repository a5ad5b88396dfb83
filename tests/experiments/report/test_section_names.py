"""Names of sections say which data they are about."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_runs import finetuning_run

from loreweave.experiments.report.sections import sections_of
from loreweave.experiments.runs.folders import find_runs


def run_on(folder: Path, dev: str, test: str, content: str = "1", directory: str = "") -> None:
    """A run that was scored on two files."""
    data = {"train": "train.json sha256:0", "dev": f"{Path(dev).name} sha256:{content}", "test": f"{Path(test).name} sha256:2"}
    finetuning_run(folder, task="ner", data=data)
    path = folder / "status.json"
    status = json.loads(path.read_text())
    path.write_text(json.dumps({**status, "directory": directory, "files": {"dev": dev, "test": test}}))


def names(folder: Path) -> list[str]:
    return [section.name for section in sections_of(find_runs([folder]))]


@pytest.mark.parametrize(
    ("dev", "test", "expected"),
    [
        ("/data/conll/dev.json", "/data/conll/test.json", "ner on dev.json and test.json in conll"),
        ("/wiki/data/valid.jsonl", "/wiki/data/test-2.jsonl", "ner on valid.jsonl and test-2.jsonl in wiki/data"),
        ("/x/conll_dev.json", "/x/conll_test.json", "ner on conll_dev.json and conll_test.json"),
        ("/x/a/dev.txt", "/x/b/test.txt", "ner on a/dev.txt and b/test.txt"),
    ],
)
def test_a_folder_is_named_where_names_alone_say_nothing(tmp_path: Path, dev: str, test: str, expected: str) -> None:
    run_on(tmp_path / "run", dev, test)
    assert names(tmp_path) == [expected]


def test_paths_are_relative_to_the_folder_of_the_command(tmp_path: Path) -> None:
    run_on(tmp_path / "run", "dev.json", "test.json", directory="/somewhere/typing")
    assert names(tmp_path) == ["ner on dev.json and test.json in typing"]


def test_sections_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    run_on(tmp_path / "a", "/x/old/my.json", "/x/old/mine.json", content="1")
    run_on(tmp_path / "b", "/x/new/my.json", "/x/new/mine.json", content="5")
    assert names(tmp_path) == ["ner on my.json and mine.json in old", "ner on my.json and mine.json in new"]
    run_on(tmp_path / "c", "/x/new/my.json", "/x/new/mine.json", content="6")
    assert names(tmp_path)[1:] == [
        "ner on my.json and mine.json in x/new",
        "ner on my.json and mine.json in x/new, other data 2",
    ]
