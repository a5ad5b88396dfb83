"""Entities in the input of a LUKE that reads a question and a window of its context.

Whoever finds entities in texts (a dictionary of mentions, a linker) gives a `FindEntities` to the encoding. This module places
what it finds in the sub-words of a window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.encoding.span_index import SpanIndex
from loreweave.tasks.extractive_qa.record import QuestionRecord


class EntitySpan(NamedTuple):
    """An entity in a text: its characters, and its number in the entity vocabulary."""

    start: int
    end: int
    entity: int


FindEntities = Callable[[QuestionRecord], tuple[Sequence[EntitySpan], Sequence[EntitySpan]]]
"""A question record -> the entities in its question, and those in its context."""


class PlacedEntity(NamedTuple):
    """An entity at sub-words of an input: its number in the vocabulary, and the first and the last position (inclusive)."""

    entity: int
    first: int
    last: int


def token_span(offsets: np.ndarray, start: int, end: int) -> tuple[int, int]:
    """First and last sub-word (exclusive) that share characters with a span; empty if there are none.

    Args:
        offsets: characters of each sub-word [sub-words, 2], in the order of the text.
        start, end: the span.
    """
    first = int(np.searchsorted(offsets[:, 1], start, side="right"))
    last = int(np.searchsorted(offsets[:, 0], end, side="left"))
    return first, max(first, last)


class TextEntities:
    """The entities at the sub-words of a text, of which each of many windows takes its own without looking at the others.

    Args:
        spans: entities of the text, in the order in which an input has them; they may overlap.
        offsets: characters of all sub-words of the text [sub-words, 2].
    """

    def __init__(self, spans: Sequence[EntitySpan], offsets: np.ndarray) -> None:
        self._entities = [one.entity for one in spans]
        self._places = [token_span(offsets, one.start, one.end) for one in spans]
        self._index = SpanIndex(self._places)

    def inside(self, first: int, last: int, position: int) -> list[PlacedEntity]:
        """The entities that lie wholly inside a window of sub-words.

        Args:
            first, last: sub-words of the window, `last` exclusive.
            position: position of the window's first sub-word in the input.
        """
        shift, numbers = position - first, self._index.inside(first, last)
        return [PlacedEntity(self._entities[n], self._places[n][0] + shift, self._places[n][1] - 1 + shift) for n in numbers]


def entity_tensors(
    inputs: Sequence[Sequence[PlacedEntity]], vocabulary: EntityVocabulary, max_mention_length: int
) -> dict[str, Tensor]:
    """LUKE's tensors of entities, with at least one (masked) entity.

    Returns:
        `entity_ids` and `entity_attention_mask` [batch, entities], and `entity_position_ids` [batch, entities, positions],
        which is -1 where a mention has no further sub-word.
    """
    most = max(1, *(len(entities) for entities in inputs))
    ids = np.full((len(inputs), most), vocabulary.pad_id, dtype=np.int64)
    mask = np.zeros_like(ids)
    longest = max((each.last - each.first + 1 for entities in inputs for each in entities), default=1)
    positions = np.full((*ids.shape, min(longest, max_mention_length)), -1, dtype=np.int64)
    for row, entities in enumerate(inputs):
        for column, each in enumerate(entities):
            count = min(each.last - each.first + 1, positions.shape[-1])
            ids[row, column], mask[row, column] = each.entity, 1
            positions[row, column, :count] = np.arange(each.first, each.first + count)
    arrays = {"entity_ids": ids, "entity_attention_mask": mask, "entity_position_ids": positions}
    return {name: torch.from_numpy(array) for name, array in arrays.items()}
