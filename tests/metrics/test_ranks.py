"""Ranks: the three kinds by hand, sets put together, parts of several processes merged."""

from __future__ import annotations

import numpy as np
import pytest

from loreweave.metrics.ranks import RANK_KINDS, Ranks, merge

SOME = Ranks(np.array([0, 4]), np.array([1, 0]), np.array([9, 9]))


def test_kinds_by_hand() -> None:
    assert [SOME.of_kind(kind).tolist() for kind in RANK_KINDS] == [[1, 5], [1.5, 5], [2, 5]]


def test_sets_one_after_another() -> None:
    both = Ranks.concatenate([SOME, SOME[1:]])
    assert (both.greater.tolist(), both.ties.tolist(), len(both)) == ([0, 4, 4], [1, 0, 0], 3)


def test_parts_come_back_in_order() -> None:
    merged = merge([([2, 0], SOME), ([1], SOME[1:])])
    assert (merged.greater.tolist(), merged.ties.tolist()) == ([4, 4, 0], [0, 0, 1])
    assert len(merge([(np.empty(0, dtype=int), SOME[:0])])) == 0


def test_every_row_is_wanted_once() -> None:
    with pytest.raises(ValueError, match="found 2 distinct row numbers among 4"):
        merge([([0, 1], SOME), ([0, 1], SOME)])
    with pytest.raises(ValueError, match="expected each from 0 once"):
        merge([([0, 2], SOME)])
    with pytest.raises(ValueError, match="2 ranks for 1 row"):
        merge([([0], SOME)])
