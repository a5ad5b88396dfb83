"""Classes of a sampled softmax and their weights, computed by hand."""

from __future__ import annotations

import math

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
