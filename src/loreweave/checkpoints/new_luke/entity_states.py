"""States of hidden entities: an encoder reads mentions whose entity is `[MASK]`, and the states are added up by entity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.knowledge.entity_names import without_qualifier
from loreweave.encoding import EntityTokenizer
from loreweave.encoding.collation import pad_encoded_texts
from loreweave.encoding.encoded_text import EncodedText
from loreweave.models.luke.encoder import LukeModel
from loreweave.random_streams import stream

BATCH = 64
TEXTS_AT_ONCE = 20_000
LONGEST_TEXT = 64
"""Number of sub-words of a title and its sentence, including special tokens; longer ones are truncated."""

Reading = tuple[EncodedText, Sequence[int]]
"""A window whose entities are `[MASK]`, and the row that each of them had."""


class EntityStates:
    """Sums over the states of hidden entities, in float64.

    Attributes:
        counts: number of states of each row. [rows]
        sums: sum of the states of each row. [rows, hidden]
        products: sum of the outer products of all states with themselves. [hidden, hidden]
        windows: number of windows that were read.
    """

    def __init__(self, rows: int, hidden: int) -> None:
        self.counts = torch.zeros(rows, dtype=torch.float64)
        self.sums = torch.zeros(rows, hidden, dtype=torch.float64)
        self.products = torch.zeros(hidden, hidden, dtype=torch.float64)
        self.windows = 0

    def add(self, states: Tensor, rows: Tensor) -> None:
        """Add `states` [mentions, hidden] of `rows` [mentions]."""
        states = states.cpu().double()  # mps has no float64
        self.counts.index_add_(0, rows, torch.ones(len(rows), dtype=torch.float64))
        self.sums.index_add_(0, rows, states)
        self.products += states.T @ states

    @property
    def known(self) -> Tensor:
        """Rows with at least one state, sorted. [known]"""
        return self.counts.nonzero().squeeze(1)

    @property
    def mean(self) -> Tensor:
        """Mean of all states. [hidden]"""
        return self.sums.sum(0) / self.counts.sum()

    def means(self) -> Tensor:
        """Mean state of each known row. [known, hidden]"""
        return self.sums[self.known] / self.counts[self.known, None]


@torch.inference_mode()
def read_states(encoder: LukeModel, readings: Iterable[Reading], rows: int, pad_ids: tuple[int, int]) -> EntityStates:
    """Run the encoder over windows, which should come sorted by length.

    Args:
        rows: number of rows of the entity table.
        pad_ids: paddings of words and of entities.
    """
    found = EntityStates(rows, encoder.config.hidden_size)
    device = next(encoder.parameters()).device
    training = encoder.training
    encoder.eval()
    for batch in _batches(readings):
        texts = [text for text, _ in batch]
        longest = max(len(places) for text in texts for places in text.entity_position_ids)
        tensors = pad_encoded_texts(texts, word_pad_id=pad_ids[0], entity_pad_id=pad_ids[1], max_mention_length=longest)
        states = encoder(**{name: tensor.to(device) for name, tensor in tensors.items()}).entity_last_hidden_state
        real = tensors["entity_attention_mask"].bool()
        found.add(states[real.to(device)], torch.tensor([row for _, own in batch for row in own]))
        found.windows += len(batch)
    encoder.train(training)
    return found


def readings_of_sets(
    sets: Sequence[Dataset], tokenizer: EntityTokenizer, occurrences: int, max_words: int, seed: int
) -> Iterator[Reading]:
    """Windows of pre-training sets in which each entity occurs, sorted by length.

    Args:
        sets: data sets with the columns of `loreweave.build.pretraining_set`.
        occurrences: number of occurrences of each entity, at random (all if there are fewer). Other mentions of their windows
            are read too.
        max_words: maximum number of sub-words with special tokens; mentions beyond it are left out.
    """
    chosen = [(which, int(row)) for which, row in _choose(sets, occurrences, seed)]
    read = [dataset.with_format("numpy") for dataset in sets]
    lengths = [_lengths(dataset, "word_ids") for dataset in sets]
    mask_id = tokenizer.entity_vocabulary.mask_id
    words = tokenizer.word_tokenizer
    start = words.cls_token_id if words.cls_token_id is not None else words.bos_token_id
    end = words.sep_token_id if words.sep_token_id is not None else words.eos_token_id
    for which, row in sorted(chosen, key=lambda place: (lengths[place[0]][place[1]], place)):
        window = read[which][row]
        ids = [start, *window["word_ids"][: max_words - 2].tolist(), end]
        spans = [(int(s) + 1, int(s + n) + 1) for s, n in zip(window["entity_starts"], window["entity_lengths"], strict=True)]
        inside = [number for number, (first, last) in enumerate(spans) if first < last < len(ids)]
        if inside:
            places = [list(range(*spans[number])) for number in inside]
            yield _hidden(ids, places, mask_id), window["entity_ids"][inside].tolist()


def readings_of_texts(
    tokenizer: EntityTokenizer, vocabulary: EntityVocabulary, rows: Sequence[int], sentences: Mapping[int, str]
) -> Iterator[Reading]:
    """A title and the sentence about it, if there is one, of each row, sorted by length; the title is the mention.

    A bracket at the end of a title ("Mercury (planet)") is read, but is not part of the mention, as in running text. A title
    without sub-words is left out.
    """
    for first in range(0, len(rows), TEXTS_AT_ONCE):
        some = rows[first : first + TEXTS_AT_ONCE]
        names = [_name(vocabulary, row) for row in some]
        texts = [f"{name}: {sentences[row]}" if row in sentences else name for name, row in zip(names, some, strict=True)]
        spans = [[(0, len(without_qualifier(name)))] if name else [] for name in names]
        encoded = tokenizer.encode_batch(texts, spans, max_length=LONGEST_TEXT)  # every entity is [MASK]
        found = [(text, (row,)) for text, row in zip(encoded, some, strict=True) if text.entity_ids]
        yield from sorted(found, key=lambda reading: (len(reading[0]), reading[1]))


def _name(vocabulary: EntityVocabulary, row: int) -> str:
    """Title in running text, without the language."""
    title = vocabulary.title_of(row)
    return (title.partition(":")[2] if len(vocabulary.languages) > 1 else title).replace("_", " ").strip()


def _choose(sets: Sequence[Dataset], occurrences: int, seed: int) -> list[tuple[int, int]]:
    """Set and row of each window that is read."""
    entities, windows = [], []
    sizes = [len(dataset) for dataset in sets]
    for dataset, first in zip(sets, np.cumsum([0, *sizes]), strict=False):
        for batch in dataset.select_columns(["entity_ids"]).with_format("arrow").iter(100_000):
            column = batch["entity_ids"].combine_chunks()
            entities.append(column.flatten().to_numpy())
            windows.append(first + np.repeat(np.arange(len(column)), column.value_lengths().to_numpy()))
            first += len(column)
    of_entity, of_window = np.concatenate(entities), np.concatenate(windows)
    turn = stream(seed, "windows with occurrences").permutation(sum(sizes))  # [windows]
    order = np.lexsort((turn[of_window], of_entity))
    sorted_entities = of_entity[order]
    rank = np.arange(len(order)) - np.searchsorted(sorted_entities, sorted_entities)
    chosen = np.unique(of_window[order[rank < occurrences]])
    which = np.searchsorted(np.cumsum(sizes), chosen, side="right")
    return list(zip(which.tolist(), (chosen - np.cumsum([0, *sizes])[which]).tolist(), strict=True))


def _lengths(dataset: Dataset, column: str) -> np.ndarray:
    batches = dataset.select_columns([column]).with_format("arrow").iter(100_000)
    return np.concatenate([batch[column].combine_chunks().value_lengths().to_numpy() for batch in batches])


def _hidden(ids: list[int], places: list[list[int]], mask_id: int) -> EncodedText:
    """A window in which every entity is `[MASK]`."""
    count = len(places)
    return EncodedText(ids, [0] * len(ids), [mask_id] * count, places, [0] * count, list(range(count)))


def _batches(readings: Iterable[Reading]) -> Iterator[list[Reading]]:
    batch: list[Reading] = []
    for reading in readings:
        batch.append(reading)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
