"""The text stream: windows with their entities, masked by the objectives, as batches of tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from zlib import crc32

import numpy as np
import pyarrow.compute as pc
import torch
from datasets import Dataset

from loreweave.objectives import WINDOWS, Batch, Tensors, TextObjective, Window, WindowObjective, WordVocabulary
from loreweave.random_streams import stream
from loreweave.training.draws import Draws


class TextStream(torch.utils.data.Dataset[Batch]):
    """A map-style data set of micro-batches: item s holds the draws [s * batch_size, (s + 1) * batch_size).

    With a `pool` of more than one micro-batch, their draws are sorted by length, so that a micro-batch has windows
    of similar length, and the micro-batches come in random order.

    Masks are seeded by (seed, draw, objective), so they differ between epochs, are the same for any number of processes,
    and do not change if another objective is added.

    Args:
        sets: data sets with the columns of `loreweave.build.pretraining_set`.
        objectives: objectives in the order in which they mask.
        length: number of micro-batches of the whole run, over all processes.
        readers: objectives that read the windows before anything is masked.
        entity_pad_id: id of the entity padding; None leaves entity inputs out (`word_only`).
        pool: number of micro-batches that share their draws.
        draws: number of windows of the whole run; the last micro-batch may be smaller. Default: all are whole.
    """

    def __init__(
        self,
        sets: Sequence[Dataset],
        objectives: Sequence[WindowObjective],
        words: WordVocabulary,
        entity_pad_id: int | None,
        *,
        batch_size: int,
        length: int,
        seed: int,
        smoothing: float = 0.7,
        max_words: int = 512,
        max_entities: int = 128,
        readers: Sequence[TextObjective] = (),
        pool: int = 1,
        draws: int | None = None,
    ) -> None:
        self.sets = [dataset.with_format("numpy") for dataset in sets]
        self.objectives = objectives
        self.words = words
        self.entity_pad_id = entity_pad_id
        self.batch_size = batch_size
        self.length = length
        self.seed = seed
        self.draws = Draws([len(dataset) for dataset in sets], seed, smoothing)
        self.max_words = max_words
        self.max_entities = max_entities
        self.readers = readers
        self.pool = pool
        self._last_draw = draws
        self._reads_links = any(objective.reads_links for objective in objectives)
        self._lengths = [_lengths(dataset) for dataset in sets] if pool > 1 else []
        self._sorted: tuple[int, list[np.ndarray]] = (-1, [])

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, item: int) -> Batch:
        windows = [self.window(int(draw)) for draw in self._draws_of(item)]
        batch = self.collate(windows)
        if self.readers:
            whole = self._pad_words([window.whole for window in windows if window.whole is not None])
            batch |= {reader.name: reader.batch(item, whole) for reader in self.readers}
        return batch

    def _draws_of(self, item: int) -> np.ndarray:
        number, place = divmod(item, self.pool)
        if self._sorted[0] != number:
            self._sorted = (number, self._sort(number))
        return self._sorted[1][place]

    def _sort(self, number: int) -> list[np.ndarray]:
        """Draws of each micro-batch of a pool. [micro-batches][batch]"""
        count = self.pool * self.batch_size
        last = (number + 1) * count if self._last_draw is None else min(self._last_draw, (number + 1) * count)
        draws = np.arange(number * count, last)
        if self.pool == 1:
            return [draws]
        sets, rows = self.draws.rows(draws)
        order = np.argsort([self._lengths[which][row] for which, row in zip(sets, rows, strict=True)], kind="stable")
        turns = stream(self.seed, "micro-batches of a pool", number).permutation(self.pool)
        return list(draws[order].reshape(self.pool, self.batch_size)[turns])

    def window(self, draw: int) -> Window:
        """The masked window of one draw."""
        which, row = self.draws[draw]
        window = self._read(self.sets[which][row])
        window.draw = draw
        window.whole = window.word_ids.copy() if self.readers else None
        window.links = window.entity_ids.copy() if self._reads_links else None
        for objective in self.objectives:
            rng = stream(self.seed, "masks", draw, crc32(objective.name.encode()))
            window.targets[objective.name] = objective.mask(window, rng)
        return window

    def _read(self, row: dict[str, np.ndarray]) -> Window:
        words = np.array(row["word_ids"][: self.max_words - 2], dtype=np.int64)
        if self.entity_pad_id is None and not self._reads_links:
            nothing = np.empty(0, dtype=np.int64)
            return Window(words, nothing, nothing, nothing)
        starts = np.asarray(row["entity_starts"], dtype=np.int64)
        lengths = np.asarray(row["entity_lengths"], dtype=np.int64)
        kept = np.flatnonzero(starts + lengths <= len(words))[: self.max_entities]
        entities = np.asarray(row["entity_ids"], dtype=np.int64)[kept]
        return Window(words, entities, starts[kept], lengths[kept], int(row["page_entity_id"]))

    def left_out(self) -> Counter[str]:
        """Count what `max_words` and `max_entities` remove from the stored windows (each counted once)."""
        counts: Counter[str] = Counter()
        for dataset in self.sets:
            columns = dataset.select_columns(["word_ids", "entity_starts", "entity_lengths"]).with_format("arrow")
            for batch in columns.iter(10_000):
                words, mentions = (pc.list_value_length(batch[name]).to_numpy() for name in ("word_ids", "entity_starts"))
                starts, lengths = (pc.list_flatten(batch[f"entity_{name}"]).to_numpy() for name in ("starts", "lengths"))
                limits = np.minimum(words, self.max_words - 2)  # [windows]
                rows = np.repeat(np.arange(len(words)), mentions)  # [mentions]
                inside = np.bincount(rows[starts + lengths <= limits[rows]], minlength=len(words))
                counts["sub-words cut"] += int((words - limits).sum())
                counts["mentions cut with them"] += int((mentions - inside).sum())
                counts["mentions beyond max_entities"] += int(np.maximum(0, inside - self.max_entities).sum())
        return counts

    def collate(self, windows: Sequence[Window]) -> Batch:
        """Windows padded to tensors with the names of the model's arguments, and the targets of each objective."""
        padded = self._pad_words([window.word_ids for window in windows])
        width = {"words": padded["input_ids"].shape[1], "entities": 0}
        if self.entity_pad_id is not None:
            padded |= self._collate_entities(windows, self.entity_pad_id)
            width["entities"] = padded["entity_ids"].shape[1]
        targets = {objective.name: objective.batch(windows, width[objective.side]) for objective in self.objectives}
        return {WINDOWS: padded, **targets}

    def _pad_words(self, texts: Sequence[np.ndarray]) -> Tensors:
        longest = max(len(word_ids) for word_ids in texts) + 2
        input_ids = np.full((len(texts), longest), self.words.pad_id, dtype=np.int64)
        attention_mask = np.zeros_like(input_ids)
        for row, word_ids in enumerate(texts):
            end = len(word_ids) + 1
            input_ids[row, 0] = self.words.start_id
            input_ids[row, 1:end] = word_ids
            input_ids[row, end] = self.words.end_id
            attention_mask[row, : end + 1] = 1
        return {"input_ids": torch.from_numpy(input_ids), "attention_mask": torch.from_numpy(attention_mask)}

    def _collate_entities(self, windows: Sequence[Window], pad_id: int) -> Tensors:
        most = max(1, max(len(window.entity_ids) for window in windows))
        longest = max((int(length) for window in windows for length in window.entity_lengths), default=1)
        entity_ids = np.full((len(windows), most), pad_id, dtype=np.int64)
        attention_mask = np.zeros_like(entity_ids)
        positions = np.full((len(windows), most, longest), -1, dtype=np.int64)
        for row, window in enumerate(windows):
            count = len(window.entity_ids)
            entity_ids[row, :count] = window.entity_ids
            attention_mask[row, :count] = 1
            span = np.arange(longest)[None, :]  # [1, mention]
            inside = span < window.entity_lengths[:, None]
            positions[row, :count] = np.where(inside, window.entity_starts[:, None] + 1 + span, -1)
        return {
            "entity_ids": torch.from_numpy(entity_ids),
            "entity_attention_mask": torch.from_numpy(attention_mask),
            "entity_position_ids": torch.from_numpy(positions),
        }


def longest_window(dataset: Dataset) -> int:
    """Maximum number of sub-words of a stored window, with the two added special tokens; 0 without windows."""
    return int(_lengths(dataset).max()) + 2 if len(dataset) else 0


def _lengths(dataset: Dataset) -> np.ndarray:
    """Number of sub-words of each window. [windows]"""
    batches = dataset.select_columns(["word_ids"]).with_format("arrow").iter(100_000)
    return np.concatenate([pc.list_value_length(batch["word_ids"]).to_numpy() for batch in batches]).astype(np.int32)
