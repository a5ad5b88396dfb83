"""Smooth ECE against a slow implementation of its definition, and by hand where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loreweave.metrics.analysis.smooth_calibration import (
    residual_masses,
    smooth_calibration_error,
    smooth_curve,
    smooth_of_masses,
)
from loreweave.metrics.resampling import resampled_sums


def slow(confidence: np.ndarray, outcome: np.ndarray, bandwidth: float) -> float:
    """The integral of the definition, with the mirror images of each probability, on a fine grid of midpoints."""
    points = (np.arange(2000) + 0.5) / 2000
    smoothed = np.zeros_like(points)
    for shift in (-4, -2, 0, 2, 4):
        for images in (confidence + shift, -confidence + shift):
            density = np.exp(-(((points[:, None] - images) / bandwidth) ** 2) / 2) / (bandwidth * np.sqrt(2 * np.pi))
            smoothed += density @ (outcome - confidence) / len(confidence)
    return float(np.abs(smoothed).mean())


@pytest.mark.parametrize("bandwidth", [0.02, 0.1, 0.5, 1.0])
def test_at_a_bandwidth_it_is_the_integral(bandwidth: float) -> None:
    random = np.random.default_rng(0)
    confidence = np.concatenate([[0.0, 1.0, 0.5], random.random(20)])
    outcome = (random.random(23) < 0.5).astype(float)
    found = smooth_calibration_error(confidence, outcome, bandwidth)
    assert found.error == pytest.approx(slow(confidence, outcome, bandwidth), abs=1e-3)
    assert found.bandwidth == bandwidth


def test_the_bandwidth_is_the_one_that_equals_the_error() -> None:
    random = np.random.default_rng(1)
    confidence = random.random(60)
    outcome = (random.random(60) < confidence**2).astype(float)
    low, high = 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if slow(confidence, outcome, middle) > middle else (low, middle)
    found = smooth_calibration_error(confidence, outcome)
    assert found.error == pytest.approx(found.bandwidth, abs=1e-6)
    assert found.error == pytest.approx(middle, abs=1.5e-3)


def test_residuals_of_one_sign_are_their_mean_at_any_bandwidth() -> None:
    """No mass leaves the interval: probabilities of 0.7 and 0.9, never right."""
    found = smooth_calibration_error([0.7, 0.9, 0.9], [0, 0, 0])
    assert found.error == pytest.approx(2.5 / 3, abs=1e-9)
    assert found.bandwidth == pytest.approx(2.5 / 3, abs=1e-6)


def test_calibrated_answers_have_none() -> None:
    assert smooth_calibration_error([0.0, 1.0, 0.5, 0.5], [0, 1, 0, 1]).error == pytest.approx(0, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30))
def test_it_lies_between_the_mean_and_the_absolute_residual(rows: list[tuple[float, bool]]) -> None:
    confidence, outcome = np.array([row[0] for row in rows]), np.array([float(row[1]) for row in rows])
    found = smooth_calibration_error(confidence, outcome)
    residuals = outcome - confidence
    assert abs(residuals.mean()) - 1e-3 <= found.error <= np.abs(residuals).mean() + 1e-3
    wider = smooth_calibration_error(confidence, outcome, min(1.0, found.bandwidth + 0.1))
    assert wider.error <= found.error + 1e-6, "a wider kernel finds no more"


def test_samples_scatter_around_the_value_and_draw_whole_records() -> None:
    random = np.random.default_rng(2)
    confidence = random.random(400)
    outcome = random.random(400) < confidence**2
    record = np.repeat(np.arange(200), 2)
    whole = smooth_calibration_error(confidence, outcome)
    sums = resampled_sums(residual_masses(confidence, outcome, record, 200), samples=120, seed=0)
    found = smooth_of_masses(sums, np.full(120, 400.0), whole.bandwidth)
    assert found.shape == (120,) and abs(np.median(found) - whole.error) < 0.02
    counts = np.bincount(np.random.default_rng(0).integers(200, size=200), minlength=200)
    chosen = np.repeat(np.arange(400), counts[record])
    assert found[0] == pytest.approx(smooth_calibration_error(confidence[chosen], outcome[chosen], whole.bandwidth).error)


def test_curve_follows_the_outcomes() -> None:
    random = np.random.default_rng(3)
    confidence = random.random(20_000)
    curve = smooth_curve(confidence, random.random(20_000) < confidence**2, bandwidth=0.05, points=11)
    assert curve.probability == pytest.approx(np.arange(11) / 10)
    assert curve.accuracy[2:9] == pytest.approx(curve.probability[2:9] ** 2, abs=0.03)
    assert curve.density == pytest.approx(np.ones(11), abs=0.1)


def test_curve_of_a_tiny_bandwidth_and_gaps_stays_within_0_and_1() -> None:
    curve = smooth_curve([0.0, 0.0, 1.0], [0, 1, 1], bandwidth=1e-9)
    assert np.isfinite(curve.accuracy).all() and curve.accuracy.min() >= 0 and curve.accuracy.max() <= 1
    assert (curve.accuracy[0], curve.accuracy[-1]) == pytest.approx((0.5, 1.0))


def test_wrong_input_is_named() -> None:
    with pytest.raises(ValueError, match="at least one pair"):
        smooth_calibration_error([], [])
    with pytest.raises(ValueError, match="probabilities from 0 to 1"):
        smooth_calibration_error([1.5], [1])
