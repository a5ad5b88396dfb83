"""Encodes sentences as sub-words, word by word, with the label on the first sub-word of each word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from loreweave.corpus.counts import tallied_fields
from loreweave.corpus.files.reading import read_json
from loreweave.corpus.files.writing import write_json
from loreweave.corpus.tokens import TaggedSentence
from loreweave.encoding.words.tokenizer import WordTokenizer
from loreweave.tasks.few_shot_ner.transitions import TransitionCounts, count_transitions
from loreweave.training.evaluation import Outputs
from loreweave.training.inference import Batch
from loreweave.training.quiet import quiet

TRANSITIONS_FILE = "transitions.json"


@dataclass(frozen=True, slots=True)
class WordExample:
    """An encoded sentence.

    Attributes:
        ids: sub-words with the special tokens.
        first: position in `ids` of the first piece of each word that has a piece.
        words: index of that word in the sentence.
        labels: class of each of these words; None without gold labels.
        complete: whether every word before the truncation has a piece.
    """

    ids: list[int]
    first: list[int]
    words: list[int]
    labels: list[int] | None = None
    complete: bool = True

    @property
    def length(self) -> int:
        """Number of sub-words."""
        return len(self.ids)


@dataclass
class WordEncoding:
    """Converts words to the encoder's tensors, and hidden states back to words.

    A word without a position in the input (no piece in this vocabulary, or truncated) has no state; such words are
    counted. Labels make `encode` treat records as training data: their tag transitions are counted and stored.
    """

    tokenizer: Any
    max_length: int = 128
    transitions: TransitionCounts | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.words = WordTokenizer(self.tokenizer)

    def encode(self, records: Sequence[TaggedSentence], labels: Sequence[str] | None = None) -> list[WordExample]:
        """Encode all words in one call; each distinct word is tokenized once."""
        if labels is not None:
            self.transitions = count_transitions(record.labels() for record in records)
        counts = Counter[str]()
        examples = self.encode_quietly(records, labels, counts)
        self.counts = self.counts + counts  # a new object, so that copies of this encoding count separately
        return examples

    def encode_quietly(
        self, records: Sequence[TaggedSentence], labels: Sequence[str] | None = None, counts: Counter[str] | None = None
    ) -> list[WordExample]:
        """Encode without counting transitions or (without `counts`) words: for support sets."""
        counts = Counter() if counts is None else counts
        classes = {label: index for index, label in enumerate(labels or ())}
        space = " " if self.words.leading_space else ""
        pieces = iter(self.words.encode([space + token for record in records for token in record.tokens]))
        examples = []
        for record in records:
            ids = [next(pieces) for _ in record.tokens]
            gold = None if labels is None else [classes[label] for label in record.labels()]
            examples.append(self._example(ids, gold, counts))
        return examples

    def _example(self, pieces: Sequence[Sequence[int]], labels: Sequence[int] | None, counts: Counter[str]) -> WordExample:
        special, limit = self.words.special, self.max_length - 2
        flat: list[int] = []
        first: list[int] = []
        kept: list[int] = []
        complete = True
        for word, ids in enumerate(pieces):
            if not ids:
                counts["words_without_pieces"] += 1
                complete = complete and len(flat) > limit
            elif len(flat) >= limit:
                counts["words_cut_off"] += 1
            else:
                first.append(len(flat) + 1)
                kept.append(word)
            flat += ids
        gold = None if labels is None else [labels[word] for word in kept]
        return WordExample(special.around(flat[:limit]), first, kept, gold, complete)

    def collate(self, examples: list[WordExample]) -> Batch:
        """`input_ids`, `attention_mask`, `first_pieces` (bool) [batch, length]; `labels` [all words] if known."""
        length = max(example.length for example in examples)
        shape = (len(examples), length)
        batch = {
            "input_ids": torch.full(shape, self.words.special.pad),
            "attention_mask": torch.zeros(shape, dtype=torch.long),
            "first_pieces": torch.zeros(shape, dtype=torch.bool),
        }
        for row, example in enumerate(examples):
            batch["input_ids"][row, : example.length] = torch.tensor(example.ids)
            batch["attention_mask"][row, : example.length] = 1
            batch["first_pieces"][row, example.first] = True
        if all(example.labels is not None for example in examples):
            batch["labels"] = torch.tensor([label for example in examples for label in example.labels or ()])
        return batch

    def unpack(self, output: Any, batch: Mapping[str, Tensor]) -> Outputs:
        """States of each sentence's words [words, size]."""
        sizes = batch["first_pieces"].sum(1).tolist()
        return [part.float().cpu().numpy() for part in output.states.split(sizes)]

    def join(self, examples: Sequence[WordExample], outputs: Outputs) -> Outputs:
        """Each record is one example."""
        return outputs

    def report(self) -> str:
        """Words without a state, in words."""
        return tallied_fields(self.counts)

    def save_pretrained(self, folder: Path) -> None:
        """Save the tokenizer's files, and the transitions of the training data."""
        with quiet():
            self.tokenizer.save_pretrained(folder)
        if self.transitions is not None:
            write_json(Path(folder) / TRANSITIONS_FILE, self.transitions.to_dict())


def read_transitions(folder: Path) -> TransitionCounts | None:
    """Transitions in a checkpoint, if it was trained on source data."""
    file = folder / TRANSITIONS_FILE
    return TransitionCounts(**read_json(file)) if file.is_file() else None
