"""Calibration of probabilities: reliability bins, errors of calibration with intervals, answers given with certainty.

A pair is a predicted probability p and an outcome y, 0 or 1. A multi-label record gives one pair for each label
("one-vs-rest"). A single-label record gives either one pair, of its most probable class ("top-label"), or one pair for each
class ("class-wise"). Intervals resample records, because the pairs of a record are not independent.

With n_b pairs in bin b of N, mean probability conf_b and share of positives acc_b:

- ECE = sum_b n_b/N |acc_b - conf_b| (Naeini et al. 2015; Guo et al. 2017). It is biased upwards where bins are small:
  see `FEWEST_RECORDS`;
- debiased ECE = 2 ECE - sum_b n_b/N E|acc_b - conf_b + s_b Z|, with Z standard normal and s_b^2 = acc_b (1 - acc_b) / n_b:
  what the noise of acc_b adds is taken away (Kumar, Liang & Ma 2019, "Verified Uncertainty Calibration"; they draw Z, here
  the expectation is exact). At least 0;
- RMSCE = (sum_b n_b/N (acc_b - conf_b)^2)^(1/2);
- debiased RMSCE = (sum_b n_b/N [(acc_b - conf_b)^2 - acc_b (1 - acc_b) / (n_b - 1)])^(1/2), 0 where the sum is negative;
  bins of one pair add 0 (Kumar et al. 2019, definition 5.2; Bröcker 2012 for the Brier score);
- MCE = max_b |acc_b - conf_b|, of bins of any size: a bin of few pairs decides it easily;
- ECE by chance = sum_b n_b/N E|s_b Z| with s_b^2 = sum p (1 - p) / n_b^2: about what a perfectly calibrated system with these
  probabilities would show (consistency resampling of Bröcker & Smith 2007, with a normal approximation);
- smooth ECE: see `smooth_calibration`;
- Brier score = mean of (p - y)^2. Of class-wise pairs it is the score of Brier (1950), a sum over classes, divided by their
  number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, hstack
from scipy.special import ndtr

from loreweave.metrics.analysis.estimates import Estimate, Floats, finite, percentile_estimate, reversed_estimate
from loreweave.metrics.analysis.smooth_calibration import residual_masses, smooth_calibration_error, smooth_of_masses
from loreweave.metrics.probabilities import sigmoid, softmax
from loreweave.metrics.resampling import resampled_sums

View = Literal["one-vs-rest", "top-label", "class-wise"]
Spacing = Literal["equal width", "equal mass"]

FEWEST_RECORDS = 1000
"""With fewer records, plain ECE says more about chance than about the model; reports name it as biased."""

WILSON_Z = 1.959963984540054
"""The normal quantile of a two-sided interval of 95 percent."""


@dataclass(frozen=True)
class Pairs:
    """Probabilities and outcomes.

    Attributes:
        confidence: predicted probabilities, from 0 to 1 [pairs].
        outcome: 1 where the label is right [pairs].
        record: the number of the record of each pair, from 0 [pairs].
        records: the number of records.
        view: how records became pairs.
    """

    confidence: Floats
    outcome: NDArray[np.bool_]
    record: NDArray[np.int_]
    records: int
    view: View

    def __len__(self) -> int:
        return len(self.confidence)


@dataclass(frozen=True)
class Bin:
    """One bin of a reliability diagram: probabilities above `lower_edge`, up to and including `upper_edge`.

    `confidence`, `accuracy` and its Wilson interval (`low`, `high`, 95 percent) are None in an empty bin. The first bin
    includes a probability of 0.
    """

    lower_edge: float
    upper_edge: float
    count: int
    positives: int
    confidence: float | None
    accuracy: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Certain:
    """Number of pairs whose probability is exactly 0 or 1 in double precision, by whether the outcome agrees."""

    right_at_zero: int
    wrong_at_zero: int
    right_at_one: int
    wrong_at_one: int


@dataclass(frozen=True)
class Calibration:
    """All numbers about the calibration of one system on one split; see the module for the formulas.

    Attributes:
        view, records, pairs: what was measured.
        spacing: how the bins were laid.
        bins: the reliability diagram.
        confidence, accuracy: mean probability and share of positive outcomes.
        ece, debiased_ece, rmsce, debiased_rmsce, mce: errors over the bins, with reversed bootstrap intervals over records.
            The intervals hold for systems that are not calibrated: compare with `chance_ece` first.
        chance_ece: ECE by chance.
        smooth_ece: with the interval at the bandwidth of the whole.
        bandwidth: the bandwidth of `smooth_ece`.
        brier: Brier score, mean over pairs.
        certain: pairs with a probability of exactly 0 or 1.
        samples, seed: of the bootstrap.
    """

    view: View
    records: int
    pairs: int
    spacing: Spacing
    bins: tuple[Bin, ...]
    confidence: float
    accuracy: float
    ece: Estimate
    debiased_ece: Estimate
    rmsce: Estimate
    debiased_rmsce: Estimate
    mce: Estimate
    chance_ece: float
    smooth_ece: Estimate
    bandwidth: float
    brier: Estimate
    certain: Certain
    samples: int
    seed: int

    @property
    def ece_is_biased(self) -> bool:
        """Whether there are too few records for plain ECE; its name in tables must say so."""
        return self.records < FEWEST_RECORDS


def multilabel_pairs(logits: ArrayLike, gold: ArrayLike) -> Pairs:
    """One-vs-rest pairs of multi-label logits [records, labels] and boolean gold labels [records, labels].

    Raises:
        DataError: logits are not finite.
        ValueError: the shapes differ.
    """
    scores, truth = finite(logits, "logits"), np.asarray(gold, dtype=np.bool_)
    if scores.ndim != 2 or scores.shape != truth.shape:
        raise ValueError(f"found shapes {scores.shape} and {truth.shape}, expected [records, labels] twice")
    records, labels = scores.shape
    return Pairs(sigmoid(scores).ravel(), truth.ravel(), np.repeat(np.arange(records), labels), records, "one-vs-rest")


def single_label_pairs(logits: ArrayLike, gold: ArrayLike, view: View = "top-label") -> Pairs:
    """Pairs of single-label logits [records, classes] and the numbers of the gold classes [records].

    Args:
        logits: scores before the softmax.
        gold: class numbers from 0.
        view: "top-label": the most probable class of each record, the first of equal ones; "class-wise": every class.

    Raises:
        DataError: logits are not finite.
        ValueError: the shapes do not fit, a class number is out of range, or `view` is for multi-label records.
    """
    scores, truth = finite(logits, "logits"), np.asarray(gold)
    check_single_label(scores, truth)
    shares, numbers = softmax(scores), np.arange(len(scores))
    if view == "top-label":
        top = shares.argmax(axis=1) if len(shares) else numbers
        return Pairs(shares[numbers, top], truth == top, numbers, len(scores), view)
    if view != "class-wise":
        raise ValueError(f"found view {view!r}, expected 'top-label' or 'class-wise'")
    classes = scores.shape[1]
    outcome = (truth[:, None] == np.arange(classes)).ravel()
    return Pairs(shares.ravel(), outcome, np.repeat(numbers, classes), len(scores), view)


def check_single_label(logits: Floats, gold: NDArray[np.integer]) -> None:
    """Raise a `ValueError` if `logits` are not [records, classes] with one class number of `gold` a record."""
    if logits.ndim != 2 or gold.shape != logits.shape[:1]:
        raise ValueError(f"found shapes {logits.shape} and {gold.shape}, expected [records, classes] and [records]")
    if gold.size and (not np.issubdtype(gold.dtype, np.integer) or gold.min() < 0 or gold.max() >= logits.shape[1]):
        raise ValueError(f"expected gold class numbers from 0 to {logits.shape[1] - 1}, found others")


def bin_edges(pairs: Pairs, bins: int = 15, spacing: Spacing = "equal width") -> Floats:
    """Edges of the bins [bins + 1], from 0 to 1 or, for bins of equal mass, between quantiles of the probabilities.

    Pairs of equal probability stay in one bin, so bins of "equal mass" differ, and some are empty, where many are equal.

    Raises:
        ValueError: no bins, no pairs, or an unknown spacing.
    """
    if bins < 1 or not len(pairs):
        raise ValueError(f"found {bins} bins for {len(pairs)} pairs, expected at least one of each")
    steps = np.linspace(0.0, 1.0, bins + 1)
    if spacing == "equal width":
        return steps
    if spacing != "equal mass":
        raise ValueError(f"found spacing {spacing!r}, expected 'equal width' or 'equal mass'")
    edges: Floats = np.quantile(pairs.confidence, steps)
    return edges


def reliability_bins(pairs: Pairs, bins: int = 15, spacing: Spacing = "equal width") -> tuple[Bin, ...]:
    """The reliability diagram: `bins` bins in the order of their edges, empty ones included. Default: 15."""
    edges = bin_edges(pairs, bins, spacing)
    counts, confidences, positives = _bin_sums(pairs, edges).sum(axis=0).reshape(3, -1)
    low, high = wilson_interval(positives, counts)
    found = []
    for number, count in enumerate(counts):
        values = (confidences[number] / count, positives[number] / count, low[number], high[number]) if count else (None,) * 4
        numbers = (None if value is None else float(value) for value in values)
        found.append(Bin(float(edges[number]), float(edges[number + 1]), int(count), int(positives[number]), *numbers))
    return tuple(found)


def wilson_interval(positives: ArrayLike, counts: ArrayLike) -> tuple[Floats, Floats]:
    """Ends of the score interval of shares, 95 percent (Wilson 1927), elementwise; 0 to 1 where a count is 0."""
    hits, number = np.asarray(positives, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    square = WILSON_Z**2
    share = np.divide(hits, number, out=np.full_like(number, 0.5), where=number > 0)
    middle = (number * share + square / 2) / (number + square)
    half = WILSON_Z * np.sqrt(number * share * (1 - share) + square / 4) / (number + square)
    # The interval of no hit starts at 0 and that of only hits ends at 1, which rounding misses.
    low = np.where(hits == 0, 0.0, np.clip(middle - half, 0, 1))
    return low, np.where(hits == number, 1.0, np.clip(middle + half, 0, 1))


def brier_score(pairs: Pairs) -> float:
    """Mean of (p - y)^2 over pairs."""
    return float(np.mean((pairs.confidence - pairs.outcome) ** 2))


def chance_error(pairs: Pairs, edges: Floats) -> float:
    """About the ECE that a perfectly calibrated system with these probabilities would show, over the bins between `edges`."""
    number = np.searchsorted(edges[1:-1], pairs.confidence)
    variances = np.bincount(number, pairs.confidence * (1 - pairs.confidence))
    return float(np.sqrt(2 / np.pi * variances).sum() / len(pairs))


def certain_pairs(pairs: Pairs) -> Certain:
    """Count the pairs whose probability is exactly 0 or 1."""
    zero, one, positive = pairs.confidence == 0, pairs.confidence == 1, pairs.outcome
    counts = (zero & ~positive, zero & positive, one & positive, one & ~positive)
    return Certain(*(int(count.sum()) for count in counts))


def binned_errors(sums: ArrayLike) -> dict[str, Floats]:
    """Errors of calibration over bins: `ece`, `debiased_ece`, `rmsce`, `debiased_rmsce`, `mce`.

    Args:
        sums: for each bin the number of pairs, then for each the sum of probabilities, then of outcomes [..., 3 * bins].

    Returns:
        Arrays [...].
    """
    table = np.asarray(sums, dtype=np.float64)
    counts, confidences, positives = np.moveaxis(table.reshape(*table.shape[:-1], 3, -1), -2, 0)
    whole = np.maximum(counts, 1)
    gaps, shares, weights = (positives - confidences) / whole, positives / whole, counts / counts.sum(axis=-1, keepdims=True)
    spread = shares * (1 - shares)
    ece = (weights * np.abs(gaps)).sum(axis=-1)
    noisy = (weights * _folded_mean(gaps, np.sqrt(spread / whole))).sum(axis=-1)
    square = (weights * gaps**2).sum(axis=-1)
    unbiased = np.where(counts > 1, gaps**2 - spread / np.maximum(counts - 1, 1), 0.0)
    return {
        "ece": ece,
        "debiased_ece": np.maximum(2 * ece - noisy, 0.0),
        "rmsce": np.sqrt(square),
        "debiased_rmsce": np.sqrt(np.maximum((weights * unbiased).sum(axis=-1), 0.0)),
        "mce": np.abs(gaps).max(axis=-1),
    }


def calibration(
    pairs: Pairs, bins: int = 15, spacing: Spacing = "equal width", samples: int = 1000, seed: int = 0
) -> Calibration:
    """All numbers about the calibration of `pairs`.

    Args:
        pairs: from `multilabel_pairs` or `single_label_pairs`.
        bins: Number of bins. Default: 15.
        spacing: "equal width", or "equal mass" (adaptive ECE). The edges stay the same in all bootstrap samples.
        samples: Number of bootstrap samples of records. Default: 1000.
        seed: equal seeds give equal intervals.

    Raises:
        ValueError: there are no pairs, bins or samples.
    """
    edges = bin_edges(pairs, bins, spacing)
    squares = np.bincount(pairs.record, (pairs.confidence - pairs.outcome) ** 2, pairs.records)
    table, smooth_table = _bin_sums(pairs, edges), residual_masses(pairs.confidence, pairs.outcome, pairs.record, pairs.records)
    joined = hstack([table, squares[:, None], smooth_table], format="csr")
    drawn = np.asarray(resampled_sums(joined, samples, seed), dtype=np.float64)
    binned, drawn_squares, drawn_masses = drawn[:, : 3 * bins], drawn[:, 3 * bins], drawn[:, 3 * bins + 1 :]
    numbers = binned[:, :bins].sum(axis=1)
    whole, errors_drawn = binned_errors(table.sum(axis=0)), binned_errors(binned)
    aims = {"debiased_ece": "ece", "debiased_rmsce": "rmsce"}
    errors = {
        name: reversed_estimate(float(value), errors_drawn[name], float(whole[aims.get(name, name)]))
        for name, value in whole.items()
    }
    smooth = smooth_calibration_error(pairs.confidence, pairs.outcome)
    smooth_drawn = smooth_of_masses(drawn_masses, numbers, smooth.bandwidth)
    return Calibration(
        view=pairs.view, records=pairs.records, pairs=len(pairs), spacing=spacing,
        bins=reliability_bins(pairs, bins, spacing),
        confidence=float(pairs.confidence.mean()), accuracy=float(pairs.outcome.mean()),
        **errors, chance_ece=chance_error(pairs, edges),
        smooth_ece=reversed_estimate(smooth.error, smooth_drawn, smooth.error), bandwidth=smooth.bandwidth,
        brier=percentile_estimate(brier_score(pairs), drawn_squares / np.maximum(numbers, 1)), certain=certain_pairs(pairs),
        samples=samples, seed=seed,
    )  # fmt: skip


def _bin_sums(pairs: Pairs, edges: Floats) -> csr_array:
    """Number, summed probability and summed outcome of each record's pairs in each bin. [records, 3 * bins]"""
    bins = len(edges) - 1
    number = np.searchsorted(edges[1:-1], pairs.confidence)
    values = np.concatenate([np.ones(len(pairs)), pairs.confidence, pairs.outcome])
    columns = np.concatenate([number, number + bins, number + 2 * bins])
    return csr_array((values, (np.tile(pairs.record, 3), columns)), shape=(pairs.records, 3 * bins))


def _folded_mean(mean: Floats, deviation: Floats) -> Floats:
    """Expectation of |X| for a normal X, elementwise; |mean| where the deviation is 0."""
    safe = np.where(deviation > 0, deviation, 1.0)
    size = np.abs(mean)
    found = safe * np.sqrt(2 / np.pi) * np.exp(-(mean**2) / (2 * safe**2)) + size * (1 - 2 * ndtr(-size / safe))
    folded: Floats = np.where(deviation > 0, found, size)
    return folded
