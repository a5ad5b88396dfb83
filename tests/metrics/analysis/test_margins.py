"""Margins of records, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from loreweave.errors import DataError
from loreweave.metrics.analysis.margins import margins


def test_single_label() -> None:
    assert margins([[3.0, 1.0, 2.5], [0.0, 4.0, 1.0]], [0, 2]).tolist() == [0.5, -3.0]


def test_multilabel() -> None:
    logits, gold = [[3.0, -1.0], [3.0, -1.0], [0.5, -2.0]], [[1, 0], [1, 1], [0, 0]]
    assert margins(logits, gold).tolist() == [1.0, -1.0, -0.5]
    assert margins(logits, gold, [1.0, -1.5]).tolist() == [-0.5, 0.5, 0.5]


def test_right_records_are_those_with_a_positive_margin() -> None:
    random = np.random.default_rng(0)
    logits, gold = random.normal(size=(50, 3)), random.random((50, 3)) < 0.5
    assert ((margins(logits, gold) > 0) == ((logits > 0) == gold).all(axis=1)).all()
    classes = random.integers(3, size=50)
    assert ((margins(logits, classes) > 0) == (logits.argmax(axis=1) == classes)).all()


def test_wrong_input_is_named() -> None:
    with pytest.raises(DataError, match="found 1 of 2 logits that are not finite"):
        margins([[np.nan, 1.0]], [0])
    with pytest.raises(ValueError, match="found 1 class, expected at least two"):
        margins([[1.0]], [0])
    with pytest.raises(ValueError, match=r"found shapes \(1, 2\) and \(1, 1\)"):
        margins([[1.0, 2.0]], [[1]])
