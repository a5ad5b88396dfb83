"""Smooth ECE: the error of calibration without bins, after a reflected Gaussian kernel of automatic bandwidth.

    smECE_s = integral over t from 0 to 1 of |mean_i K_s(t, p_i) (y_i - p_i)|

where K_s is the Gaussian density of deviation s, reflected at 0 and 1 so that none of its mass leaves the interval:
K_s(t, p) = sum over integers k of phi_s(t - p + 2k) + phi_s(t + p + 2k). The bandwidth is the s with smECE_s = s, which exists
once because smECE_s does not grow with s. Błasiok & Nakkiran (2023), "Smooth ECE: Principled Reliability Diagrams via Kernel
Smoothing", definitions 7 to 9.

The kernel is 1 + 2 sum_k exp(-(pi k s)^2 / 2) cos(pi k t) cos(pi k p), so that a cosine transform smooths. Residuals are first
shared linearly over the two nearest of `NODES` + 1 points, which moves the value by less than 0.001.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import dct
from scipy.sparse import csr_array

from loreweave.metrics.analysis.estimates import Floats

NODES = 1024
"""Number of intervals between the points at which probabilities are smoothed."""

HALVINGS = 30
"""Of the range of the bandwidth: to 1e-9."""


@dataclass(frozen=True)
class SmoothError:
    """Smooth ECE and the bandwidth at which it was measured."""

    error: float
    bandwidth: float


@dataclass(frozen=True)
class SmoothCurve:
    """A reliability curve without bins.

    Attributes:
        probability: equally spaced probabilities from 0 to 1 [points].
        accuracy: share of positive outcomes near each, weighted by the kernel, from 0 to 1 [points].
        density: smoothed density of the predicted probabilities; its mean is about 1 [points].
    """

    probability: Floats
    accuracy: Floats
    density: Floats


def smooth_calibration_error(confidence: ArrayLike, outcome: ArrayLike, bandwidth: float | None = None) -> SmoothError:
    """Smooth ECE of probabilities [pairs] and outcomes [pairs].

    Args:
        confidence: from 0 to 1.
        outcome: 0 or 1.
        bandwidth: of the kernel. Default: the one that equals the error.

    Raises:
        ValueError: there are no pairs, or a probability is not between 0 and 1.
    """
    probability, truth = _checked(confidence, outcome)
    masses = _masses(probability, (truth - probability) / len(probability), np.zeros(len(probability), np.int_), 1).toarray()
    spectrum = _spectrum(masses)
    if bandwidth is not None:
        return SmoothError(float(_error(spectrum, bandwidth)[0]), bandwidth)
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if _error(spectrum, middle)[0] > middle:
            low = middle
        else:
            high = middle
    return SmoothError(float(_error(spectrum, high)[0]), high)


def residual_masses(confidence: ArrayLike, outcome: ArrayLike, record: NDArray[np.integer], records: int) -> csr_array:
    """Residuals of each record, shared over the nodes, for `smooth_of_masses` of samples of records. [records, nodes + 1]

    Args:
        confidence, outcome: as for `smooth_calibration_error` [pairs].
        record: the number of the record of each pair, from 0 [pairs].
        records: Number of records.
    """
    probability, truth = _checked(confidence, outcome)
    return _masses(probability, truth - probability, record, records)


def smooth_of_masses(masses: Floats, pairs: Floats, bandwidth: float) -> Floats:
    """Smooth ECE at one bandwidth of summed `residual_masses`. [samples]

    Args:
        masses: sums over the records of each sample [samples, nodes + 1].
        pairs: Number of pairs of each sample [samples].
        bandwidth: of the kernel.
    """
    return _error(_spectrum(masses / np.maximum(pairs, 1)[:, None]), bandwidth)


def smooth_curve(confidence: ArrayLike, outcome: ArrayLike, bandwidth: float, points: int = 257) -> SmoothCurve:
    """The reliability curve that belongs to smooth ECE: mean outcome near each probability.

    Args:
        confidence, outcome: as for `smooth_calibration_error` [pairs].
        bandwidth: that of the smooth ECE.
        points: Number of points. Default: 257.
    """
    probability, truth = _checked(confidence, outcome)
    # A kernel that is narrower than the distance of the nodes would ring.
    bandwidth = max(bandwidth, 2 / NODES)
    values = np.stack([truth, np.ones_like(truth)])
    numbers = np.repeat([0, 1], len(truth))
    masses = _masses(np.tile(probability, 2), values.ravel() / len(truth), numbers, 2).toarray()
    hits, density = _smoothed(_spectrum(masses), bandwidth)
    grid, asked = np.linspace(0, 1, NODES + 1), np.linspace(0, 1, points)
    floor = 1e-12  # where no kernel reaches, the nearest predicted probabilities decide
    known = density > floor
    accuracy = np.interp(asked, grid[known], np.clip(hits[known] / density[known], 0, 1))
    return SmoothCurve(asked, accuracy, np.maximum(np.interp(asked, grid, density), 0))


def _checked(confidence: ArrayLike, outcome: ArrayLike) -> tuple[Floats, Floats]:
    probability, truth = (np.asarray(values, dtype=np.float64) for values in (confidence, outcome))
    if probability.ndim != 1 or probability.shape != truth.shape or not len(truth):
        raise ValueError(f"found shapes {probability.shape} and {truth.shape}, expected [pairs] twice, at least one pair")
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError("expected probabilities from 0 to 1, found others")
    return probability, truth


def _masses(probability: Floats, values: Floats, rows: NDArray[np.integer], count: int) -> csr_array:
    """`values` shared over the two nodes next to their probabilities. [count, nodes + 1]"""
    place = probability * NODES
    below = np.minimum(place.astype(np.int_), NODES - 1)
    part = place - below
    shares = np.concatenate([values * (1 - part), values * part])
    return csr_array((shares, (np.tile(rows, 2), np.concatenate([below, below + 1]))), shape=(count, NODES + 1))


def _spectrum(masses: Floats) -> Floats:
    """Sums of mass times cos(pi k t) for k = 0, 1, ... [..., nodes + 1]"""
    doubled = masses.copy()
    doubled[..., [0, -1]] *= 2  # the transform counts inner points twice and the ends once
    found: Floats = dct(doubled, type=1, axis=-1) / 2
    return found


def _smoothed(spectrum: Floats, bandwidth: float) -> Floats:
    """The smoothed density at each node. [..., nodes + 1]"""
    powers = np.exp(-((np.pi * bandwidth * np.arange(NODES + 1)) ** 2) / 2)
    weighted = spectrum * powers
    weighted[..., -1] *= 2  # see _spectrum; at k = 0 the kernel's 1 and its 2 cos agree with the transform
    found: Floats = dct(weighted, type=1, axis=-1)
    return found


def _error(spectrum: Floats, bandwidth: float) -> Floats:
    """Integral of the absolute smoothed residual, by the trapezoid rule. [...]"""
    sizes = np.abs(_smoothed(spectrum, bandwidth))
    found: Floats = (sizes.sum(axis=-1) - (sizes[..., 0] + sizes[..., -1]) / 2) / NODES
    return found
