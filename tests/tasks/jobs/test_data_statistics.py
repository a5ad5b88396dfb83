"""Statistics of files, counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from loreweave.tasks.jobs.check import check_files
from loreweave.tasks.jobs.data_statistics import csv_rows, spread
from loreweave.tasks.registry import load_task


def typed(text: str, start: int, end: int, *labels: str) -> dict[str, object]:
    return {"sent": text, "start": start, "end": end, "labels": list(labels)}


TRAIN = [
    typed("Ann Hill lives in Oslo .", 0, 8, "person", "artist"),
    typed("Ann Hill lives in Oslo .", 18, 22, "place"),
    typed("Bob ran .", 0, 3, "person", "artist", "poet"),
    typed("It ran .", 0, 2),
]
DEV = [typed("ann hill ran .", 0, 8, "person"), typed("Leo ran .", 0, 3, "person")]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Four records for training, and two for dev."""
    paths = [tmp_path / "train.json", tmp_path / "dev.json"]
    for path, rows in zip(paths, (TRAIN, DEV), strict=True):
        path.write_text(json.dumps(rows))
    return paths


def test_balance_and_lengths(files: list[Path]) -> None:
    found = check_files(load_task("entity-typing"), files)
    train, dev = found["files"]
    assert (train["unlabelled"], train["with_one_label"], train["with_several_labels"]) == (1, 1, 2)
    assert train["labels_per_record"] == 1.5 and dev["labels_per_record"] == 1.0  # (2 + 1 + 3 + 0) / 4, 2 / 2
    assert train["words_per_text"] == {"min": 3, "median": 3, "p95": 6, "max": 6}  # 6, 6, 3, 3
    assert train["words_per_mention"] == {"min": 1, "median": 1, "p95": 2, "max": 2}  # 2, 1, 1, 1
    assert found["together"] == [
        {"label": "artist", "other": "person", "train.json": 2, "dev.json": 0},
        {"label": "artist", "other": "poet", "train.json": 1, "dev.json": 0},
        {"label": "person", "other": "poet", "train.json": 1, "dev.json": 0},
    ]


def test_drift(files: list[Path]) -> None:
    """Labels of train: artist 2, person 2, place 1, poet 1, of 6; of dev: person only."""
    (row,) = check_files(load_task("entity-typing"), files)["drift"]
    train, dev = np.array([2, 2, 1, 1]) / 6, np.array([0, 1, 0, 0])
    middle = (train + dev) / 2
    divergence = ((train * np.log2(train / middle)).sum() + np.log2(1 / middle[1])) / 2
    assert (row["first"], row["second"], row["labels"]) == ("train.json", "dev.json", pytest.approx(divergence, abs=1e-4))
    # Texts of 6, 6, 3, 3 and of 4, 3 words: ranges 5-8 and 3-4 in train, 3-4 only in dev. Mentions of 2, 1, 1, 1 and of 2, 1.
    half = (0.5 * np.log2(0.5 / 0.75) + 0.5 * np.log2(0.5 / 0.25) + np.log2(1 / 0.75)) / 2
    assert row["words_per_text"] == pytest.approx(half, abs=1e-4)
    one, two = np.array([0.25, 0.75]), np.array([0.5, 0.5])
    mean = (one + two) / 2
    assert row["words_per_mention"] == pytest.approx(
        ((one * np.log2(one / mean)).sum() + (two * np.log2(two / mean)).sum()) / 2, abs=1e-4
    )
    assert row["known_mentions"] == 0.5  # 'ann hill' is a mention of train, 'leo' is not


def test_every_number_is_a_row(files: list[Path]) -> None:
    rows = list(csv_rows(check_files(load_task("entity-typing"), files)))
    assert ("train.json", "records", "", "", 4) in rows and ("train.json", "words_per_text (max)", "", "", 6) in rows
    assert ("train.json", "records with label", "person", "", 2) in rows
    assert ("train.json", "records with both labels", "artist", "person", 2) in rows
    assert ("dev.json", "drift: known_mentions", "", "train.json", 0.5) in rows
    assert ("dev.json", "leaks: same_text", "", "train.json", 0) in rows
    assert {len(row) for row in rows} == {5} and not any(isinstance(row[4], dict | list) for row in rows)


def test_files_without_mentions_or_labels(tmp_path: Path) -> None:
    path, other = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    path.write_text('{"text": "good film", "label": "yes"}\n{"text": "bad", "label": "no"}\n')
    other.write_text('{"text": "fine", "label": "yes"}\n')
    found = check_files(load_task("text-classification"), [path, other])
    (row,) = found["drift"]
    assert row["words_per_mention"] is None and row["known_mentions"] is None and found["together"] == []
    assert found["files"][0]["words_per_mention"] == {}


def test_spread_has_lengths_that_occur() -> None:
    assert spread([1, 2, 3, 10]) == {"min": 1, "median": 2, "p95": 10, "max": 10} and spread([]) == {}
