"""Micro-batches of masked windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from datasets import Dataset

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.objectives import (
    LatentTyping,
    LatentTypingConfig,
    MaskedEntities,
    MaskedEntitiesConfig,
    MaskedWords,
    MaskedWordsConfig,
    RunContext,
    WordVocabulary,
)
from loreweave.pretraining.stream import TextStream

VOCABULARY = EntityVocabulary.from_counts({f"Entity {i}": 100 - i for i in range(50)})
WORDS = WordVocabulary(200, pad_id=0, mask_id=4, start_id=2, end_id=3, continues=np.zeros(200, dtype=bool))

CONTEXT = RunContext(words=WORDS, entities=VOCABULARY)


def dataset(rows: int = 10) -> Dataset:
    """Row r has 10 + r words (id 10 + r) and two entities, the second over three words at the end."""
    return Dataset.from_list(
        [
            {
                "text_id": str(r),
                "word_ids": [10 + r] * (10 + r),
                "entity_ids": [5 + r, 6 + r],
                "entity_starts": [0, 7 + r],
                "entity_lengths": [1, 3],
                "page_entity_id": 5 + r,
            }
            for r in range(rows)
        ]
    )


def stream(batch_size: int = 4, *, entities: bool = True, length: int = 20, **settings: Any) -> TextStream:
    words = MaskedWords(MaskedWordsConfig(), CONTEXT)
    objectives = [MaskedEntities(MaskedEntitiesConfig(), CONTEXT), words] if entities else [words]
    pad = VOCABULARY.pad_id if entities else None
    return TextStream([dataset()], objectives, WORDS, pad, batch_size=batch_size, length=length, seed=7, **settings)


def test_targets_point_at_what_was_hidden() -> None:
    """Flat positions address padded rows; labels put back in place give the row's word again."""
    batch = stream()[0]
    flat = batch["windows"]["input_ids"].flatten().clone()
    flat[batch["masked_words"]["positions"]] = batch["masked_words"]["labels"]
    for ids, mask in zip(flat.view_as(batch["windows"]["input_ids"]), batch["windows"]["attention_mask"], strict=True):
        inner = ids[mask.bool()][1:-1]
        assert len(set(inner.tolist())) == 1
        assert len(inner) == inner[0]
        assert ids[0] == WORDS.start_id
    entities = batch["windows"]["entity_ids"].flatten()
    assert (entities[batch["masked_entities"]["positions"]] == VOCABULARY.mask_id).all()


def test_mention_positions_count_the_start_token() -> None:
    """A mention at word 0 sits at position 1; unused places are -1."""
    batch = stream()[1]
    assert (
        batch["windows"]["entity_position_ids"][:, 0] == batch["windows"]["entity_position_ids"].new_tensor([1, -1, -1])
    ).all()
    last = batch["windows"]["attention_mask"].sum(1) - 2  # position of the last word
    assert (batch["windows"]["entity_position_ids"][:, 1, 2] == last).all()


def test_masks_differ_between_epochs_and_are_the_same_again() -> None:
    """The same row in two epochs is masked differently; asked again, a draw is bit-equal."""
    run = stream(batch_size=1, length=200)
    rows: dict[int, list[tuple[int, ...]]] = {}
    for item in range(100):
        batch = run[item]
        key = int(batch["windows"]["attention_mask"].sum())
        rows.setdefault(key, []).append(tuple(batch["masked_words"]["positions"].tolist()))
    assert all(len(masks) == 10 and len(set(masks)) > 3 for masks in rows.values())
    again = stream(batch_size=1, length=200)
    assert all((again[57][name][key] == tensor).all() for name, tensors in run[57].items() for key, tensor in tensors.items())


def test_two_processes_see_what_one_sees() -> None:
    """Items 2k and 2k+1 of half-size batches hold the windows of item k of whole ones."""
    half, whole = stream(batch_size=2), stream(batch_size=4)
    together = [half.window(d).word_ids.tolist() for d in range(8, 12)]
    assert together == [whole.window(d).word_ids.tolist() for d in range(8, 12)]
    labels = [x for item in (4, 5) for x in half[item]["masked_words"]["labels"].tolist()]
    assert labels == whole[2]["masked_words"]["labels"].tolist()


def test_word_only() -> None:
    """Without entities, no entity tensor is made."""
    batch = stream(entities=False)[0]
    assert set(batch) == {"windows", "masked_words"} and set(batch["windows"]) == {"input_ids", "attention_mask"}


def test_cutting_is_counted() -> None:
    """At 12 words (10 without special tokens) rows 1 to 9 lose 1..9 words, and their last mention with them."""
    counts = stream(max_words=12).left_out()
    assert counts["sub-words cut"] == sum(range(1, 10))
    assert counts["mentions cut with them"] == 9
    assert stream(max_words=12)[0]["windows"]["input_ids"].shape[1] == 12


@pytest.mark.parametrize("most", [1, 2])
def test_entities_beyond_the_limit(most: int) -> None:
    """`max_entities` keeps the first ones and counts the rest."""
    assert stream(max_entities=most)[0]["windows"]["entity_ids"].shape[1] == most
    assert stream(max_entities=most).left_out()["mentions beyond max_entities"] == 10 * (2 - most)


def test_a_long_mention_stays_whole() -> None:
    """How long a mention may be is settled when the set is built."""
    row = {"text_id": "0", "word_ids": [9] * 60, "entity_ids": [5], "entity_starts": [2], "entity_lengths": [40]}
    words = MaskedWords(MaskedWordsConfig(), CONTEXT)
    rows = Dataset.from_list([row | {"page_entity_id": -1}])
    batch = TextStream([rows], [words], WORDS, VOCABULARY.pad_id, batch_size=1, length=1, seed=7)[0]
    assert batch["windows"]["entity_position_ids"][0, 0].tolist() == list(range(3, 43))


def test_a_pool_sorts_windows_by_length_and_loses_none() -> None:
    """Five micro-batches of two over ten windows of ten lengths: each has two neighbours in length, all windows come once."""
    sizes = [stream(2, pool=5)[item]["windows"]["attention_mask"].sum(1).tolist() for item in range(5)]
    assert sorted(sum(sizes, [])) == list(range(12, 22))
    assert all(abs(one - other) == 1 for one, other in sizes)
    assert sizes != sorted(sizes)
    again = stream(2, pool=5)
    assert [again[item]["windows"]["attention_mask"].sum(1).tolist() for item in (3, 0)] == [sizes[3], sizes[0]]


def test_readers_get_the_windows_before_anything_is_hidden() -> None:
    reader = LatentTyping(LatentTypingConfig(), RunContext())
    batch = stream(entities=False, readers=[reader])[0]
    whole = batch["windows"]["input_ids"].flatten().clone()
    whole[batch["masked_words"]["positions"]] = batch["masked_words"]["labels"]
    assert whole.view_as(batch["windows"]["input_ids"]).equal(batch["latent_typing"]["input_ids"])
    assert not batch["windows"]["input_ids"].equal(batch["latent_typing"]["input_ids"])
    assert len(batch["latent_typing"]["labels"]) == int(batch["windows"]["attention_mask"][:, 1:].sum())
