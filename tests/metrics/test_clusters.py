"""Agreement of clusters with labels, by hand."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.metrics.clusters import agreement, perplexity


def test_by_hand() -> None:
    """Cluster a: 3 x, 1 y; cluster b: 2 y. Six items, labels 3 and 3, clusters 4 and 2."""
    found = agreement({("a", "x"): 3, ("a", "y"): 1, ("b", "y"): 2})
    assert found is not None
    mutual = 3 / 6 * log(3 * 6 / (4 * 3)) + 1 / 6 * log(1 * 6 / (4 * 3)) + 2 / 6 * log(2 * 6 / (2 * 3))
    of_labels = log(2)
    of_clusters = -(4 / 6 * log(4 / 6) + 2 / 6 * log(2 / 6))
    assert (found.items, found.clusters, found.labels) == (6, 2, 2)
    assert found.nmi == pytest.approx(mutual / ((of_labels + of_clusters) / 2))
    assert found.homogeneity == pytest.approx(mutual / of_labels)
    assert found.completeness == pytest.approx(mutual / of_clusters)
    assert found.nmi == pytest.approx(2 * found.homogeneity * found.completeness / (found.homogeneity + found.completeness))
    assert found.purity == pytest.approx(5 / 6) and found.majority == pytest.approx(1 / 2)


def test_ends_of_the_scale() -> None:
    perfect = agreement({(1, "x"): 2, (2, "y"): 3})
    assert perfect is not None and perfect.nmi == perfect.purity == perfect.adjusted_mi == pytest.approx(1)
    none = agreement({(1, "x"): 2, (1, "y"): 2, (2, "x"): 2, (2, "y"): 2})
    assert none is not None and none.nmi == pytest.approx(0) and none.purity == none.majority == 0.5
    assert none.adjusted_mi < 0
    assert agreement({}) is None and agreement({(1, "x"): 0}) is None


@given(st.dictionaries(st.tuples(st.integers(0, 4), st.sampled_from("xyz")), st.integers(0, 6), min_size=1))
def test_purity_lies_between_the_majority_and_one(counts: dict[tuple[int, str], int]) -> None:
    found = agreement(counts)
    if found is None:
        assert not any(counts.values())
        return
    assert 0 < found.majority <= found.purity <= 1 and -1e-9 <= found.nmi <= 1 + 1e-9
    assert found.items == sum(counts.values()) and found.majority >= 1 / found.labels


def test_perplexity() -> None:
    assert perplexity({"a": 4, "b": 4, "c": 0}) == pytest.approx(2)
    assert perplexity(np.array([0.75, 0.25])) == pytest.approx(0.75**-0.75 * 0.25**-0.25)
    assert perplexity({}) == 0
