"""Relation scores, notes and answers."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from loreweave.errors import ConfigurationError
from loreweave.tasks.relation_classification.scoring import METRICS, Kept, answer, score, score_labels, score_predictions
from loreweave.tasks.relation_classification.settings import RelationScoring
from loreweave.tasks.relations.record import RelationRecord

TEXT = "Ann lives in Oslo ."
LABELS = ["no_relation", "born", "lives"]
RECORDS = [
    RelationRecord("a", TEXT, (0, 3), (13, 17), "lives"),
    RelationRecord("b", TEXT, (13, 17), (0, 3), "no_relation"),
    RelationRecord("c", TEXT, (0, 3), (13, 17), "born"),
]
OUTPUTS = [np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.5, -1.0]), np.array([0.0, 3.0, 1.0])]


def test_score() -> None:
    evaluation = score(RECORDS, OUTPUTS, LABELS)
    assert set(evaluation.metrics) == set(METRICS) - {"ign_precision", "ign_f1"}
    assert evaluation.metrics["micro_precision"] == 2 / 3 and evaluation.metrics["micro_recall"] == 1.0
    assert evaluation.metrics["accuracy"] == 2 / 3
    assert evaluation.predictions[1] == {
        "id": "b", "text": TEXT, "head": {"start": 13, "end": 17, "mention": "Oslo"},
        "tail": {"start": 0, "end": 3, "mention": "Ann"}, "predicted": "born", "gold": "no_relation",
    }  # fmt: skip
    assert evaluation.arrays["labels"].tolist() == [2, 0, 1] and evaluation.arrays["ids"].tolist() == ["a", "b", "c"]
    assert [row["f1"] for row in evaluation.tables["per_label"]] == [0.0, pytest.approx(2 / 3), 1.0]
    assert evaluation.notes == ["micro and macro scores exclude 'no_relation'"]


def test_without_positives_the_note_says_so() -> None:
    evaluation = score(RECORDS[1:2], OUTPUTS[:1], LABELS)
    assert evaluation.metrics["micro_f1"] == 0.0 and "no record has a relation other than" in evaluation.notes[1]


def test_without_a_negative_label_the_note_says_so() -> None:
    evaluation = score([RECORDS[0]], [np.array([1.0, 2.0])], ["born", "lives"])
    assert evaluation.metrics["micro_f1"] == 1.0 and "no label is known to mean" in evaluation.notes[0]


def test_missing_answers_are_wrong() -> None:
    evaluation = score_labels(RECORDS, ["lives", None, None], LABELS, "no_relation")
    assert evaluation.metrics["micro_precision"] == 1.0 and evaluation.metrics["micro_recall"] == 0.5
    assert evaluation.predictions[1]["predicted"] is None


def test_answers_have_both_mentions_and_probabilities_best_first() -> None:
    first, *_ = answer(RECORDS, OUTPUTS, LABELS)
    assert first["head"]["mention"] == "Ann" and first["predicted"] == "lives"
    assert first["probability"] == pytest.approx(math.exp(2) / (1 + math.e + math.exp(2)), abs=1e-6)
    assert list(first["probabilities"]) == ["lives", "born", "no_relation"]
    assert sum(first["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert answer([], [], LABELS) == []


def test_the_label_for_none_can_be_named(tmp_path: Path) -> None:
    """Four records, one of them NONE; of three other predictions two are right."""
    labels = ["born", "lives", "NONE"]
    records = [replace(record, label=label) for record, label in zip([*RECORDS, RECORDS[0]], [*labels, "born"], strict=True)]
    outputs = [np.eye(3)[number] for number in (0, 1, 1, 2)]
    for asked, kept in ((RelationScoring(no_label="NONE"), Kept()), (None, Kept("NONE")), (RelationScoring(), Kept("NONE"))):
        evaluation = score(records, outputs, labels, asked, kept)
        assert evaluation.metrics["micro_precision"] == 2 / 3 and evaluation.metrics["micro_recall"] == 2 / 3
        assert evaluation.notes == ["micro and macro scores exclude 'NONE'"]
    assert score(records, outputs, labels).metrics["micro_recall"] == 2 / 4
    empty = score(RECORDS, OUTPUTS, LABELS, RelationScoring(no_label=""))
    assert empty.metrics["micro_f1"] == empty.metrics["accuracy"] == 2 / 3
    with pytest.raises(ConfigurationError, match="setting 'no_label': 'NON' is not a label; did you mean 'NONE'"):
        score(records, outputs, labels, RelationScoring(no_label="NON"))


def test_the_label_for_none_of_a_file_of_predictions(tmp_path: Path) -> None:
    path = tmp_path / "predictions.txt"
    path.write_text("lives\nNONE\nborn\n")
    records = [RECORDS[0], replace(RECORDS[1], label="NONE"), replace(RECORDS[2], label="NONE")]
    evaluation = score_predictions(records, path, RelationScoring(no_label="NONE"))
    assert evaluation.metrics["micro_precision"] == 1 / 2 and evaluation.metrics["micro_recall"] == 1.0
    assert score_predictions(records, path).metrics["micro_recall"] == 2 / 3
    with pytest.raises(ConfigurationError, match="did you mean 'NONE'"):
        score_predictions(records, path, RelationScoring(no_label="None"))
