"""Logits as probabilities: values of scipy, and those of logits that would overflow."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from scipy.special import softmax as scipy_softmax

from loreweave.metrics.probabilities import by_name, logit_matrix, sigmoid, softmax

LOGITS = np.array([[1.0, 2.0, 0.5], [-900.0, 900.0, 899.0]], np.float32)


def test_both_are_those_of_scipy() -> None:
    exact = LOGITS.astype(np.float64)
    np.testing.assert_allclose(softmax(LOGITS), scipy_softmax(exact, axis=-1), rtol=1e-12)
    np.testing.assert_allclose(sigmoid(LOGITS), expit(exact), rtol=1e-12)
    np.testing.assert_allclose(sigmoid(np.array([-40.0, 0.0])), [np.exp(-40), 0.5], rtol=1e-12)
    assert softmax(np.zeros((2, 3, 4))).shape == (2, 3, 4) and softmax(LOGITS).dtype == sigmoid(LOGITS).dtype == np.float64


@pytest.mark.parametrize("shape", [(0, 3), (0, 0)])
def test_no_records(shape: tuple[int, int]) -> None:
    assert softmax(np.zeros(shape)).shape == sigmoid(np.zeros(shape)).shape == shape
    assert logit_matrix([], shape[1]).shape == shape


def test_names_come_by_probability() -> None:
    """Equal probabilities stay in the order of the classes."""
    found = by_name(np.array([0.25, 0.4999999, 0.25]), ["a", "b", "c"])
    assert list(found.items()) == [("b", 0.5), ("a", 0.25), ("c", 0.25)]


def test_outputs_become_a_matrix() -> None:
    found = logit_matrix([np.array([1.0, 2.0]), np.array([3.0, 4.0])], 2)
    assert found.tolist() == [[1.0, 2.0], [3.0, 4.0]] and found.dtype == np.float32
