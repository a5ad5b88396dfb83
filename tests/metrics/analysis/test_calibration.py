"""Calibration: bins and errors counted by hand, scikit-learn and direct definitions as oracles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from loreweave.errors import DataError
from loreweave.metrics.analysis.calibration import (
    Pairs,
    Spacing,
    bin_edges,
    binned_errors,
    brier_score,
    calibration,
    certain_pairs,
    chance_error,
    multilabel_pairs,
    reliability_bins,
    single_label_pairs,
    wilson_interval,
)


def pairs_of(confidence: list[float], outcome: list[int], record: list[int] | None = None) -> Pairs:
    record = list(range(len(confidence))) if record is None else record
    return Pairs(np.array(confidence), np.array(outcome, bool), np.array(record), max(record) + 1, "one-vs-rest")


def random_pairs(seed: int, records: int = 300, labels: int = 4, sharpness: float = 1.0) -> Pairs:
    random = np.random.default_rng(seed)
    logits = random.normal(size=(records, labels)) * 2
    return multilabel_pairs(logits * sharpness, random.random((records, labels)) < 1 / (1 + np.exp(-logits)))


HAND = pairs_of([0.1, 0.3, 0.5, 0.6, 0.9, 1.0], [0, 1, 1, 0, 1, 1])
"""Two bins: (0.1, 0.3, 0.5) with two hits of three, (0.6, 0.9, 1.0) with two of three."""


def test_bins_by_hand() -> None:
    low, high = reliability_bins(HAND, bins=2)
    assert (low.lower_edge, low.upper_edge, low.count, low.positives) == (0.0, 0.5, 3, 2), "an edge belongs to the lower bin"
    assert (low.confidence, low.accuracy) == pytest.approx((0.3, 2 / 3))
    assert (high.confidence, high.accuracy, high.count) == pytest.approx((2.5 / 3, 2 / 3, 3))


def test_errors_by_hand() -> None:
    found = calibration(HAND, bins=2, samples=20)
    gaps = [2 / 3 - 0.3, 2.5 / 3 - 2 / 3]
    assert found.ece.value == pytest.approx(sum(gaps) / 2)
    assert found.mce.value == pytest.approx(gaps[0])
    assert found.rmsce.value == pytest.approx(np.sqrt((gaps[0] ** 2 + gaps[1] ** 2) / 2))
    unbiased = [gap**2 - (2 / 3 * 1 / 3) / 2 for gap in gaps]
    assert found.debiased_rmsce.value == pytest.approx(np.sqrt(max(sum(unbiased) / 2, 0)))
    assert found.brier.value == pytest.approx((0.01 + 0.49 + 0.25 + 0.36 + 0.01 + 0) / 6)
    assert (found.confidence, found.accuracy) == pytest.approx((3.4 / 6, 4 / 6))
    assert (found.records, found.pairs, found.view, found.ece_is_biased) == (6, 6, "one-vs-rest", True)


def test_debiased_error_is_that_of_drawn_noise() -> None:
    """The definition of Kumar et al.: accuracies drawn around those of the bins, and what they add taken away."""
    pairs = random_pairs(0, sharpness=1.5)
    bins = [one for one in reliability_bins(pairs) if one.count]
    counts, shares, means = (np.array([getattr(one, name) for one in bins]) for name in ("count", "accuracy", "confidence"))
    weights = counts / counts.sum()
    noise = np.random.default_rng(1).normal(size=(40_000, len(bins))) * np.sqrt(shares * (1 - shares) / counts)
    plain = weights @ np.abs(shares - means)
    drawn = (np.abs(shares + noise - means) @ weights).mean()
    assert calibration(pairs, samples=5).debiased_ece.value == pytest.approx(plain - (drawn - plain), abs=3e-4)


def test_debiasing_takes_away_most_of_the_error_of_a_calibrated_system() -> None:
    found = [calibration(random_pairs(seed, records=100), samples=5) for seed in range(20)]
    plain, debiased = (np.mean([getattr(one, name).value for one in found]) for name in ("ece", "debiased_ece"))
    assert debiased < 0.6 * plain
    assert np.mean([one.chance_ece for one in found]) == pytest.approx(plain, rel=0.1), "which chance alone explains"


def test_error_by_chance_by_hand() -> None:
    pairs = pairs_of([0.5] * 4 + [1.0] * 4, [0, 1, 0, 1, 1, 1, 1, 1])
    assert chance_error(pairs, bin_edges(pairs, 2)) == pytest.approx(np.sqrt(2 / np.pi) * np.sqrt(4 * 0.25) / 8)


@pytest.mark.parametrize(("spacing", "name"), [("equal width", "uniform"), ("equal mass", "quantile")])
def test_bins_are_those_of_scikit_learn(spacing: Spacing, name: str) -> None:
    pairs = random_pairs(3)
    found = [one for one in reliability_bins(pairs, 10, spacing) if one.count]
    accuracy, confidence = calibration_curve(pairs.outcome, pairs.confidence, n_bins=10, strategy=name)
    assert [one.accuracy for one in found] == pytest.approx(accuracy)
    assert [one.confidence for one in found] == pytest.approx(confidence)
    assert brier_score(pairs) == pytest.approx(brier_score_loss(pairs.outcome, pairs.confidence))


def test_empty_bins_are_kept_without_numbers() -> None:
    first, second, third = reliability_bins(pairs_of([0.1, 0.9], [0, 1]), bins=3)
    assert (second.count, second.confidence, second.accuracy, second.low, second.high) == (0, None, None, None, None)
    assert (first.count, third.count) == (1, 1)


def test_equal_probabilities_stay_in_one_bin_of_equal_mass() -> None:
    found = reliability_bins(pairs_of([0.2] * 9 + [0.8], [0] * 9 + [1]), 5, "equal mass")
    assert sorted(one.count for one in found) == [0, 0, 0, 1, 9]


def test_wilson_interval_by_hand() -> None:
    """Newcombe (1998), table 1: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    low, high = wilson_interval([81, 15, 0, 1], [263, 148, 20, 29])
    assert low == pytest.approx([0.2553, 0.0624, 0.0, 0.0061], abs=5e-5)
    assert high == pytest.approx([0.3662, 0.1605, 0.1611, 0.1718], abs=5e-5)
    assert [float(end[0]) for end in wilson_interval([0], [0])] == [0.0, 1.0]


def test_views_of_a_single_label_record() -> None:
    logits, gold = np.log([[0.7, 0.2, 0.1], [0.2, 0.5, 0.3]]), np.array([0, 2])
    top = single_label_pairs(logits, gold)
    assert top.confidence == pytest.approx([0.7, 0.5]) and top.outcome.tolist() == [True, False]
    each = single_label_pairs(logits, gold, "class-wise")
    assert each.confidence == pytest.approx([0.7, 0.2, 0.1, 0.2, 0.5, 0.3])
    assert each.outcome.tolist() == [True, False, False, False, False, True]
    assert (each.record.tolist(), each.records, each.view) == ([0, 0, 0, 1, 1, 1], 2, "class-wise")
    brier = ((0.3**2 + 0.2**2 + 0.1**2) + (0.2**2 + 0.5**2 + 0.7**2)) / 2
    assert brier_score(each) == pytest.approx(brier / 3)


def test_certain_answers_are_counted() -> None:
    found = certain_pairs(multilabel_pairs([[800.0, 800.0, -800.0, 3.0]], [[1, 0, 0, 1]]))
    assert (found.right_at_one, found.wrong_at_one, found.right_at_zero, found.wrong_at_zero) == (1, 1, 1, 0)


def test_intervals_resample_records_not_pairs() -> None:
    """Each record repeated as ten equal pairs: as wide as with one pair, not narrower by the root of ten."""
    single = random_pairs(5, records=200, labels=1)
    number = np.arange(200)
    tenfold = Pairs(np.repeat(single.confidence, 10), np.repeat(single.outcome, 10), np.repeat(number, 10), 200, "one-vs-rest")
    one, ten = calibration(single, samples=100), calibration(tenfold, samples=100)
    for name in ("ece", "smooth_ece", "brier", "mce"):
        assert vars(ten)[name].value == pytest.approx(vars(one)[name].value)
        assert (vars(ten)[name].low, vars(ten)[name].high) == pytest.approx((vars(one)[name].low, vars(one)[name].high))


def test_interval_covers_the_error_of_a_system_that_is_too_sure() -> None:
    """The true error of logits that are twice too large, from many records; 95 percent, less what 30 tries leave to chance."""
    true = calibration(random_pairs(0, records=50_000, labels=1, sharpness=2.0), samples=1).ece.value
    tries = [calibration(random_pairs(seed, 400, 1, 2.0), samples=60, seed=seed).debiased_ece for seed in range(1, 31)]
    assert sum(one.low <= true <= one.high for one in tries) >= 24


def test_same_seed_same_interval() -> None:
    pairs = random_pairs(6)
    assert calibration(pairs, samples=20, seed=1) == calibration(pairs, samples=20, seed=1)
    assert calibration(pairs, samples=20, seed=1).ece != calibration(pairs, samples=20, seed=2).ece


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40), st.integers(1, 20))
def test_errors_keep_their_order(rows: list[tuple[float, bool]], bins: int) -> None:
    pairs = pairs_of([row[0] for row in rows], [row[1] for row in rows])
    spacings: tuple[Spacing, ...] = ("equal width", "equal mass")
    for spacing in spacings:
        found = calibration(pairs, bins, spacing, samples=3)
        assert 0 <= found.ece.value <= found.rmsce.value + 1e-12 <= found.mce.value + 2e-12 <= 1 + 3e-12
        assert found.debiased_ece.value <= found.ece.value + 1e-12
        assert found.debiased_rmsce.value <= found.rmsce.value + 1e-12
        assert sum(one.count for one in found.bins) == len(rows)
        direct = sum(abs(one.positives - one.count * one.confidence) for one in found.bins if one.count) / len(rows)
        assert found.ece.value == pytest.approx(direct, abs=1e-12)
        for one in found.bins:
            if one.count:
                assert 0 <= one.low <= one.accuracy + 1e-12 <= one.high + 2e-12 <= 1 + 3e-12


def test_a_perfect_system_has_no_error() -> None:
    found = calibration(pairs_of([0.0, 1.0, 1.0], [0, 1, 1]), samples=10)
    for estimate in (found.ece, found.debiased_ece, found.rmsce, found.mce, found.smooth_ece, found.brier):
        assert (estimate.value, estimate.low, estimate.high) == pytest.approx((0, 0, 0), abs=1e-8)


def test_errors_of_many_tables_at_once() -> None:
    tables = np.array([[2, 2, 0.5, 1.5, 1, 1], [1, 3, 0.5, 2.0, 1, 3]])
    both = binned_errors(tables)
    assert both["ece"] == pytest.approx([(0.5 + 0.5) / 4, (0.5 + 1.0) / 4])
    assert both["mce"] == pytest.approx([0.25, 0.5])


def test_wrong_input_is_named() -> None:
    with pytest.raises(DataError, match=r"found 2 of 4 logits that are not finite"):
        multilabel_pairs([[np.nan, 1.0], [np.inf, 0.0]], [[1, 0], [0, 1]])
    with pytest.raises(ValueError, match=r"found shapes \(1, 2\) and \(1, 1\)"):
        multilabel_pairs([[0.0, 1.0]], [[1]])
    with pytest.raises(ValueError, match="class numbers from 0 to 1"):
        single_label_pairs([[0.0, 1.0]], [2])
    with pytest.raises(ValueError, match="expected 'top-label' or 'class-wise'"):
        single_label_pairs([[0.0, 1.0]], [1], "one-vs-rest")
    with pytest.raises(ValueError, match="found 15 bins for 0 pairs"):
        calibration(multilabel_pairs(np.zeros((0, 3)), np.zeros((0, 3))))
    wrong: Any = "quantile"
    with pytest.raises(ValueError, match="expected 'equal width' or 'equal mass'"):
        reliability_bins(HAND, 2, wrong)
