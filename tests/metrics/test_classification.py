"""Scores of classification equal scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef, precision_score, recall_score

from loreweave.metrics.classification import classification_scores, matthews_correlation


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("seed", range(3))
def test_all_scores_equal_those_of_scikit_learn(classes: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    gold = [str(number) for number in random.integers(classes, size=60)]
    predicted = [each if random.random() < 0.6 else str(random.integers(classes)) for each in gold]
    expected = {
        "accuracy": accuracy_score(gold, predicted),
        "macro_f1": f1_score(gold, predicted, average="macro"),
        "matthews_correlation": matthews_corrcoef(gold, predicted),
    }
    assert classification_scores(predicted, gold) == pytest.approx(expected)
    one = {"labels": ["1"], "average": "micro"}  # the counts of that class alone
    found = {"precision": precision_score, "recall": recall_score, "f1": f1_score}
    expected |= {name: score(gold, predicted, **one) for name, score in found.items()}
    assert classification_scores(predicted, gold, "1") == pytest.approx(expected)


def test_matthews_correlation_by_hand() -> None:
    gold, predicted = ["1", "1", "1", "0"], ["1", "1", "0", "0"]  # tp 2, fn 1, tn 1, fp 0
    assert matthews_correlation(predicted, gold) == pytest.approx((2 * 1 - 0 * 1) / (2 * 3 * 1 * 2) ** 0.5)
    assert matthews_correlation(["1"] * 4, gold) == 0, "one class for all, as the papers' zeros of CoLA"
    assert matthews_correlation([], []) == 0


def test_what_a_system_left_out_is_wrong() -> None:
    scores = classification_scores(["a", None, "b"], ["a", "a", "b"], "a")
    assert scores["accuracy"] == pytest.approx(2 / 3)
    assert (scores["precision"], scores["recall"]) == (1, 0.5)
    assert scores["matthews_correlation"] == pytest.approx(matthews_corrcoef(["a", "a", "b"], ["a", "none", "b"]))


def test_a_positive_class_that_is_nowhere_scores_nothing() -> None:
    assert classification_scores(["0"], ["0"], "1") == {
        "accuracy": 1, "macro_f1": 1, "matthews_correlation": 0, "precision": 0, "recall": 0, "f1": 0,
    }  # fmt: skip


def test_another_number_of_predictions_is_refused() -> None:
    with pytest.raises(ValueError, match="found 1 predictions for 2 gold labels"):
        matthews_correlation(["a"], ["a", "b"])
