"""The distinct texts of a micro-batch over a graph, and their vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from loreweave.encoding.collation import WORD_INPUTS
from loreweave.encoding.graph_texts import GraphTexts
from loreweave.models.knowledge_embedding import Pooling, read_texts
from loreweave.objectives.base import Tensors

_BUCKETS = 4
"""Maximum number of parts in which the texts of a micro-batch are encoded, by length; more parts pad less, but cost kernels."""


Kind = Literal["entity", "relation", "conditioned", "inverse_conditioned"]


class TextPool:
    """Collects the distinct texts of a micro-batch, whatever they are used for.

    Add everything of one kind at once; `collate` then returns padded tensors sorted by length, and the place of each text.
    """

    def __init__(self, texts: GraphTexts) -> None:
        self._texts = texts
        self._parts: list[dict[str, np.ndarray]] = []
        self._size = 0

    def add(self, kind: Kind, rows: np.ndarray, relations: np.ndarray | None = None) -> np.ndarray:
        """Numbers of the texts of `rows` (any shape), for the result of `collate`."""
        flat = rows.reshape(-1)
        pairs = flat[:, None] if relations is None else np.stack([flat, relations.reshape(-1)], axis=1)
        distinct, numbers = np.unique(pairs, axis=0, return_inverse=True)
        self._parts.append(self._read(kind, distinct))
        self._size += len(distinct)
        return numbers.reshape(rows.shape) + self._size - len(distinct)

    def _read(self, kind: Kind, distinct: np.ndarray) -> dict[str, np.ndarray]:
        texts = self._texts
        if kind == "entity":
            return texts.batch(distinct[:, 0])
        if kind == "relation":
            return texts.relation_batch(distinct[:, 0])
        read = texts.conditioned if kind == "conditioned" else texts.inverse_conditioned
        return read(distinct[:, 0], distinct[:, 1])

    def collate(self) -> tuple[Tensors, np.ndarray]:
        """`<input>_<bucket>` tensors [texts, tokens], and the place of every number in their order."""
        rows = [row for part in self._parts for row in _unpadded(part)]
        lengths = np.array([len(row["attention_mask"]) for row in rows])
        order = np.argsort(lengths, kind="stable")
        tensors: Tensors = {}
        for bucket, members in enumerate(np.split(order, least_padding(lengths[order], _BUCKETS))):
            for key in rows[0]:
                padding = self._texts.pad_id if key == "input_ids" else 0
                tensors[f"{key}_{bucket}"] = _padded([rows[i][key] for i in members], padding)
        places = np.empty(len(order), dtype=np.int64)
        places[order] = np.arange(len(order))
        return tensors, places


def encode_texts(encoder: nn.Module, batch: Tensors, pooling: Pooling, mask_entity_id: int | None) -> Tensor:
    """Vectors of the texts that `TextPool.collate` laid out in a micro-batch. [texts, d] float32"""
    vectors = []
    for bucket in range(_BUCKETS):
        inputs = {key: batch[f"{key}_{bucket}"] for key in WORD_INPUTS if f"{key}_{bucket}" in batch}
        if inputs:
            vectors.append(read_texts(encoder, inputs, pooling, mask_entity_id))
    return torch.cat(vectors)


def least_padding(lengths: np.ndarray, parts: int) -> np.ndarray:
    """Where to split ascending lengths into a maximum number of parts, so that padding within the parts is minimal.

    Dynamic programming over the distinct lengths.

    Example:
        >>> least_padding(np.array([3, 3, 3, 4, 20, 21]), 2)
        array([4])
    """
    longest, counts = np.unique(lengths, return_counts=True)
    ends = np.cumsum(counts)  # texts up to each distinct length
    tokens = ends * longest  # of these, with the parts so far
    befores = []
    for _ in range(min(parts, len(longest)) - 1):
        costs = tokens[:, None] + (ends - ends[:, None]) * longest  # [end of the part before, end of this part]
        costs[np.tri(len(longest), dtype=bool)] = _TOO_MANY
        befores.append(costs.argmin(0))
        tokens = costs.min(0)
    at, cuts = len(longest) - 1, []
    for before in reversed(befores):
        at = before[at]
        cuts.append(ends[at])
    return np.array(cuts[::-1], dtype=np.int64)


_TOO_MANY = 2**62


def _unpadded(part: Mapping[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
    lengths = part["attention_mask"].sum(1)
    return [{key: value[i, :length] for key, value in part.items()} for i, length in enumerate(lengths)]


def _padded(rows: list[np.ndarray], padding: int) -> Tensor:
    longest = max(len(row) for row in rows)
    filled = np.full((len(rows), longest), padding, dtype=np.int64)
    for i, row in enumerate(rows):
        filled[i, : len(row)] = row
    return torch.from_numpy(filled)
