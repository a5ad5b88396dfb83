"""Drawn episodes: what they hold, that they depend on seed and number alone, and what is left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loreweave.build.relation_episodes import EpisodeDraws, EpisodeShape
from loreweave.errors import ConfigurationError, DataError

LABELS = [f"r{index % 7}" for index in range(70)]


@settings(max_examples=40, deadline=None)
@given(
    way=st.integers(2, 6), shot=st.integers(1, 4), queries=st.integers(2, 4), na_rate=st.sampled_from([0.0, 0.5, 2.0]),
    number=st.integers(0, 10**6),
)  # fmt: skip
def test_an_episode_has_its_shape(way: int, shot: int, queries: int, na_rate: float, number: int) -> None:
    shape = EpisodeShape(way=way, shot=shot, queries=queries, na_rate=na_rate)
    draw = EpisodeDraws(LABELS, shape, seed=3).draw(number)
    others = int(na_rate * queries)
    assert len(set(draw.classes)) == way and draw.support.shape == (way, shot) and len(draw.query) == way * queries + others
    known = draw.query[: way * queries].tolist()
    drawn = [*draw.support.ravel().tolist(), *known]
    assert len(set(drawn)) == len(drawn), "support and query have no sentence in common, nor any twice"
    for name, row in zip(draw.classes, draw.support.tolist(), strict=True):
        assert {LABELS[index] for index in row} == {name}
    names = [*draw.classes, None]
    for index, target in zip(draw.query.tolist(), draw.targets.tolist(), strict=True):
        assert LABELS[index] == names[target] if target < way else LABELS[index] not in draw.classes
    assert (draw.targets == way).sum() == others


def test_seed_and_number_decide_alone() -> None:
    first, second = EpisodeDraws(LABELS, EpisodeShape(), 1), EpisodeDraws(LABELS, EpisodeShape(), 1)
    later = second.draw(5)
    first.draw(0)
    again = first.draw(5)
    assert again.classes == later.classes
    np.testing.assert_array_equal(again.support, later.support)
    np.testing.assert_array_equal(again.query, later.query)
    other = EpisodeDraws(LABELS, EpisodeShape(), 2)
    assert any(first.draw(n).support.tolist() != other.draw(n).support.tolist() for n in range(3))


def test_all_classes_and_examples_are_drawn_alike() -> None:
    draws = EpisodeDraws(LABELS, EpisodeShape(way=2))
    counts = np.bincount(np.concatenate([draws.draw(n).query for n in range(2000)]), minlength=70)
    assert counts.min() > 25 and counts.max() < 100  # 57 expected, with a deviation of 7.5


def test_small_classes_are_left_out_and_named() -> None:
    labels = ["a"] * 3 + ["b"] * 3 + ["c"] * 2 + [None] * 5
    draws = EpisodeDraws(labels, EpisodeShape(way=2, shot=2))
    assert draws.classes == ["a", "b"] and draws.left_out == {"c": 2}
    message = r"found 2 relations with 3 or more sentences \(shot 2 \+ queries 1\) and 1 with fewer, expected at least 3"
    with pytest.raises(DataError, match=message):
        EpisodeDraws(labels, EpisodeShape(way=3, shot=2))
    with pytest.raises(DataError, match="expected at least 3 .one for none of the others"):
        EpisodeDraws(labels, EpisodeShape(way=2, shot=2, na_rate=1))


@pytest.mark.parametrize("wrong", [{"way": 1}, {"shot": 0}, {"queries": 0}, {"na_rate": -1.0}, {"na_rate": 0.5}])
def test_an_episode_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        EpisodeShape(**wrong)
