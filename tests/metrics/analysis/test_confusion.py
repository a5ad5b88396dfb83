"""Confusion counted by hand, and scikit-learn as an oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    multilabel_confusion_matrix,
    precision_recall_fscore_support,
)

from loreweave.errors import DataError
from loreweave.metrics.analysis.confusion import (
    Normalised,
    averages,
    cooccurrence,
    error_flow,
    label_counts,
    one_hot,
    predicted_classes,
    single_label_confusion,
    three_structures,
    with_reject,
)

LABELS = ["a", "b", "c"]
WRONG: Any = "gold"
SETS = st.integers(0, 12).flatmap(
    lambda records: st.tuples(*[st.lists(st.tuples(*[st.booleans()] * 3), min_size=records, max_size=records)] * 2)
)


def sets_of(rows: list[tuple[bool, ...]]) -> np.ndarray:
    return np.array(rows, dtype=bool).reshape(-1, 3)


def test_single_label_by_hand() -> None:
    found = single_label_confusion([0, 1, 1, 0], [0, 0, 1, 0], LABELS)
    assert found.counts.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]], "a class that is absent keeps its place"
    assert found.rows == found.columns == ("a", "b", "c")


def test_rates_of_empty_rows_are_blank() -> None:
    found = single_label_confusion([0, 1, 1, 0], [0, 0, 1, 0], LABELS)
    assert found.rates("true").tolist() == [[2 / 3, 1 / 3, 0], [0, 1, 0], [None, None, None]]
    assert found.rates("pred").tolist() == [[1, 0.5, None], [0, 0.5, None], [0, 0, None]]
    assert found.rates("all").tolist() == [[0.5, 0.25, 0], [0, 0.25, 0], [0, 0, 0]]
    with pytest.raises(ValueError, match="expected 'true', 'pred' or 'all'"):
        found.rates(WRONG)


def test_no_records_give_blanks() -> None:
    none = np.zeros(0, dtype=int)
    assert single_label_confusion(none, none, ["a"]).rates("all").tolist() == [[None]]


@pytest.mark.parametrize("over", ["true", "pred", "all"])
def test_rates_are_those_of_scikit_learn(over: Normalised) -> None:
    random = np.random.default_rng(0)
    gold, predicted = random.integers(3, size=50), random.integers(3, size=50)
    found = single_label_confusion(predicted, gold, LABELS).rates(over)
    assert np.array(found) == pytest.approx(confusion_matrix(gold, predicted, labels=range(3), normalize=over))


def test_rejected_is_a_class_of_its_own() -> None:
    logits = np.log([[0.9, 0.1], [0.45, 0.55], [0.6, 0.4]])
    assert predicted_classes(logits).tolist() == [0, 1, 0]
    rejecting = predicted_classes(logits, threshold=0.58)
    assert rejecting.tolist() == [0, -1, 0]
    found = single_label_confusion(rejecting, [0, 1, -1], ["a", "b"], rejected="rejected")
    assert found.counts.tolist() == [[1, 0, 0], [0, 0, 1], [1, 0, 0]]
    assert found.columns == ("a", "b", "rejected")


def test_label_counts_by_hand() -> None:
    gold = [[1, 1, 0], [0, 1, 0], [0, 0, 0], [1, 0, 0]]
    predicted = [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 0]]
    first = label_counts(predicted, gold, LABELS)[0]
    assert (first.true_positives, first.false_positives, first.false_negatives, first.true_negatives) == (1, 1, 1, 1)
    assert (first.support, first.score.precision, first.score.recall, first.score.f1) == (2, 0.5, 0.5, 0.5)
    assert first.confusion.counts.tolist() == [[1, 1], [1, 1]] and first.confusion.rows == ("other", "a")
    assert label_counts(predicted, gold, ["other", "b", "c"])[0].confusion.rows == ("(other)", "other")


@settings(max_examples=25, deadline=None)
@given(SETS)
def test_counts_and_averages_are_those_of_scikit_learn(rows: tuple[list[tuple[bool, ...]], list[tuple[bool, ...]]]) -> None:
    predicted, gold = sets_of(rows[0]), sets_of(rows[1])
    if not len(gold):
        assert averages(predicted, gold).examples.f1 == 0.0
        return
    theirs = multilabel_confusion_matrix(gold, predicted)
    assert [one.confusion.counts.tolist() for one in label_counts(predicted, gold, LABELS)] == theirs.tolist()
    found = averages(predicted, gold)
    for name, kind in (("micro", "micro"), ("macro", "macro"), ("weighted", "weighted"), ("examples", "samples")):
        expected = precision_recall_fscore_support(gold, predicted, average=kind, zero_division=0)[:3]
        ours = getattr(found, name)
        assert (ours.precision, ours.recall, ours.f1) == pytest.approx(expected)
    assert found.exact_match == pytest.approx(accuracy_score(gold, predicted))


def test_averages_of_single_labels() -> None:
    gold, predicted = np.array([0, 1, 2, 2]), np.array([0, 2, 2, -1])
    found = averages(one_hot(predicted, 3), one_hot(gold, 3))
    assert found.exact_match == 0.5
    assert (found.micro.precision, found.micro.recall) == pytest.approx((2 / 3, 2 / 4)), "a rejected record has no prediction"


def test_three_structures_by_hand() -> None:
    gold = [[1, 0, 0], [0, 0, 0], [0, 1, 0], [1, 1, 0], [1, 0, 0]]
    predicted = [[0, 1, 0], [0, 0, 0], [0, 0, 0], [1, 0, 0], [1, 0, 1]]
    found = three_structures(predicted, gold, LABELS)
    assert (found.single_records, found.multi_records) == (3, 2), "an empty set has the one label `reject`"
    single = found.single_label_only
    assert single.rows == ("a", "b", "c", "reject")
    assert single.counts.tolist() == [[0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 1]]
    everything = [one.confusion.counts.tolist() for one in found.multi_label_all]
    assert everything == [[[2, 0], [1, 2]], [[2, 1], [2, 0]], [[4, 1], [0, 0]], [[3, 1], [0, 1]]]
    multi = [one.confusion.counts.tolist() for one in found.multi_label_only]
    assert multi == [[[0, 0], [0, 2]], [[1, 0], [1, 0]], [[1, 1], [0, 0]], [[2, 0], [0, 0]]]


def test_a_label_named_reject_keeps_its_name() -> None:
    assert three_structures([[1, 0]], [[0, 1]], ["reject", "b"]).single_label_only.rows == ("reject", "b", "(reject)")
    assert error_flow([[1, 0]], [[0, 1]], ["none", "b"]).confusion.columns == ("none", "b", "(none)")


def test_reject_column() -> None:
    assert with_reject([[0, 0], [1, 0]]).tolist() == [[False, False, True], [True, False, False]]


def test_error_flow_by_hand() -> None:
    gold = [[1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    predicted = [[1, 0, 1], [0, 1, 1], [0, 0, 0], [1, 0, 1]]  # b went to c; a half to b, half to c; b to none; a unprompted
    found = error_flow(predicted, gold, LABELS)
    assert found.confusion.columns == ("a", "b", "c", "none")
    assert found.confusion.counts.tolist() == [[1, 0.5, 0.5, 0], [0, 0, 1, 1], [0, 0, 1, 0]]
    assert found.unprompted.tolist() == [1, 0, 0]


@settings(max_examples=25, deadline=None)
@given(SETS)
def test_error_flow_keeps_every_gold_label(rows: tuple[list[tuple[bool, ...]], list[tuple[bool, ...]]]) -> None:
    predicted, gold = sets_of(rows[0]), sets_of(rows[1])
    found = error_flow(predicted, gold, LABELS)
    assert found.confusion.counts.sum(axis=1) == pytest.approx(gold.sum(axis=0))
    slow = np.zeros((3, 4))
    for guess, truth in zip(predicted, gold, strict=True):
        missed, spurious = np.flatnonzero(truth & ~guess), np.flatnonzero(guess & ~truth)
        for label in np.flatnonzero(truth & guess):
            slow[label, label] += 1
        for label in missed:
            for other in spurious:
                slow[label, other] += 1 / len(spurious)
            slow[label, 3] += not len(spurious)
    assert found.confusion.counts == pytest.approx(slow)
    structures = three_structures(predicted, gold, LABELS)
    assert (
        structures.single_records + structures.multi_records
        == len(gold)
        == structures.single_label_only.counts.sum() + (structures.multi_records)
    )


def test_cooccurrence_by_hand() -> None:
    found = cooccurrence([[1, 0, 1], [1, 0, 0]], [[1, 1, 0], [0, 1, 0]], LABELS)
    assert found.counts.tolist() == [[1, 0, 1], [2, 0, 1], [0, 0, 0]]


def test_wrong_input_is_named() -> None:
    with pytest.raises(ValueError, match="gold class numbers from 0 to 1"):
        single_label_confusion([0, 1], [0, -1], ["a", "b"])
    with pytest.raises(ValueError, match="predicted class numbers from -1 to 1"):
        single_label_confusion([0, 2], [0, -1], ["a", "b"], "rejected")
    with pytest.raises(ValueError, match=r"found shapes \(1,\) and \(2,\)"):
        single_label_confusion([0], [0, 1], ["a", "b"])
    with pytest.raises(ValueError, match="found 3 columns, expected one for each of 2 labels"):
        error_flow([[1, 0, 1]], [[1, 0, 1]], ["a", "b"])
    with pytest.raises(DataError, match="found 1 of 2 logits that are not finite"):
        predicted_classes([[np.nan, 1.0]])
