"""Encodes documents as windows of words with the positions of all mentions, and converts logits of pairs to margins."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from loreweave.corpus.counts import tallied
from loreweave.corpus.files.reading import read_json
from loreweave.corpus.files.writing import write_json
from loreweave.encoding import EntityTokenizer
from loreweave.encoding.collation import WORD_INPUTS, pad_encoded_texts
from loreweave.encoding.encoded_text import EncodedText
from loreweave.errors import ConfigurationError
from loreweave.tasks.relation_classification.reader import NEGATIVE_LABELS, Item
from loreweave.tasks.relations.document import Pair, RelationDocument, document_of, mentions_of_document, named_facts
from loreweave.tasks.relations.record import RelationRecord
from loreweave.training.inference import Batch, Outputs

FACTS_FILE = "training_facts.json"
"""File next to a checkpoint: relation -> [[head name, tail name], ...] of its training, which Ign F1 excludes."""

Range = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """A part of a document with its mentions: entity, first word and last word in the window."""

    input_ids: list[int]
    mentions: list[tuple[int, int, int]]

    def places(self) -> dict[int, list[int]]:
        """Entity -> positions of the words of all its mentions, in order."""
        found: dict[int, set[int]] = {}
        for entity, first, last in self.mentions:
            found.setdefault(entity, set()).update(range(first, last + 1))
        return {entity: sorted(words) for entity, words in found.items()}


@dataclass(frozen=True)
class DocumentExample:
    """An encoded document.

    Attributes:
        windows: parts of the document.
        entities: number of entities.
        pairs: pairs to classify.
        targets: 1 for relations that hold [pairs, labels]; None if they are unknown.
    """

    windows: list[Window]
    entities: int
    pairs: list[Pair]
    targets: np.ndarray | None = None

    @property
    def length(self) -> int:
        """Number of sub-words."""
        return sum(len(window.input_ids) for window in self.windows)


@dataclass
class DocumentEncoding:
    """Encoding of documents, for a plain encoder or a LUKE.

    A document that is longer than the encoder's input is split into windows that overlap by a quarter; a mention is read in
    the window in which it is farthest from both ends.

    Attributes:
        tokenizer: tokenizer with its limits.
        luke: whether entities are entity tokens.
        facts: facts of the training, by names; None if they are not known.
        counts: counts of what was truncated.
    """

    tokenizer: EntityTokenizer
    luke: bool = False
    facts: set[tuple[str, str, str]] | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.limit = self.tokenizer.max_length or sys.maxsize
        if self.limit - self.tokenizer.words.special.count(pair=False) < 4:
            raise ConfigurationError(f"max_length: found {self.limit}, expected room for at least 4 words")
        self.places = EntityTokenizer(
            self.tokenizer.words.to_hugging_face(),
            self.tokenizer.entity_vocabulary,
            max_mention_length=sys.maxsize,
            max_entity_length=sys.maxsize,
            max_length=sys.maxsize,
            piece_rule=self.tokenizer.piece_rule,
        )

    @property
    def _most(self) -> int:
        """Maximum number of sub-words whose positions an entity of a LUKE has."""
        return self.tokenizer.max_mention_length

    def encode(self, records: Sequence[Item], labels: Sequence[str] | None = None) -> list[DocumentExample]:
        """Tokenize all documents in one call; with `labels`, their facts are stored as those of the training."""
        documents = [as_document(record) for record in records]
        if labels is not None:
            self.facts = named_facts(documents)
        texts, spans = zip(*map(mentions_of_document, documents), strict=True) if documents else ((), ())
        encoded = self.places.encode_batch(list(texts), list(spans))
        counts = Counter[str]()
        examples = [self._example(d, text, labels, counts) for d, text in zip(documents, encoded, strict=True)]
        self.counts = self.counts + counts  # a new object, so that copies of this encoding count separately
        return examples

    def _example(
        self, document: RelationDocument, text: EncodedText, labels: Sequence[str] | None, counts: Counter[str]
    ) -> DocumentExample:
        owners = [number for number, entity in enumerate(document.entities) for _ in entity.mentions]
        mentions = [
            (owners[place], positions[0], positions[-1])
            for place, positions in zip(text.kept, text.entity_position_ids, strict=True)
        ]
        counts["mentions without words"] += len(owners) - len(mentions)
        windows = list(self._windows(text.input_ids, mentions, counts))
        if self.luke:
            sizes = [len(places) for window in windows for places in window.places().values()]
            counts[f"entities of more than {self._most} sub-words in a window"] += sum(size > self._most for size in sizes)
        targets = None
        if labels is not None:
            targets = np.zeros((len(document.pairs), len(labels)), np.float32)
            rows = {pair: row for row, pair in enumerate(document.pairs)}
            columns = {label: column for column, label in enumerate(labels)}
            for fact in document.facts or ():
                if (fact.head, fact.tail) in rows:
                    targets[rows[fact.head, fact.tail], columns[fact.label]] = 1
        return DocumentExample(windows, len(document.entities), document.pairs, targets)

    def _windows(
        self, input_ids: Sequence[int], mentions: Sequence[tuple[int, int, int]], counts: Counter[str]
    ) -> Iterator[Window]:
        special = self.tokenizer.words.special
        words = input_ids[1:-1]
        room = self.limit - special.count(pair=False)
        ranges = list(window_ranges(len(words), room))
        counts["documents in several windows"] += len(ranges) > 1
        read_in: dict[int, list[tuple[int, int, int]]] = {number: [] for number in range(len(ranges))}
        for entity, first, last in mentions:
            number = _best(ranges, first - 1, last)
            start, end = ranges[number]
            counts["mentions cut at the border of a window"] += first <= start or last > end
            read_in[number].append((entity, max(first, start + 1) - start, min(last, end) - start))  # the start token is before
        for number, (start, end) in enumerate(ranges):
            if read_in[number] or len(ranges) == 1:
                yield Window(special.around(list(words[start:end])), read_in[number])

    def collate(self, examples: list[DocumentExample]) -> Batch:
        """All windows of all documents, the positions of mentions, and pairs; `labels` [pairs, labels] if they are known."""
        windows = [(place, window) for place, example in enumerate(examples) for window in example.windows]
        before = np.cumsum([0, *(example.entities for example in examples)]).tolist()
        texts, members = self._texts(windows, before)
        padded = pad_encoded_texts(
            texts,
            word_pad_id=self.tokenizer.pad_token_id,
            entity_pad_id=self.tokenizer.entity_vocabulary.pad_id,
            max_mention_length=self.tokenizer.max_mention_length if self.luke else 1,
        )
        names = tuple(padded) if self.luke else WORD_INPUTS
        batch = {name: padded[name] for name in names}
        if self.luke:
            width = padded["entity_ids"].shape[1]
            rows = [(entity, window * width + column) for entity, window, column in members]
        else:
            width = padded["input_ids"].shape[1]
            ends = [(number, first, last) for number, (_, window) in enumerate(windows) for _, first, last in window.mentions]
            places = [[number * width + first, number * width + last] for number, first, last in ends]
            batch["mention_places"] = torch.tensor(places or [[0, 0]], dtype=torch.long)
            rows = [(entity, number) for number, (entity, _, _) in enumerate(members)]
        batch["entity_mentions"] = _grouped(rows, before[-1])
        pairs = [[before[p] + head, before[p] + tail] for p, example in enumerate(examples) for head, tail in example.pairs]
        batch["pair_entities"] = torch.tensor(pairs, dtype=torch.long).reshape(-1, 2)
        batch["pair_counts"] = torch.tensor([len(example.pairs) for example in examples])
        targets = [example.targets for example in examples if example.targets is not None]
        return batch | ({"labels": torch.from_numpy(np.concatenate(targets))} if targets else {})

    def _texts(
        self, windows: Sequence[tuple[int, Window]], before: Sequence[int]
    ) -> tuple[list[EncodedText], list[tuple[int, int, int]]]:
        """Windows as texts, and (entity of the batch, window, column or position) of each entity token, or of each mention."""
        texts, members = [], []
        for number, (place, window) in enumerate(windows):
            tokens = window.places() if self.luke else {}
            if not self.luke:
                members += [(before[place] + entity, number, first) for entity, first, _ in window.mentions]
            members += [(before[place] + entity, number, column) for column, entity in enumerate(tokens)]
            positions = [words[: self._most] for words in tokens.values()]
            ids = [self.tokenizer.entity_vocabulary.mask_id] * len(tokens)
            segments = [0] * len(window.input_ids)
            texts.append(EncodedText(window.input_ids, segments, ids, positions, [0] * len(ids), []))
        return texts, members

    def unpack(self, output: Any, batch: Mapping[str, Tensor]) -> Outputs:
        """Margins of each document: logits minus the threshold of the pair [pairs, labels]."""
        margins = (output.logits[:, 1:] - output.logits[:, :1]).float().cpu()
        return [part.numpy() for part in margins.split(batch["pair_counts"].tolist())]

    def join(self, examples: Sequence[DocumentExample], outputs: Outputs) -> Outputs:
        """Each record is one example."""
        return outputs

    def report(self) -> str:
        """Counts of what was truncated."""
        return tallied(self.counts)

    def save_pretrained(self, folder: Path) -> None:
        """Save the tokenizer, and the facts of the training."""
        if self.luke:
            self.tokenizer.save_pretrained(folder)
        else:
            self.tokenizer.word_tokenizer.save_pretrained(folder)
        if self.facts is not None:
            grouped: dict[str, list[list[str]]] = {}
            for head, label, tail in sorted(self.facts):
                grouped.setdefault(label, []).append([head, tail])
            write_json(Path(folder) / FACTS_FILE, grouped)


def read_facts(folder: Path) -> set[tuple[str, str, str]] | None:
    """Facts of a checkpoint's training; None if it does not have them."""
    file = folder / FACTS_FILE
    if not file.is_file():
        return None
    return {(head, label, tail) for label, pairs in read_json(file).items() for head, tail in pairs}


def as_document(record: Item) -> RelationDocument:
    """A document unchanged; a text with two mentions as a document with two entities."""
    if isinstance(record, RelationDocument):
        return record
    assert isinstance(record, RelationRecord)
    return document_of(record, record.label if record.label in NEGATIVE_LABELS else None)


def window_ranges(words: int, room: int) -> Iterator[Range]:
    """Ranges of at most `room` words, which overlap by a quarter; the last one ends with the text."""
    start, step = 0, room - room // 4
    while start + room < words:
        yield start, start + room
        start += step
    yield max(0, min(start, words - room)), words


def _best(ranges: Sequence[Range], first: int, last: int) -> int:
    """The range in which the words `first` to `last` (exclusive) are farthest from both ends."""
    return max(range(len(ranges)), key=lambda number: min(first - ranges[number][0], ranges[number][1] - last))


def _grouped(rows: Sequence[tuple[int, int]], entities: int) -> Tensor:
    """Numbers by entity [entities, most], padded with -1."""
    found: list[list[int]] = [[] for _ in range(entities)]
    for entity, number in rows:
        found[entity].append(number)
    table = np.full((entities, max(1, *map(len, found))), -1, np.int64)
    for entity, numbers in enumerate(found):
        table[entity, : len(numbers)] = numbers
    return torch.from_numpy(table)
