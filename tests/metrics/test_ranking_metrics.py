"""Metrics of ranks: values counted by hand, simulated chance, and intervals that behave."""

from __future__ import annotations

import math

import numpy as np
import pytest

from loreweave.metrics.ranking_metrics import (
    bootstrap_intervals,
    degree_buckets,
    entity_degrees,
    metrics_by_group,
    metrics_by_side,
    ranking_metrics,
)
from loreweave.metrics.ranks import Ranks


def ranks_of(greater: list[int], ties: list[int], candidates: list[int]) -> Ranks:
    return Ranks(*(np.array(values, dtype=np.int64) for values in (greater, ties, candidates)))


SOME = ranks_of([0, 1, 10], [0, 2, 0], [2, 5, 40])  # realistic 1, 3, 11; optimistic 1, 2, 11; pessimistic 1, 4, 11


def test_plain_metrics_by_hand() -> None:
    found = ranking_metrics(SOME)
    assert found["count"] == 3
    assert found["mr"] == pytest.approx(15 / 3)
    assert found["mrr"] == pytest.approx((1 + 1 / 3 + 1 / 11) / 3)
    assert [found[f"hits_at_{k}"] for k in (1, 3, 10)] == pytest.approx([1 / 3, 2 / 3, 2 / 3])
    assert ranking_metrics(SOME, "optimistic")["mr"] == pytest.approx(14 / 3)
    assert ranking_metrics(SOME, "pessimistic")["hits_at_3"] == pytest.approx(1 / 3)
    assert "amri" not in ranking_metrics(SOME, "pessimistic")


def test_adjusted_metrics_by_hand() -> None:
    found = ranking_metrics(SOME)
    expected_mr = (1.5 + 3 + 20.5) / 3
    assert found["amr"] == pytest.approx(5 / expected_mr)
    assert found["amri"] == pytest.approx(1 - (5 - 1) / (expected_mr - 1))
    harmonic = [sum(1 / i for i in range(1, c + 1)) / c for c in (2, 5, 40)]
    assert found["adjusted_mrr"] == pytest.approx((found["mrr"] - sum(harmonic) / 3) / (1 - sum(harmonic) / 3))
    chance = [min(3 / c, 1) for c in (2, 5, 40)]
    assert found["adjusted_hits_at_3"] == pytest.approx((2 / 3 - sum(chance) / 3) / (1 - sum(chance) / 3))
    deviation = math.sqrt(sum(p * (1 - p) for p in chance)) / 3
    assert found["z_hits_at_3"] == pytest.approx((2 / 3 - sum(chance) / 3) / deviation)
    assert found["z_mr"] == pytest.approx((expected_mr - 5) / math.sqrt(sum((c * c - 1) / 12 for c in (2, 5, 40)) / 9))


def test_a_random_order_is_at_chance() -> None:
    random = np.random.default_rng(0)
    candidates = random.integers(2, 400, size=40_000)
    ranks = Ranks(random.integers(0, candidates), np.zeros_like(candidates), candidates)
    found = ranking_metrics(ranks)
    assert found["amr"] == pytest.approx(1, abs=0.02)
    assert all(abs(found[name]) < 0.02 for name in ("amri", "adjusted_mrr", "adjusted_hits_at_1", "adjusted_hits_at_10"))
    assert all(abs(found[f"z_{name}"]) < 4 for name in ("mr", "mrr", "hits_at_1", "hits_at_3", "hits_at_10"))


def test_the_best_order_is_one_and_a_lone_candidate_is_nothing() -> None:
    best = ranking_metrics(ranks_of([0, 0], [0, 0], [50, 60]))
    assert [best[name] for name in ("amri", "adjusted_mrr", "adjusted_hits_at_10")] == pytest.approx([1, 1, 1])
    alone = ranking_metrics(ranks_of([0], [0], [1]))
    assert (alone["amr"], alone["amri"], alone["adjusted_mrr"], alone["z_mrr"]) == (1, 0, 0, 0)


def test_sides_and_both() -> None:
    found = metrics_by_side({"head": SOME, "tail": ranks_of([0], [0], [9])})
    assert found["head", "realistic"]["mr"] == pytest.approx(5)
    assert found["tail", "optimistic"]["mr"] == 1
    assert found["both", "realistic"]["mr"] == pytest.approx(16 / 4)
    assert found["both", "pessimistic"]["count"] == 4
    assert {side for side, _ in metrics_by_side({"tail": SOME})} == {"tail"}


def test_groups() -> None:
    found = metrics_by_group(SOME, np.array([7, 2, 7]))
    assert list(found) == [2, 7]
    assert found[2] == pytest.approx(ranking_metrics(SOME[1:2]))
    assert found[7] == pytest.approx(ranking_metrics(SOME[np.array([0, 2])]))


def test_degrees_and_their_buckets() -> None:
    degrees = entity_degrees(np.array([[0, 0, 1], [0, 1, 2], [3, 0, 3]]), 5)
    assert degrees.tolist() == [2, 1, 1, 2, 0]
    buckets, names = degree_buckets(np.array([0, 1, 2, 3, 4, 7, 8, 1000]))
    assert buckets.tolist() == [0, 1, 2, 2, 3, 3, 4, 10]
    assert names[:5] == ["0", "1", "2-3", "4-7", "8-15"] and names[10] == "512-1023" and len(names) == 11
    assert degree_buckets(np.array([0]))[1] == ["0"]


def test_intervals_hold_the_value_narrow_with_size_and_follow_the_seed() -> None:
    random = np.random.default_rng(0)
    candidates = np.full(4000, 100)
    large = Ranks(random.integers(0, 40, size=4000), np.zeros(4000, dtype=np.int64), candidates)
    wide, narrow = bootstrap_intervals([large[:100]], seed=3), bootstrap_intervals([large], seed=3)
    metrics = ranking_metrics(large)
    for name, found in narrow.items():
        assert found["low"] <= metrics[name] <= found["high"], name
        assert wide[name]["high"] - wide[name]["low"] > found["high"] - found["low"] or name.startswith("z_")
    assert bootstrap_intervals([large[:100]], seed=3) == wide != bootstrap_intervals([large[:100]], seed=4)
    assert set(narrow) == set(metrics) - {"count"}


def test_intervals_cover_about_as_often_as_they_say() -> None:
    random = np.random.default_rng(0)
    inside = 0
    for seed in range(200):
        ranks = Ranks(random.integers(0, 50, size=80), np.zeros(80, dtype=np.int64), np.full(80, 50))
        found = bootstrap_intervals([ranks], samples=200, seed=seed)["mr"]
        inside += found["low"] <= 25.5 <= found["high"]
    assert 0.9 <= inside / 200 <= 0.98


def test_a_triple_is_drawn_with_both_sides() -> None:
    random = np.random.default_rng(0)
    side = Ranks(random.integers(0, 50, size=500), np.zeros(500, dtype=np.int64), np.full(500, 50))
    alike, alone = bootstrap_intervals([side, side], seed=1), bootstrap_intervals([side], seed=1)
    assert alike["mr"] == pytest.approx(alone["mr"])  # the same ranks twice tell no more than once
    assert alike["z_mr"] == pytest.approx(
        {end: math.sqrt(2) * value for end, value in alone["z_mr"].items()}
    )  # of twice as many ranks


def test_wrong_input_is_named() -> None:
    with pytest.raises(ValueError, match="no ranks"):
        ranking_metrics(SOME[:0])
    with pytest.raises(ValueError, match="one for each of 3 ranks"):
        metrics_by_group(SOME, np.array([1]))
    with pytest.raises(ValueError, match=r"sides of \[1, 3\] ranks"):
        bootstrap_intervals([SOME, SOME[:1]])
