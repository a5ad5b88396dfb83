"""Padding encoded texts to tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from loreweave.encoding.encoded_text import EncodedText, EncodingReport
from loreweave.errors import DataError

WORD_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
"""Names of an encoder's input of words."""


class EntityBatch(dict[str, Tensor]):
    """Tensors by name, ready for `model(**batch)`, with a report of their encoding.

    Attributes:
        report: counts of what was cut and dropped in the whole batch.
        kept: for each text the indices of the spans that were kept.
        kept_pair: the same for the second texts.
    """

    report: EncodingReport
    kept: list[list[int]]
    kept_pair: list[list[int]]

    @classmethod
    def of(cls, encoded: Sequence[EncodedText], tensors: Mapping[str, Tensor]) -> EntityBatch:
        """Join encoded texts and their tensors."""
        batch = cls(tensors)
        batch.report = sum((text.report for text in encoded), EncodingReport())
        batch.kept = [text.kept for text in encoded]
        batch.kept_pair = [text.kept_pair for text in encoded]
        return batch

    def to(self, device: str | torch.device | int, non_blocking: bool = False) -> EntityBatch:
        """Move the tensors to a device, in place."""
        for name, tensor in self.items():
            self[name] = tensor.to(device, non_blocking=non_blocking)
        return self


def pad_ids(sequences: Sequence[Sequence[int] | np.ndarray], pad_id: int) -> tuple[Tensor, Tensor]:
    """Ids of sequences of different lengths and their mask (1 at ids), int64. [sequences, longest]"""
    ids = np.full((len(sequences), max(map(len, sequences))), pad_id, dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return torch.from_numpy(ids), torch.from_numpy(mask)


def pad_encoded_texts(
    encoded: Sequence[EncodedText],
    *,
    word_pad_id: int,
    entity_pad_id: int,
    max_mention_length: int,
    pad_to_multiple_of: int | None = None,
) -> dict[str, Tensor]:
    """Pad on the right to the longest text, with at least one (masked) entity column.

    Args:
        encoded: at least one text.
        word_pad_id: padding of `input_ids`.
        entity_pad_id: padding of `entity_ids`.
        max_mention_length: M, the width of `entity_position_ids`.
        pad_to_multiple_of: round the numbers of words and of entities up to a multiple, as transformers does.

    Returns:
        input_ids, attention_mask, token_type_ids [batch, words]; entity_ids, entity_attention_mask,
        entity_token_type_ids [batch, entities]; entity_position_ids [batch, entities, M], padded with -1; and
        entity_start_positions, entity_end_positions [batch, entities] for span classification. All int64.

    Raises:
        DataError: there is no text.
    """
    if not encoded:
        raise DataError("found no text to pad, expected at least one")
    words = _rounded(max(len(text.input_ids) for text in encoded), pad_to_multiple_of)
    entities = _rounded(max(1, *(len(text.entity_ids) for text in encoded)), pad_to_multiple_of)
    positions = np.full((len(encoded), entities, max_mention_length), -1, dtype=np.int64)
    for row, text in enumerate(encoded):
        for column, mention in enumerate(text.entity_position_ids):
            positions[row, column, : len(mention)] = mention
    arrays = {
        "input_ids": _filled((text.input_ids for text in encoded), len(encoded), words, word_pad_id),
        "attention_mask": _mask([len(text.input_ids) for text in encoded], words),
        "token_type_ids": _filled((text.token_type_ids for text in encoded), len(encoded), words, 0),
        "entity_ids": _filled((text.entity_ids for text in encoded), len(encoded), entities, entity_pad_id),
        "entity_attention_mask": _mask([len(text.entity_ids) for text in encoded], entities),
        "entity_token_type_ids": _filled((t.entity_token_type_ids for t in encoded), len(encoded), entities, 0),
        "entity_position_ids": positions,
    }
    if all(text.entity_start_positions is not None for text in encoded):
        starts = (text.entity_start_positions or [] for text in encoded)
        ends = (text.entity_end_positions or [] for text in encoded)
        arrays["entity_start_positions"] = _filled(starts, len(encoded), entities, 0)
        arrays["entity_end_positions"] = _filled(ends, len(encoded), entities, 0)
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _rounded(length: int, multiple: int | None) -> int:
    return length if not multiple else -(-length // multiple) * multiple


def _filled(rows: Iterable[list[int]], count: int, width: int, fill: int) -> np.ndarray:
    array = np.full((count, width), fill, dtype=np.int64)
    for row, values in enumerate(rows):
        array[row, : len(values)] = values
    return array


def _mask(lengths: list[int], width: int) -> np.ndarray:
    return (np.arange(width) < np.array(lengths)[:, None]).astype(np.int64)
