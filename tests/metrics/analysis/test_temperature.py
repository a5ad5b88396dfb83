"""Negative log-likelihood by hand and as scikit-learn has it; temperatures that are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from loreweave.errors import DataError
from loreweave.metrics.analysis.temperature import (
    View,
    fit_label_temperatures,
    fit_temperature,
    negative_log_likelihood,
    record_losses,
    temperature_scaling,
)


def test_multilabel_loss_by_hand() -> None:
    losses = record_losses([[0.0, math.log(3)], [0.0, 0.0]], [[1, 0], [0, 0]])
    assert losses == pytest.approx([(math.log(2) + math.log(4)) / 2, math.log(2)])


def test_single_label_loss_is_that_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    logits, gold = random.normal(size=(50, 4)), random.integers(4, size=50)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert negative_log_likelihood(logits, gold) == pytest.approx(log_loss(gold, shares, labels=range(4)))


def test_large_logits_neither_overflow_nor_become_infinite() -> None:
    assert negative_log_likelihood([[800.0, -800.0]], [[0, 1]]) == pytest.approx(800)
    assert negative_log_likelihood([[800.0, -800.0]], [1]) == pytest.approx(1600)


def test_temperature_by_hand() -> None:
    """A logit of 4 that is right three times in four: the best logit is log 3."""
    found = fit_temperature([[4.0]] * 4, [[1], [1], [1], [0]])
    assert found.value == pytest.approx(4 / math.log(3), rel=1e-5)
    assert found.nll_after == pytest.approx(-(3 * math.log(0.75) + math.log(0.25)) / 4)
    assert found.at_border is None


def test_a_known_temperature_is_found_again() -> None:
    random = np.random.default_rng(1)
    logits = random.normal(size=(20_000, 3)) * 2
    gold = (logits + random.gumbel(size=logits.shape)).argmax(axis=1)
    assert fit_temperature(logits * 2.5, gold).value == pytest.approx(2.5, rel=0.05)
    labels = random.random(logits.shape) < 1 / (1 + np.exp(-logits))
    fitted = fit_label_temperatures(logits * np.array([0.5, 1.0, 3.0]), labels)
    assert [one.value for one in fitted] == pytest.approx([0.5, 1.0, 3.0], rel=0.07)


def test_ends_of_the_range_are_named() -> None:
    right = fit_temperature([[1.0], [-1.0]], [[1], [0]])
    assert (right.value, right.at_border) == (pytest.approx(0.01), "lowest")
    wrong = fit_temperature([[1.0], [-1.0]], [[0], [1]])
    assert (wrong.value, wrong.at_border) == (pytest.approx(100.0), "highest")


def test_no_better_temperature_leaves_the_logits() -> None:
    assert fit_temperature([[0.0], [0.0]], [[1], [0]]).value == 1.0
    assert fit_temperature([[800.0]], [[1]]).value == 1.0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(-30, 30), st.booleans()), min_size=1, max_size=20))
def test_no_temperature_of_a_grid_is_better(rows: list[tuple[float, bool]]) -> None:
    logits, gold = np.array([[row[0]] for row in rows]), np.array([[row[1]] for row in rows])
    found = fit_temperature(logits, gold)
    assert found.nll_after <= found.nll_before
    assert found.nll_after == pytest.approx(negative_log_likelihood(logits / found.value, gold))
    grid = np.exp(np.linspace(math.log(0.01), math.log(100), 60))
    assert found.nll_after <= min(negative_log_likelihood(logits / value, gold) for value in grid) + 1e-7


@pytest.mark.parametrize("view", ["one-vs-rest", "top-label", "class-wise"])
def test_scaling_of_a_system_that_is_too_sure(view: View) -> None:
    random = np.random.default_rng(2)
    logits = random.normal(size=(1200, 3)) * 2
    gold = (logits + random.gumbel(size=logits.shape)).argmax(axis=1)
    if view == "one-vs-rest":
        gold = random.random(logits.shape) < 1 / (1 + np.exp(-logits))
    sure = logits * 3
    found = temperature_scaling((sure[:600], gold[:600]), (sure[600:], gold[600:]), view, samples=20)
    assert found.fitted.value == pytest.approx(3, rel=0.2)
    assert found.nll_before.value == pytest.approx(negative_log_likelihood(sure[600:], gold[600:]))
    assert found.nll_after.value == pytest.approx(negative_log_likelihood(sure[600:] / found.fitted.value, gold[600:]))
    assert found.nll_after.high < found.nll_before.low
    assert found.after.ece.value < found.before.ece.value and found.before.view == found.after.view == view
    assert found.after.accuracy == found.before.accuracy, "a temperature changes no answer"


def test_wrong_input_is_named() -> None:
    with pytest.raises(DataError, match="found 1 of 2 logits that are not finite"):
        fit_temperature([[np.nan], [1.0]], [[1], [0]])
    with pytest.raises(ValueError, match="found no records"):
        fit_temperature(np.zeros((0, 2)), np.zeros((0, 2)))
    with pytest.raises(ValueError, match="class numbers from 0 to 1"):
        record_losses([[0.0, 1.0]], [-1])
    with pytest.raises(ValueError, match=r"found shapes \(1, 2\) and \(2, 1\)"):
        record_losses([[0.0, 1.0]], [[1], [0]])
