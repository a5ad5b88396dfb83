"""Multi-label scores: cases counted by hand, and scikit-learn as an oracle."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from loreweave.metrics.multilabel import accuracy, macro, micro, multilabel_scores, per_label, predicted_labels, strict

GOLD = [[1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
PREDICTED = [[1, 0, 0], [0, 1, 1], [0, 0, 1], [0, 0, 0]]  # one of two, one of two right, exact, nothing


def test_micro_counts_over_all_cells() -> None:
    score = micro(PREDICTED, GOLD)  # 3 correct, 4 predicted, 5 gold
    assert (score.precision, score.recall) == (3 / 4, 3 / 5)
    assert score.f1 == pytest.approx(2 * 3 / (4 + 5))


def test_macro_leaves_empty_predictions_out_of_precision() -> None:
    score = macro(PREDICTED, GOLD)
    assert score.precision == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert score.recall == pytest.approx((1 / 2 + 1 + 1 + 0) / 4)


def test_strict_wants_the_exact_set() -> None:
    score = strict(PREDICTED, GOLD)
    assert (score.precision, score.recall) == (1 / 3, 1 / 4)
    assert accuracy(PREDICTED, GOLD) == 1 / 4


def test_empty_sets_agree_in_accuracy_but_are_no_strict_hit() -> None:
    assert accuracy([[0, 0]], [[0, 0]]) == 1.0
    assert strict([[0, 0]], [[0, 0]]).f1 == 0.0


def test_nothing_predicted_gives_zero_not_an_error() -> None:
    scores = multilabel_scores(np.zeros((2, 3)), np.ones((2, 3)))
    assert set(scores.values()) == {0.0}


def test_a_logit_of_zero_is_not_predicted() -> None:
    assert predicted_labels([[0.0, 1e-9, -1.0]]).tolist() == [[False, True, False]]


def test_each_label_can_have_a_threshold() -> None:
    assert predicted_labels([[1.0, 1.0]], [2.0, -1.0]).tolist() == [[False, True]]


def test_per_label_table() -> None:
    row = per_label(PREDICTED, GOLD, ["a", "b", "c"])[2]
    assert row == {"label": "c", "gold": 1, "predicted": 2, "correct": 1, "precision": 0.5, "recall": 1.0, "f1": 2 / 3}


def test_wrong_input_is_named() -> None:
    with pytest.raises(ValueError, match="predicted_labels"):
        micro([[0.3]], [[1]])
    with pytest.raises(ValueError, match="expected"):
        micro([[1, 0]], [[1]])
    with pytest.raises(ValueError, match="2 labels"):
        per_label(PREDICTED, GOLD, ["a", "b"])


@pytest.mark.parametrize("seed", range(5))
def test_scikit_learn_agrees(seed: int) -> None:
    random = np.random.default_rng(seed)
    gold, predicted = random.random((40, 6)) < 0.4, random.random((40, 6)) < 0.3
    reference = precision_recall_fscore_support(gold, predicted, average="micro", zero_division=0)
    ours = micro(predicted, gold)
    assert (ours.precision, ours.recall, ours.f1) == pytest.approx(reference[:3])
    table = per_label(predicted, gold, list("abcdef"))
    columns = precision_recall_fscore_support(gold, predicted, average=None, zero_division=0)
    assert [row["f1"] for row in table] == pytest.approx(list(columns[2]))
    whole = gold.any(axis=1) & predicted.any(axis=1)  # scikit-learn gives an empty row 0, ours leaves it out
    samples = precision_recall_fscore_support(gold[whole], predicted[whole], average="samples", zero_division=0)
    assert macro(predicted[whole], gold[whole]).precision == pytest.approx(samples[0])
    assert macro(predicted[whole], gold[whole]).recall == pytest.approx(samples[1])
