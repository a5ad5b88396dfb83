"""Encodes documents for a linker over descriptions: windows of sub-words with the mentions in them, and candidates."""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from loreweave.corpus.counts import listed, tallied
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.knowledge.entity_table import DescribedEntity, EntityTable
from loreweave.encoding import EntityTokenizer
from loreweave.encoding.words.tokenizer import WordTokenizer
from loreweave.errors import DataError
from loreweave.models.head_settings import IGNORED
from loreweave.tasks.embedding_cache import batches_by_width, padded_lengths
from loreweave.tasks.entity_linking.candidates import ENTITIES, NAMES, CandidateFinder, dictionary_of
from loreweave.tasks.entity_linking.decision import COLUMNS, Decision
from loreweave.tasks.entity_linking.network import Inputs
from loreweave.tasks.entity_linking.record import LinkingRecord
from loreweave.training.evaluation import Outputs
from loreweave.training.inference import Batch

_AT_ONCE = 4096
"""Number of texts that are tokenised together."""
_EDGE = 8
"""A window has an eighth of its sub-words as context on either side of the mentions that it asks for, if it is not the first
or the last of its text."""

_LEFT_OUT = {
    False: "training mentions whose entity is not in the table of entities",
    True: "training mentions without an entity",
}
"""Names of the counts of mentions that training leaves out, by whether they are NIL."""
_SHOWN = 3
"""Number of names in an error."""


class EntityTexts:
    """Sub-words of the texts of a table's entities, tokenised when they are needed.

    Args:
        table: the entities.
        words: tokenizer of the encoder.
        longest: maximum number of sub-words of a text, including special tokens.
    """

    def __init__(self, table: EntityTable, words: WordTokenizer, longest: int) -> None:
        self.table, self.words, self.longest = table, words, longest
        self._ids = array("i")
        """Sub-words of one text after another: lists of them would take ten times the memory."""
        self._places = np.zeros((len(table), 2), np.int64)
        """First and last place (exclusive) of each text in `_ids`; both are 0 until it is tokenised."""

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

    def ids(self, rows: Sequence[int]) -> list[np.ndarray]:
        """Sub-words of some texts, with special tokens; each int32 [sub-words]."""
        missing = [row for row in dict.fromkeys(rows) if not self._places[row, 1]]
        for start in range(0, len(missing), _AT_ONCE):
            part = missing[start : start + _AT_ONCE]
            texts = [self.table[row].text for row in part]
            if self.words.space_before_text:  # as in documents
                texts = [text if text[:1].isspace() else f" {text}" for text in texts]
            found = self.words.encode(texts)
            for row, ids in zip(part, found, strict=True):
                first = len(self._ids)
                self._ids.extend(self.words.special.around(list(ids)[: self.longest - 2]))
                self._places[row] = first, len(self._ids)
        places = self._places[list(rows)].tolist()
        return [np.frombuffer(self._ids[first:last], np.intc) for first, last in places]  # a slice of an array is a copy

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


def padded(ids: Sequence[Sequence[int] | np.ndarray], pad_id: int, width: int | None = None) -> Inputs:
    """Inputs of lists of sub-words, padded to the longest or to `width`."""
    width = max(map(len, ids), default=0) if width is None else width
    cells = np.full((len(ids), width), pad_id, np.int64)
    mask = np.zeros((len(ids), width), np.int64)
    for row, each in enumerate(ids):
        cells[row, : len(each)] = each
        mask[row, : len(each)] = 1
    return {"input_ids": cells, "attention_mask": mask}


@dataclass(frozen=True, slots=True)
class LinkingExample:
    """A window of a record with the mentions that are asked for in it.

    Attributes:
        record: number of the record.
        ids: sub-words with special tokens.
        mentions: numbers of the mentions among those of the record that are asked for.
        spans: first and last position (exclusive) of each mention in `ids`.
        names: text of each mention.
        gold: row of the entity of each mention, -1 if it is not known; None without gold labels.
    """

    record: int
    ids: list[int]
    mentions: list[int]
    spans: list[tuple[int, int]]
    names: list[str]
    gold: list[int] | None = None

    @property
    def length(self) -> int:
        """Number of sub-words."""
        return len(self.ids)


@dataclass
class DescriptionEncoding:
    """Records to windows, and similarities back to records.

    Attributes:
        tokenizer: tokenizer of the words.
        finder: candidates of names.
        texts: sub-words of the entities' texts.
        max_length: maximum number of sub-words of a window, including special tokens.
        hard_negatives: number of other candidates of a training mention that are read.
        decision: weights of similarity and prior.
        look_up: whether names are looked up; otherwise, every mention is compared with all entities.
        learn_names: whether the dictionary is that of the training data, which `encode` then counts.
        nil_mentions: number of mentions without an entity that the NIL of `decision` was fitted to in this process.
    """

    tokenizer: EntityTokenizer
    finder: CandidateFinder
    texts: EntityTexts
    max_length: int
    hard_negatives: int = 2
    decision: Decision = field(default_factory=Decision)
    learn_names: bool = False
    look_up: bool = True
    nil_mentions: int = 0
    done: Counter[str] = field(default_factory=Counter)

    def encode(self, records: Sequence[LinkingRecord], labels: Sequence[str] | None = None) -> list[LinkingExample]:
        """All windows with a mention that is asked for. With `labels`, mentions without a known entity are left out, and the
        names of the links are counted if the dictionary is that of the training data.

        Raises:
            DataError: with `labels`, the table has none of the gold entities.
        """
        if labels is not None and self.learn_names:
            self.finder = CandidateFinder(self.finder.table, dictionary_of(records), self.finder.most)
        counts = Counter[str]()
        spans = [[(r.mentions[i].start, r.mentions[i].end) for i in r.asked()] for r in records]
        encoded = self.tokenizer.encode_batch([r.text for r in records], spans, max_length=sys.maxsize)
        examples: list[LinkingExample] = []
        for number, (record, text) in enumerate(zip(records, encoded, strict=True)):
            places = dict(zip(text.kept, text.entity_position_ids, strict=True))
            counts["mentions without a sub-word"] += len(spans[number]) - len(places)
            examples += self._windows(number, record, text.input_ids[1:-1], places, labels is not None, counts)
        if labels is not None and not examples:
            self._refuse_other_names(records)
        self.done = self.done + counts
        return examples

    def _refuse_other_names(self, records: Sequence[LinkingRecord]) -> None:
        """Raise an error if the table has none of the gold entities, probably because it names them in another way."""
        names = dict.fromkeys(r.mentions[i].entity for r in records for i in r.asked() if r.mentions[i].entity is not None)
        table = self.finder.table
        if names and not any(table.row_of(name) is not None for name in names if name is not None):
            raise DataError(
                f"found no gold entity that entities= has: the data have {listed(names, _SHOWN)}; the table has "
                f"{listed((entity.id for entity in table[:_SHOWN]), _SHOWN, len(table))}; "
                "give its entities the titles or QIDs of the data ('title', 'wikidata')"
            )

    def begin_epoch(self, examples: Sequence[LinkingExample], epoch: int, resumed: bool) -> None:
        """See `TaskModel`; there is nothing to do."""

    def _windows(
        self,
        number: int,
        record: LinkingRecord,
        ids: list[int],
        places: Mapping[int, list[int]],
        gold: bool,
        counts: Counter[str],
    ) -> Iterator[LinkingExample]:
        """Windows of one text; `places` has the positions of the mentions in the text with its first special token."""
        asked, room = record.asked(), self.max_length - 2
        rows = {order: self._row(record, index) for order, index in enumerate(asked)}
        edge = room // _EDGE if len(ids) > room else 0
        step = room - 2 * edge
        known = [order for order in places if not gold or rows[order] >= 0]
        for order in set(places) - set(known):
            counts[_LEFT_OUT[record.mentions[asked[order]].entity is None]] += 1
        asked_in: dict[int, list[int]] = {}  # mentions of each window
        for order in known if step else ():
            asked_in.setdefault((places[order][0] - 1) // step, []).append(order)
        for place, mentions in sorted(asked_in.items()):
            begin = max(0, place * step - edge)
            begin = min(begin, max(0, len(ids) - room))
            window = ids[begin : begin + room]
            spans = []
            for order in mentions:
                start, end = places[order][0] - 1, places[order][-1]
                counts["mentions cut at the end of a window"] += end > begin + len(window)
                spans.append((start - begin + 1, min(end, begin + len(window)) - begin + 1))
            names = [record.surface(record.mentions[asked[order]]) for order in mentions]
            golds = [rows[order] for order in mentions] if gold else None
            yield LinkingExample(number, self.tokenizer.words.special.around(window), mentions, spans, names, golds)

    def _row(self, record: LinkingRecord, index: int) -> int:
        entity = record.mentions[index].entity
        row = None if entity is None else self.finder.table.row_of(entity)
        return -1 if row is None else row

    def collate(self, examples: list[LinkingExample]) -> Batch:
        """Tensors of the windows, and either the entities of the batch with `labels`, or the candidates with their priors."""
        inputs = padded([example.ids for example in examples], self.tokenizer.pad_token_id)
        width = inputs["input_ids"].shape[1]
        positions, owners, rows = list[np.ndarray](), list[np.ndarray](), list[int]()
        for row, example in enumerate(examples):
            for start, end in example.spans:
                positions.append(row * width + np.arange(start, end))
                owners.append(np.full(end - start, len(rows)))
                rows.append(row)
        batch = {name: torch.from_numpy(cells) for name, cells in inputs.items()}
        batch["positions"] = torch.from_numpy(np.concatenate(positions))
        batch["position_mentions"] = torch.from_numpy(np.concatenate(owners))
        batch["mention_examples"] = torch.tensor(rows)
        if examples[0].gold is None:
            return batch | self._candidates(examples)
        return batch | self._entities(examples)

    def _candidates(self, examples: Sequence[LinkingExample]) -> Batch:
        found = [self.finder.find(name) if self.look_up else [] for example in examples for name in example.names]
        width = max(1, *map(len, found))
        rows, priors = np.full((len(found), width), -1), np.zeros((len(found), width), np.float32)
        for number, candidates in enumerate(found):
            if candidates:
                rows[number, : len(candidates)], priors[number, : len(candidates)] = zip(*candidates, strict=True)
        return {"candidates": torch.from_numpy(rows), "priors": torch.from_numpy(priors)}

    def _entities(self, examples: Sequence[LinkingExample]) -> Batch:
        """Texts of the entities of the batch: the right ones, and other candidates of the same names."""
        gold = [row for example in examples for row in example.gold or ()]
        rows = dict.fromkeys(gold)
        for example in examples:
            for name, right in zip(example.names, example.gold or (), strict=True):
                others = [row for row, _ in self.finder.find(name) if row != right]
                rows.update(dict.fromkeys(others[: self.hard_negatives]))
        places = {row: place for place, row in enumerate(rows)}
        inputs = self.texts.inputs(np.array(list(rows)))
        return {
            "entity_input_ids": torch.from_numpy(inputs["input_ids"]),
            "entity_attention_mask": torch.from_numpy(inputs["attention_mask"]),
            "labels": torch.tensor([places.get(row, IGNORED) for row in gold]),
        }

    def unpack(self, output: Any, batch: Mapping[str, Tensor]) -> Outputs:
        """Pairs of mentions and candidates of each window [pairs, 4], see `decision`; mentions are numbered by window."""
        rows, similar, priors = (tensor.numpy() for tensor in (output.rows, output.similarities, output.priors))
        owners = batch["mention_examples"].numpy()
        found = []
        for example in range(len(batch["input_ids"])):
            mine = np.flatnonzero(owners == example)
            mention, column = np.nonzero(rows[mine] >= 0)
            chosen = mine[mention], column
            found.append(np.column_stack([mention, rows[chosen], similar[chosen], priors[chosen]]).astype(np.float64))
        return found

    def join(self, examples: Sequence[LinkingExample], outputs: Outputs) -> Outputs:
        """Pairs of each record, with the numbers of its mentions; a record without mentions has none."""
        groups: dict[int, list[np.ndarray]] = {}
        for example, output in zip(examples, outputs, strict=True):
            numbered = output.copy()
            numbered[:, 0] = np.asarray(example.mentions)[output[:, 0].astype(int)]
            groups.setdefault(example.record, []).append(numbered)
        last = max(groups, default=-1)
        empty = np.zeros((0, COLUMNS))
        return [np.concatenate(groups[number]) if number in groups else empty for number in range(last + 1)]

    def report(self) -> str:
        """What did not fit, in words."""
        return tallied(self.done)

    def save_pretrained(self, folder: Path) -> None:
        """Save the tokenizer, the entities and the dictionary."""
        self.tokenizer.word_tokenizer.save_pretrained(folder)
        self.finder.table.save(folder / ENTITIES)
        if self.finder.dictionary is not None:
            self.finder.dictionary.save(folder / NAMES, overwrite=True)


def linking_tokenizer(words: Any) -> EntityTokenizer:
    """Tokenizer of texts of any length with any number of mentions, whose sub-words are all kept."""
    none = EntityVocabulary.from_counts({})
    return EntityTokenizer(words, none, max_mention_length=sys.maxsize, max_entity_length=sys.maxsize)
