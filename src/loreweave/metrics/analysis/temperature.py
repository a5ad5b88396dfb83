"""Negative log-likelihood from logits, and temperature scaling: one divisor of all logits, fitted on dev.

Multi-label gold labels are boolean [records, labels]: NLL is the mean over records and labels of -log sigmoid(z) for a gold
label and -log(1 - sigmoid(z)) for another. Single-label gold labels are class numbers [records]: NLL is the mean over
records of -log softmax(z)[gold]. Both are computed from logits, without logarithms of rounded probabilities, in nats.

Temperature scaling: Guo et al. (2017), "On Calibration of Modern Neural Networks", section 4.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from loreweave.metrics.analysis.calibration import (
    Calibration,
    View,
    calibration,
    check_single_label,
    multilabel_pairs,
    single_label_pairs,
)
from loreweave.metrics.analysis.estimates import Estimate, Floats, finite, mean_estimate

LOWEST, HIGHEST = 0.01, 100.0
"""Temperatures between which the best one is sought."""


@dataclass(frozen=True)
class Temperature:
    """A fitted temperature.

    Attributes:
        value: what logits are divided by; above 1 the system was too sure.
        nll_before, nll_after: negative log-likelihood of the records on which it was fitted, at 1 and at `value`.
        at_border: "lowest" or "highest" where the likelihood still grows at the end of the range (0.01 to 100): all answers are
            right, or they say nothing. None otherwise.
    """

    value: float
    nll_before: float
    nll_after: float
    at_border: Literal["lowest", "highest"] | None


@dataclass(frozen=True)
class TemperatureScaling:
    """A temperature fitted on dev, and the numbers of test before and after it was applied."""

    fitted: Temperature
    nll_before: Estimate
    nll_after: Estimate
    before: Calibration
    after: Calibration


def record_losses(logits: ArrayLike, gold: ArrayLike) -> Floats:
    """Negative log-likelihood of each record, of multi-label records the mean over labels. [records]

    Args:
        logits: [records, labels] or [records, classes].
        gold: boolean [records, labels], or class numbers [records].

    Raises:
        DataError: logits are not finite.
        ValueError: the shapes do not fit, or a class number is out of range.
    """
    scores, truth = finite(logits, "logits"), np.asarray(gold)
    if truth.ndim == 2:
        if scores.shape != truth.shape:
            raise ValueError(f"found shapes {scores.shape} and {truth.shape}, expected [records, labels] twice")
        losses: Floats = np.logaddexp(0, np.where(truth.astype(np.bool_), -scores, scores)).mean(axis=1)
        return losses
    check_single_label(scores, truth)
    whole: Floats = logsumexp(scores, axis=1)
    return whole - scores[np.arange(len(scores)), truth]


def negative_log_likelihood(logits: ArrayLike, gold: ArrayLike) -> float:
    """Mean of `record_losses`; 0 of no records."""
    losses = record_losses(logits, gold)
    return float(losses.mean()) if len(losses) else 0.0


def fit_temperature(logits: ArrayLike, gold: ArrayLike) -> Temperature:
    """The temperature with the lowest negative log-likelihood; 1 where no other is better.

    The likelihood is convex in 1 / T, so that the search finds the best value of its range.

    Raises:
        DataError: logits are not finite.
        ValueError: there are no records, or the shapes do not fit.
    """
    scores, truth = finite(logits, "logits"), np.asarray(gold)
    if not len(scores):
        raise ValueError("found no records, expected at least one to fit a temperature")

    def loss(logarithm: float) -> float:
        return negative_log_likelihood(scores / math.exp(logarithm), truth)

    ends = math.log(LOWEST), math.log(HIGHEST)
    found = minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-7})
    before = loss(0.0)
    # The ends come first: where the loss is 0 in double precision, the lowest of equal temperatures is taken.
    tries = {end: loss(end) for end in ends} | {float(found.x): float(found.fun)}
    best = min(tries, key=lambda logarithm: tries[logarithm])
    if tries[best] >= before:
        return Temperature(1.0, before, before, None)
    near = [abs(best - end) < 1e-4 for end in ends]
    return Temperature(math.exp(best), before, tries[best], "lowest" if near[0] else "highest" if near[1] else None)


def fit_label_temperatures(logits: ArrayLike, gold: ArrayLike) -> tuple[Temperature, ...]:
    """A temperature for each label of multi-label logits [records, labels], in the order of the columns."""
    scores, truth = finite(logits, "logits"), np.asarray(gold, dtype=np.bool_)
    columns = range(scores.shape[1])
    return tuple(fit_temperature(scores[:, [column]], truth[:, [column]]) for column in columns)


def temperature_scaling(
    dev: tuple[ArrayLike, ArrayLike],
    test: tuple[ArrayLike, ArrayLike],
    view: View,
    bins: int = 15,
    samples: int = 1000,
    seed: int = 0,
) -> TemperatureScaling:
    """Fit a temperature on dev, and measure test before and after.

    Args:
        dev, test: logits and gold labels of each, as for `record_losses`.
        view: how test records become pairs.
        bins, samples, seed: as for `calibration`.
    """
    fitted = fit_temperature(*dev)
    scores, truth = finite(test[0], "logits"), np.asarray(test[1])

    def measured(logits: Floats) -> tuple[Estimate, Calibration]:
        pairs = multilabel_pairs(logits, truth) if view == "one-vs-rest" else single_label_pairs(logits, truth, view)
        loss = mean_estimate(record_losses(logits, truth), samples, seed)
        return loss, calibration(pairs, bins, samples=samples, seed=seed)

    (nll_before, before), (nll_after, after) = measured(scores), measured(scores / fitted.value)
    return TemperatureScaling(fitted, nll_before, nll_after, before, after)
