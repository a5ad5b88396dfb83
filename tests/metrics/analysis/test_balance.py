"""Balance of data sets, counted by hand; drift as scipy has it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from loreweave.metrics.analysis.balance import balance, drift

COUNTS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=6)


def test_balance_by_hand() -> None:
    found = balance([[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 0, 0]], ["a", "b", "c"])
    assert (found.records, found.without_label, found.with_one_label, found.with_several_labels) == (4, 1, 2, 1)
    assert (found.labels, found.counts, found.cardinality) == (("a", "b", "c"), (3, 1, 0), 1.0)
    assert balance(np.zeros((0, 1)), ["a"]).cardinality == 0.0


def test_drift_by_hand() -> None:
    assert drift([2, 0], [0, 5]) == 1.0
    assert drift([1, 3], [10, 30]) == 0.0
    entropy = -(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25))
    assert drift([1, 1], [1, 0]) == pytest.approx(entropy - 1 / 2)
    assert drift([0, 0], [1, 1]) is None


@settings(max_examples=30, deadline=None)
@given(COUNTS)
def test_drift_is_that_of_scipy(counts: list[tuple[int, int]]) -> None:
    first, second = ([pair[side] for pair in counts] for side in (0, 1))
    found = drift(first, second)
    assert found == drift(second, first)
    if found is not None:
        assert 0 <= found <= 1
        distance = np.nan_to_num(jensenshannon(first, second, base=2))  # a root of a tiny negative number there
        assert found == pytest.approx(distance**2, abs=1e-9)


def test_wrong_input_is_named() -> None:
    with pytest.raises(ValueError, match="found 2 columns, expected one for each of 1 labels"):
        balance([[1, 0]], ["a"])
    with pytest.raises(ValueError, match=r"found shapes \(1,\) and \(2,\)"):
        drift([1], [1, 2])
    with pytest.raises(ValueError, match="negative or not finite"):
        drift([1, -1], [1, 2])
