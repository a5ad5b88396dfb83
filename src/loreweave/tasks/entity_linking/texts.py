"""Texts of entities as sub-words: name and description."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loreweave.corpus.knowledge.entity_table import DescribedEntity, EntityTable
from loreweave.encoding.words.tokenizer import WordTokenizer
from loreweave.tasks.embedding_cache import batches_by_width, padded_lengths
from loreweave.tasks.entity_linking.network import Inputs

_AT_ONCE = 4096
"""Number of texts that are tokenised together."""


class EntityTexts:
    """Sub-words of the texts of a table's entities, tokenised when they are needed.

    Args:
        table: the entities.
        words: tokenizer of the encoder.
        longest: maximum number of sub-words of a text, including special tokens.
    """

    def __init__(self, table: EntityTable, words: WordTokenizer, longest: int) -> None:
        self.table, self.words, self.longest = table, words, longest
        self._ids: dict[int, list[int]] = {}

    @property
    def pad_id(self) -> int:
        """Padding of `input_ids`."""
        return self.words.special.pad

    def __len__(self) -> int:
        return len(self.table)

    def name(self, row: int) -> str:
        """Name of an entity in errors."""
        entity: DescribedEntity = self.table[row]
        return f"the entity {entity.id!r}"

    def ids(self, rows: Sequence[int]) -> list[list[int]]:
        """Sub-words of some texts, with special tokens."""
        missing = [row for row in dict.fromkeys(rows) if row not in self._ids]
        for start in range(0, len(missing), _AT_ONCE):
            part = missing[start : start + _AT_ONCE]
            found = self.words.encode([self.table[row].text for row in part])
            for row, ids in zip(part, found, strict=True):
                self._ids[row] = self.words.special.around(list(ids)[: self.longest - 2])
        return [self._ids[row] for row in rows]

    def inputs(self, rows: np.ndarray) -> Inputs:
        """Padded inputs of some texts: `input_ids` and `attention_mask` [texts, tokens]."""
        return padded(self.ids([int(row) for row in rows]), self.pad_id)

    def batches(self, rows: np.ndarray, tokens: int) -> list[tuple[np.ndarray, Inputs]]:
        """See `network.Texts`; a text is padded by its own length, so that its vector does not depend on the others."""
        ids = self.ids([int(row) for row in rows])
        widths = np.minimum(padded_lengths(np.array([len(each) for each in ids], np.int64)), self.longest)
        found = []
        for batch in batches_by_width(widths, tokens) if len(rows) else []:
            width = int(widths[batch[0]])
            found.append((rows[batch], padded([ids[place] for place in batch], self.pad_id, width)))
        return found


def padded(ids: Sequence[Sequence[int]], pad_id: int, width: int | None = None) -> Inputs:
    """Inputs of lists of sub-words, padded to the longest or to `width`."""
    width = max(map(len, ids), default=0) if width is None else width
    cells = np.full((len(ids), width), pad_id, np.int64)
    mask = np.zeros((len(ids), width), np.int64)
    for row, each in enumerate(ids):
        cells[row, : len(each)] = each
        mask[row, : len(each)] = 1
    return {"input_ids": cells, "attention_mask": mask}
