"""Which entities are hidden, and how."""

from __future__ import annotations

import numpy as np

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.objectives import MaskedEntities, MaskedEntitiesConfig, RunContext, Window


def window(entities: list[int]) -> Window:
    count = len(entities)
    return Window(np.arange(5, 30), np.array(entities, int), np.arange(count), np.ones(count, int))


def objective(**settings: float) -> MaskedEntities:
    vocabulary = EntityVocabulary.from_counts({f"Entity {i}": 100 - i for i in range(50)})
    return MaskedEntities(MaskedEntitiesConfig(**settings), RunContext(entities=vocabulary))


def test_one_of_few_is_masked() -> None:
    """15 % of three is none, so one is masked; the others stay."""
    example = window([10, 11, 12])
    targets = objective().mask(example, np.random.default_rng(0))
    assert len(targets.positions) == 1
    assert targets.labels[0] == targets.positions[0] + 10
    assert example.entity_ids[targets.positions[0]] == objective().mask_id


def test_thirty_percent_of_twenty() -> None:
    """Six distinct entities, all replaced by [MASK]."""
    example = window(list(range(10, 30)))
    targets = objective(probability=0.3).mask(example, np.random.default_rng(1))
    assert len(set(targets.positions.tolist())) == 6
    assert (example.entity_ids == objective().mask_id).sum() == 6


def test_random_replacements_are_no_special_entities() -> None:
    """Random ids come after [MASK]."""
    masked = objective(probability=1.0, random_probability=1.0)
    example = window(list(range(10, 40)))
    masked.mask(example, np.random.default_rng(2))
    assert example.entity_ids.min() > masked.mask_id
    assert example.entity_ids.max() < masked.size


def test_no_entities_no_targets() -> None:
    """A window without entities has nothing to predict."""
    assert len(objective().mask(window([]), np.random.default_rng(0)).positions) == 0
