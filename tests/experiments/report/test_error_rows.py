"""Wrong predictions are data again; their probabilities, margins and losses by hand."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_runs import finetuning_run
from task_jobs import silent

import loreweave
from loreweave.experiments.report.error_rows import by_mention, error_rows, gold_key, probability_rows
from loreweave.experiments.report.outputs import ClassOutputs
from loreweave.tasks.registry import load_training

TEXT = "Ann met Bob in Oslo ."
ROWS: dict[str, dict[str, Any]] = {
    "entity-typing": {"id": "7", "text": TEXT, "start": 0, "end": 3, "mention": "Ann", "predicted": ["place"],
                      "gold": ["artist", "person"]},
    "relation-classification": {"id": "7", "text": TEXT, "head": {"start": 0, "end": 3, "mention": "Ann"},
                                "tail": {"start": 8, "end": 11, "mention": "Bob"}, "predicted": "none", "gold": "met"},
    "ner": {"id": "7", "text": TEXT,
            "predicted": [{"start": 0, "end": 3, "mention": "Ann", "label": "LOC", "probability": 0.9}],
            "gold": [{"start": 0, "end": 3, "mention": "Ann", "label": "PER"},
                     {"start": 15, "end": 19, "mention": "Oslo", "label": "LOC"}]},
    "text-classification": {"id": "7", "text": TEXT, "predicted": "bad", "gold": "good"},
}  # fmt: skip


@pytest.mark.parametrize("task", ROWS)
def test_errors_are_data_of_the_task(task: str, tmp_path: Path) -> None:
    path = tmp_path / "errors.jsonl"
    (row,) = error_rows({0: ROWS[task]}, gold_key(task), None)
    path.write_text(json.dumps(row) + "\n")
    training = load_training(task)
    (record,) = training.read(path, None, False).records
    gold = ROWS[task]["gold"]
    names = sorted(mention["label"] for mention in gold) if task == "ner" else gold if isinstance(gold, list) else [gold]
    assert (record.id, record.text) == ("7", TEXT) and training.labels([record]) == names
    assert row["predicted"] == ROWS[task]["predicted"] and "gold" not in row


def test_what_is_missed_and_spurious() -> None:
    (typed,) = error_rows({0: ROWS["entity-typing"] | {"predicted": ["person", "place"]}}, "labels", None)
    assert (typed["missed"], typed["spurious"]) == (["artist"], ["place"])
    (named,) = error_rows({0: ROWS["ner"]}, "entities", None)
    assert named["missed"] == ROWS["ner"]["gold"] and named["spurious"] == ROWS["ner"]["predicted"]
    right = ROWS["ner"]["gold"][1] | {"probability": 0.8}
    (named,) = error_rows({0: ROWS["ner"] | {"predicted": [right]}}, "entities", None)
    assert named["missed"] == ROWS["ner"]["gold"][:1] and named["spurious"] == []
    assert gold_key("ner", [{"id": "1", "gold": []}]) is None, "no text"
    assert gold_key("relation-classification", [{"text": TEXT, "gold": [{"head": 0, "tail": 1, "label": "met"}]}]) is None
    (other,) = error_rows({0: {"id": "1", "predicted": "a", "gold": "b"}}, gold_key("fact-probing"), None)
    assert other == {"id": "1", "predicted": "a", "gold": "b"}


def outputs(logits: list[list[float]], gold: list[list[int]], *, multi_label: bool) -> ClassOutputs:
    scores, truth = np.array(logits, np.float32), np.array(gold, bool)
    predicted = scores > 0 if multi_label else np.arange(scores.shape[1]) == scores.argmax(axis=1, keepdims=True)
    rows = [{"id": str(number), "gold": [], "predicted": []} for number in range(len(scores))]
    return ClassOutputs(
        ["a", "b", "c", "d"][: scores.shape[1]], multi_label, truth, predicted, scores, rows, range(len(rows)), 0
    )


def test_probabilities_of_several_labels() -> None:
    found = outputs([[np.log(3), -np.log(4), 0.0, -np.log(9)]], [[0, 1, 0, 0]], multi_label=True)
    (row,) = error_rows(dict(enumerate(found.rows)), "labels", found)
    assert row["probabilities"] == pytest.approx({"a": 0.75, "c": 0.5, "b": 0.2, "d": 0.1}, abs=1e-6)
    assert [name for name, _ in row["most_likely"]] == ["a", "c", "b"]
    assert row["margin"] == pytest.approx(-np.log(4), abs=1e-6)  # the gold label b is log 4 below the threshold
    assert row["loss"] == pytest.approx(-np.log([0.25, 0.2, 0.5, 0.9]).mean(), abs=1e-6)
    (every,) = probability_rows(found)
    assert list(every["probabilities"]) == ["a", "c", "b", "d"] and every["id"] == "0"


def test_probabilities_of_one_label() -> None:
    found = outputs([[np.log(6), np.log(3), 0.0]], [[0, 1, 0]], multi_label=False)
    (row,) = error_rows(dict(enumerate(found.rows)), "label", found)
    assert row["probabilities"] == pytest.approx({"a": 0.6, "b": 0.3, "c": 0.1}, abs=1e-6)
    assert row["margin"] == pytest.approx(np.log(3 / 6), abs=1e-6) and row["loss"] == pytest.approx(-np.log(0.3), abs=1e-6)
    broken = outputs([[np.nan, 0.0]], [[0, 1]], multi_label=False)
    (row,) = error_rows(dict(enumerate(broken.rows)), "label", broken)
    assert "margin" not in row and "loss" not in row


def test_errors_by_mention() -> None:
    rows = [{"mention": name} for name in ("It", "it ", "Ann", "She", "Ann")]
    assert by_mention(rows, [rows[0], rows[3]]) == [["it", 2, 1, 0.5], ["she", 1, 1, 1.0], ["ann", 2, 0, 0.0]]


def test_a_report_has_the_files(tmp_path: Path) -> None:
    logits = np.array([[2.0, 0, 0], [0, 0, 1.0], [0, 0, 3.0], [0, 4.0, 0]])
    finetuning_run(tmp_path / "run", logits=logits)
    tables = loreweave.report(tmp_path / "run", output=tmp_path / "report", figures=["errors"], tell=silent).path / "tables"
    rows = [json.loads(line) for line in (tables / "errors.jsonl").read_text().splitlines()]
    assert [(row["id"], row["label"], row["predicted"]) for row in rows] == [("3", "person", "place"), ("1", "place", "thing")]
    assert rows[0]["margin"] == -4 and rows[0]["most_likely"][0] == [
        "place",
        pytest.approx(np.exp(4) / (np.exp(4) + 2), abs=1e-6),
    ]
    for split in ("dev", "test"):
        assert len((tables / f"probabilities_{split}.jsonl").read_text().splitlines()) == 4
    with (tables / "errors.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 2


def test_records_with_the_same_id_have_their_own_probabilities(tmp_path: Path) -> None:
    logits = np.array([[0, 3.0, 0], [0, 0, 9.0], [0, 0, 3.0], [5.0, 0, 0]])
    path = finetuning_run(tmp_path / "run", logits=logits).path / "predictions" / "test.jsonl"
    path.write_text(path.read_text().replace('"id": "0"', '"id": "1"'))
    tables = loreweave.report(tmp_path / "run", output=tmp_path / "report", figures=["errors"], tell=silent).path / "tables"
    rows = [json.loads(line) for line in (tables / "errors.jsonl").read_text().splitlines()]
    assert [(row["id"], row["predicted"], row["most_likely"][0][0], row["margin"]) for row in rows] == [
        ("1", "thing", "thing", -9), ("1", "place", "place", -3),
    ]  # fmt: skip
    with (tables / "errors.csv").open(newline="") as file:
        assert [row["most likely"].split()[0] for row in csv.DictReader(file)] == ["thing", "place"]
