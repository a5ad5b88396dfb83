"""Typing scores and answers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from loreweave.tasks.entity_typing.reader import TypingRecord
from loreweave.tasks.entity_typing.scoring import METRICS, answer, score

RECORDS = [
    TypingRecord("a", "Ann lives in Oslo .", 13, 17, ("city", "place")),
    TypingRecord("b", "Ann lives in Oslo .", 0, 3, ("person",)),
]
LABELS = ["city", "person", "place"]
OUTPUTS = [np.array([2.0, -1.0, -0.1]), np.array([-3.0, 0.5, 0.0])]


def test_score() -> None:
    evaluation = score(RECORDS, OUTPUTS, LABELS)
    assert tuple(evaluation.metrics) == METRICS
    assert evaluation.metrics["micro_precision"] == 1.0 and evaluation.metrics["micro_recall"] == 2 / 3
    assert evaluation.metrics["accuracy"] == 0.5
    assert evaluation.predictions[0] == {
        "id": "a", "text": "Ann lives in Oslo .", "start": 13, "end": 17, "mention": "Oslo", "predicted": ["city"],
        "gold": ["city", "place"],
    }  # fmt: skip
    assert evaluation.arrays["labels"].tolist() == [[1, 0, 1], [0, 1, 0]]
    assert evaluation.arrays["ids"].tolist() == ["a", "b"]
    assert [row["f1"] for row in evaluation.tables["per_label"]] == [1.0, 1.0, 0.0]


def test_answers_have_offsets_and_probabilities_best_first() -> None:
    first, second = answer(RECORDS, OUTPUTS, LABELS)
    assert (first["start"], first["end"]) == (13, 17)
    assert first["predicted"] == ["city"] and first["text"] == "Ann lives in Oslo ."
    assert first["probabilities"]["city"] == pytest.approx(1 / (1 + math.exp(-2)), abs=1e-6)
    assert list(second["probabilities"]) == ["person", "place", "city"]


def test_no_record() -> None:
    assert answer([], [], LABELS) == []
