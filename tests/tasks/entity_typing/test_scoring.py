"""Typing scores and answers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from loreweave.errors import ConfigurationError
from loreweave.tasks.entity_typing.reader import TypingRecord
from loreweave.tasks.entity_typing.scoring import METRICS, answer, score
from loreweave.tasks.entity_typing.settings import Decision, TypingScoring

RECORDS = [
    TypingRecord("a", "Ann lives in Oslo .", 13, 17, ("city", "place")),
    TypingRecord("b", "Ann lives in Oslo .", 0, 3, ("person",)),
]
LABELS = ["city", "person", "place"]
LOGITS = [np.array([2.0, -5.0, -1.0]), np.array([-3.0, 0.5, -2.0])]
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


def test_a_threshold_is_of_the_probability() -> None:
    """A probability of .2 is a logit of -1.386, one of .9 is 2.197."""
    low = score(RECORDS, LOGITS, LABELS, TypingScoring(threshold=0.2))
    high = score(RECORDS, LOGITS, LABELS, TypingScoring(threshold=0.9))
    assert [row["predicted"] for row in low.predictions] == [["city", "place"], ["person"]]
    assert [row["predicted"] for row in high.predictions] == [[], []]
    assert low.metrics["micro_f1"] == 1.0 and high.metrics["micro_recall"] == 0.0
    kept = Decision(threshold=0.2)
    assert score(RECORDS, LOGITS, LABELS, TypingScoring(), decision=kept).predictions == low.predictions
    assert [row["predicted"] for row in answer(RECORDS, LOGITS, LABELS, decision=kept)] == [["city", "place"], ["person"]]
    with pytest.raises(ValueError, match="threshold: found 1.0, expected a number between 0 and 1"):
        TypingScoring(threshold=1.0)


def test_one_type_a_mention_is_the_likeliest() -> None:
    one = Decision(multi_label=False)
    outputs = [np.array([-3.0, -4.0, -3.5]), np.array([1.0, 2.0, 0.0])]
    found = score(RECORDS, outputs, LABELS, decision=one)
    assert [row["predicted"] for row in found.predictions] == [["city"], ["person"]]
    assert found.metrics["accuracy"] == 0.5  # the first has two types
    first, second = answer(RECORDS, outputs, LABELS, decision=one)
    assert first["predicted"] == ["city"] and sum(second["probabilities"].values()) == pytest.approx(1, abs=2e-6)
    assert second["probabilities"]["person"] == pytest.approx(math.e**2 / (math.e**2 + math.e + 1), abs=1e-6)
    with pytest.raises(ConfigurationError, match="this model predicts the most likely type"):
        score(RECORDS, outputs, LABELS, TypingScoring(threshold=0.3), decision=one)


def test_no_record() -> None:
    assert answer([], [], LABELS) == []
