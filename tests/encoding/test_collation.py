from __future__ import annotations

import numpy as np
import pytest
import torch

from loreweave.encoding import EntityTokenizer
from loreweave.encoding.collation import pad_ids
from loreweave.errors import DataError


def test_shapes_masks_and_padding_by_hand(bert: EntityTokenizer) -> None:
    batch = bert(["tokyo is", "the"], [[(0, 5), (6, 8)], []], [["Tokyo", None], None])
    assert batch["input_ids"].tolist() == [[2, 5, 6, 3], [2, 7, 3, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]
    assert batch["token_type_ids"].tolist() == [[0] * 4, [0] * 4]
    assert batch["entity_ids"].tolist() == [[3, 2], [0, 0]]
    assert batch["entity_attention_mask"].tolist() == [[1, 1], [0, 0]]
    assert batch["entity_position_ids"].shape == (2, 2, 30)
    assert batch["entity_position_ids"][0, :, :2].tolist() == [[1, -1], [2, -1]]
    assert (batch["entity_position_ids"][1] == -1).all()
    assert "entity_start_positions" not in batch
    assert {tensor.dtype for tensor in batch.values()} == {torch.int64}
    assert batch.report.mentions_kept == 2 and batch.kept == [[0, 1], []]


def test_nobody_has_a_mention(bert: EntityTokenizer) -> None:
    for spans in (None, [[], []]):
        batch = bert(["tokyo", ""], spans)
        assert batch["entity_ids"].shape == batch["entity_attention_mask"].shape == (2, 1)
        assert batch["entity_position_ids"].shape == (2, 1, 30)
        assert batch["entity_attention_mask"].sum() == 0


def test_padding_ids_are_those_of_the_vocabularies(bpe: EntityTokenizer) -> None:
    batch = bpe(["a", "a b c d"], [[(0, 1)], [(0, 1), (2, 3)]])
    assert batch["input_ids"][0, -1] == 1
    assert batch["entity_ids"][0, -1] == bpe.entity_vocabulary.pad_id


def test_span_classification_adds_its_positions(bert: EntityTokenizer) -> None:
    batch = bert(["tokyo is", "the"], [[(0, 8)], []], task="entity_span_classification")
    assert batch["entity_start_positions"].tolist() == [[1], [0]]
    assert batch["entity_end_positions"].tolist() == [[2], [0]]


def test_multiples(bert: EntityTokenizer) -> None:
    batch = bert(["tokyo is the"], [[(0, 5)]], pad_to_multiple_of=8)
    assert batch["input_ids"].shape == (1, 8) and batch["entity_ids"].shape == (1, 8)


def test_moving_keeps_the_report(bert: EntityTokenizer) -> None:
    batch = bert(["tokyo"], [[(0, 5)]])
    assert batch.to("cpu") is batch and batch.report.texts == 1


def test_nothing_to_pad(bert: EntityTokenizer) -> None:
    with pytest.raises(DataError, match="found no text"):
        bert.pad([])


def test_ids_are_padded_with_their_mask() -> None:
    ids, mask = pad_ids([[5, 6, 7], np.array([8]), []], pad_id=1)
    assert ids.tolist() == [[5, 6, 7], [8, 1, 1], [1, 1, 1]] and mask.tolist() == [[1, 1, 1], [1, 0, 0], [0, 0, 0]]
    assert ids.dtype == mask.dtype == torch.int64
