"""DocRED's F1 and Ign F1, by hand."""

from __future__ import annotations

import pytest

from loreweave.metrics.document_relations import FactCounts


def test_scores_by_hand() -> None:
    """Ten gold facts, eight predictions, six right, two of them shown: P 6/8, R 6/10; without the shown P 4/6, R 6/10."""
    counts = FactCounts(gold=10, predicted=8, correct=6, shown=2)
    assert (counts.score.precision, counts.score.recall) == (6 / 8, 6 / 10)
    assert counts.score.f1 == pytest.approx(2 * 6 / 18)
    assert (counts.without_shown.precision, counts.without_shown.recall) == (4 / 6, 6 / 10)
    assert counts.without_shown.f1 == pytest.approx(2 * (4 / 6) * 0.6 / (4 / 6 + 0.6))


def test_nothing_is_zero() -> None:
    assert FactCounts().score.f1 == FactCounts().without_shown.f1 == 0.0
    assert FactCounts(gold=3, predicted=2, correct=2, shown=2).without_shown.precision == 0.0
