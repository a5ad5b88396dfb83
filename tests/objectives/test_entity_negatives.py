"""Classes of a sampled softmax and their weights, computed by hand."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.knowledge.entity_types import VocabularyTypes
from loreweave.objectives.entity_negatives import EntityNegatives

VOCABULARY = EntityVocabulary({name: row for row, name in enumerate(["[PAD]", "[UNK]", "[MASK]", *"abcdefg"])})
TYPES = VocabularyTypes.of({"a": ("x",), "b": ("x",), "c": ("x",), "d": ("x",), "e": ("y",), "f": ("y",)}, VOCABULARY)
A, B, C, D, E, F, G = range(3, 10)


def test_uniform_draws_stand_for_the_rest() -> None:
    """Two of the eight rows that are no targets are drawn: each with probability 1/4. The targets are certain."""
    drawn = EntityNegatives(10, 2).draw(np.array([A, B, A]), np.random.default_rng(0))
    assert len(drawn.rows) == 4 and {A, B} <= set(drawn.rows.tolist()) and sorted(drawn.rows) == drawn.rows.tolist()
    weights = dict(zip(drawn.rows.tolist(), drawn.log_weights.tolist(), strict=True))
    assert weights.pop(A) == weights.pop(B) == 0
    assert list(weights.values()) == pytest.approx([math.log(4)] * 2)


@pytest.mark.parametrize("count", [8, 50])
def test_all_rows_have_no_weight(count: int) -> None:
    drawn = EntityNegatives(10, count).draw(np.array([A, B]), np.random.default_rng(0))
    assert drawn.rows.tolist() == list(range(10)) and not drawn.log_weights.any()


def test_draws_of_the_same_type() -> None:
    """Half of four draws: two among b, c and d for the target a; the other two among all nine others.

    b, c and d are drawn with probability 1 - (1 - 2/3)(1 - 2/9), the rest with 2/9.
    """
    negatives = EntityNegatives(10, 4, 0.5, TYPES)
    near, far = -math.log(1 - (1 / 3) * (7 / 9)), math.log(9 / 2)
    for seed in range(20):
        drawn = negatives.draw(np.array([A]), np.random.default_rng(seed))
        weights = dict(zip(drawn.rows.tolist(), drawn.log_weights.tolist(), strict=True))
        assert weights.pop(A) == 0 and len({B, C, D} & set(weights)) >= 2
        for row, weight in weights.items():
            assert weight == pytest.approx(near if row in (B, C, D) else far, rel=1e-6)


def test_each_target_has_an_equal_part() -> None:
    """Of four draws of the same type, two would be for e, which has one other: it is certain; the rest is drawn from all."""
    drawn = EntityNegatives(10, 4, 1.0, TYPES).draw(np.array([A, E]), np.random.default_rng(1))
    weights = dict(zip(drawn.rows.tolist(), drawn.log_weights.tolist(), strict=True))
    assert weights[F] == 0 and len({B, C, D} & set(weights)) >= 2
    assert {round(weights[row], 5) for row in (B, C, D) if row in weights} == {round(-math.log(1 - (1 / 3) * (7 / 8)), 5)}


def test_targets_without_types_are_drawn_for_evenly() -> None:
    drawn = EntityNegatives(10, 3, 1.0, TYPES).draw(np.array([G]), np.random.default_rng(2))
    weights = dict(zip(drawn.rows.tolist(), drawn.log_weights.tolist(), strict=True))
    assert weights.pop(G) == 0 and list(weights.values()) == pytest.approx([math.log(3)] * 3)


@pytest.mark.parametrize(("share", "targets"), [(0.0, [A, B]), (0.5, [A, E]), (1.0, [A, E, G])])
def test_the_sum_over_classes_is_that_over_all_on_average(share: float, targets: list[int]) -> None:
    """Without bias, for scores that differ much between types."""
    values = np.array([1.0, 2.0, 3.0, 40.0, 20.0, 5.0, 7.0, 11.0, 0.5, 30.0])
    negatives = EntityNegatives(10, 3, share, TYPES)
    rng = np.random.default_rng(0)
    sums = []
    for _ in range(4000):
        drawn = negatives.draw(np.array(targets), rng)
        sums.append(float((values[drawn.rows] * np.exp(drawn.log_weights)).sum()))
    assert np.mean(sums) == pytest.approx(values.sum(), abs=5 * np.std(sums) / math.sqrt(len(sums)) + 1e-9)


def test_no_targets() -> None:
    drawn = EntityNegatives(10, 2).draw(np.empty(0, np.int64), np.random.default_rng(0))
    assert len(drawn.rows) == 2 and drawn.log_weights == pytest.approx([math.log(5)] * 2)


def drawn_by_definition(
    size: int, negatives: int, share: float, types: VocabularyTypes, targets: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and weights, with the probability of every row and a list of the others for each target."""
    own = np.unique(targets)
    of_row = [set(types.of_row(row).tolist()) if row < len(types.counts) else set() for row in range(size)]
    typed = [row for row in own if of_row[row]]
    never, parts, left = np.zeros(size), [own], negatives
    for row in typed:
        pool = np.array([other for other in range(size) if other not in own and of_row[other] & of_row[row]], np.int64)
        count = min(int(negatives * share) // len(typed), len(pool))
        if count:
            parts.append(rng.choice(pool, size=count, replace=False, shuffle=False))
            never[pool] += np.log1p(-count / len(pool)) if count < len(pool) else -np.inf
            left -= count
    rest = np.setdiff1d(np.arange(size), own)
    count = min(left, len(rest))
    parts.append(rng.choice(rest, size=count, replace=False, shuffle=False))
    never += np.log1p(-count / len(rest)) if count < len(rest) else -np.inf
    rows = np.unique(np.concatenate(parts))
    return rows, -np.log(np.where(np.isin(rows, own), 1, -np.expm1(never[rows]))).astype(np.float32)


@pytest.mark.parametrize("seed", range(60))
def test_draws_and_weights_are_those_of_the_definition(seed: int) -> None:
    """Bit by bit, for entities with any number of types."""
    rng = np.random.default_rng(seed)
    size, kinds = int(rng.integers(30, 60)), int(rng.integers(1, 8))
    counts = rng.integers(0, kinds + 1, size - 2)  # the last rows are beyond the types
    flat = np.concatenate([rng.permutation(kinds)[:count] for count in counts]).astype(np.int64)
    types = VocabularyTypes(tuple("abcdefg"[:kinds]), np.concatenate([[0], np.cumsum(counts)]), flat)
    share = float(rng.choice([0.3, 0.5, 1.0]))
    negatives = EntityNegatives(size, 40, share, types)
    for draw in range(3):
        targets = rng.integers(0, size, int(rng.integers(1, 30)))
        found = negatives.draw(targets, np.random.default_rng(draw))
        rows, weights = drawn_by_definition(size, 40, share, types, targets, np.random.default_rng(draw))
        assert found.rows.tolist() == rows.tolist() and found.log_weights.tolist() == weights.tolist()


def test_a_draw_makes_nothing_of_the_size_of_a_frequent_type() -> None:
    """Each entity has one of two types, whose 200,000 rows take 1.6 MB, and one of 1,000 others; 100 sets are drawn for."""
    size = 400_000
    flat = np.stack([np.arange(size) % 2, 2 + np.arange(size) % 1000], axis=1).ravel()
    types = VocabularyTypes(tuple(map(str, range(1002))), np.arange(0, 2 * size + 1, 2), flat)
    negatives, targets = EntityNegatives(size, 400, 0.5, types), np.arange(100)
    tracemalloc.start()
    negatives.draw(targets, np.random.default_rng(0))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
