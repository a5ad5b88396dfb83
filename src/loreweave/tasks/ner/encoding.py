"""Encodes records and decodes mentions: LUKE's candidate spans (Yamada et al. 2020, section 4.3), or one tag per word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from loreweave.corpus.column_formats.tag_schemes import OUTSIDE, TokenSpan, find_scheme, spans_of_tags, tags_of_spans
from loreweave.corpus.counts import tallied
from loreweave.corpus.tokens import outermost
from loreweave.encoding import EntityTokenizer
from loreweave.encoding.collation import pad_ids
from loreweave.models.head_settings import IGNORED
from loreweave.tasks.ner.decoding import TagScheme, decode_spans, decode_tags
from loreweave.tasks.ner.record import NerRecord
from loreweave.tasks.ner.settings import MentionUnit
from loreweave.tasks.ner.threshold import Candidates
from loreweave.tasks.ner.windows import Limits, Window, WindowCutter
from loreweave.training.evaluation import Outputs
from loreweave.training.inference import Batch

NEGATIVE = ("NIL", "O")
"""Names of the class of spans that are not mentions: in the original, and in its newer examples."""


@dataclass(frozen=True, kw_only=True)
class NerSettings:
    """Settings that a checkpoint stores; the defaults are those of the published checkpoints.

    Attributes:
        document_context: whether surrounding sentences are read.
        max_mention_length: maximum length of a candidate span, in units.
        mention_unit: `sub-words`, or `words`.
        max_entity_length: maximum number of candidate spans per input; more are split evenly into several.
        nested: whether mentions may lie inside others.
        tags: tag scheme of a model that tags words; None accepts any.
        max_length: maximum number of sub-words per input with its special tokens, if less than the encoder's maximum.
        threshold: how much larger the logit of a type must be than that of no mention, if it was chosen on dev data; None
            predicts the class with the largest logit.
    """

    document_context: bool = True
    max_mention_length: int = 16
    mention_unit: MentionUnit = "sub-words"
    max_entity_length: int = 128
    nested: bool = False
    tags: TagScheme | None = None
    max_length: int | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class SpanExample:
    """Some candidate spans of one record.

    Attributes:
        record: number of the record.
        ids: sub-words with special tokens.
        words: first and last word (exclusive) of each span [spans, 2].
        places: first and last sub-word of each span, as indices of `ids` [spans, 2].
        targets: class of each span [spans]; None without gold labels.
    """

    record: int
    ids: list[int]
    words: np.ndarray
    places: np.ndarray
    targets: np.ndarray | None = None

    @property
    def length(self) -> int:
        """Number of positions in the encoder: sub-words and spans."""
        return len(self.ids) + len(self.words)


@dataclass(frozen=True, slots=True)
class TagExample:
    """Some words of one record: sub-words with special tokens, the first sub-word of each word, and its tag's class."""

    record: int
    ids: list[int]
    places: np.ndarray
    targets: np.ndarray | None = None

    @property
    def length(self) -> int:
        """Number of sub-words."""
        return len(self.ids)


E = TypeVar("E", SpanExample, TagExample)


@dataclass
class WindowEncoding(Generic[E]):
    """Base of both encodings.

    Attributes:
        tokenizer: tokenizer of the words.
        settings: settings of the task.
        classes: classes of the model, by number.
        max_length: maximum number of sub-words per input with its special tokens.
    """

    classes_of_examples = (SpanExample, TagExample, Counter)

    tokenizer: EntityTokenizer
    settings: NerSettings
    classes: list[str]
    max_length: int
    done: Counter[str] = field(default_factory=Counter)

    @property
    def types(self) -> list[str]:
        """Types of mentions, in the numbering of the outputs."""
        raise NotImplementedError

    def examples(self, number: int, record: NerRecord, windows: list[Window], gold: bool) -> Iterator[E]:
        """Inputs of one record, at least one."""
        raise NotImplementedError

    def decode(self, examples: Sequence[E], outputs: Outputs) -> np.ndarray:
        """Mentions of one record from all its inputs [mentions, 5], see `decoding`."""
        raise NotImplementedError

    def encode(self, records: Sequence[NerRecord], labels: Sequence[str] | None = None) -> list[E]:
        """All inputs of the records, in order; a record may have several. With `labels`, they have gold labels."""
        cutter = WindowCutter(self.tokenizer, self.limits(), self.settings.document_context)
        examples: list[E] = []
        for number, (record, windows) in enumerate(zip(records, cutter.cut(records), strict=True)):
            self._count("mentions that cut a word", len(record.mentions) - len(record.word_spans()))
            examples += self.examples(number, record, windows, labels is not None)
        self.done = self.done + cutter.counts
        return examples

    def join(self, examples: Sequence[E], outputs: Outputs) -> Outputs:
        """Mentions of each record."""
        return [self.decode(*group) for _, group in sorted(self.by_record(examples, outputs).items())]

    def by_record(self, examples: Sequence[E], outputs: Outputs) -> dict[int, tuple[list[E], Outputs]]:
        """Number of a record -> its examples and their outputs."""
        groups: dict[int, tuple[list[E], Outputs]] = {}
        for example, output in zip(examples, outputs, strict=True):
            given, logits = groups.setdefault(example.record, ([], []))
            given.append(example)
            logits.append(output)
        return groups

    def limits(self) -> Limits:
        """Limits of a window. With mentions in words, a quarter of it is reserved for them."""
        room = self.max_length - self.tokenizer.words.special.count(pair=False)
        in_words = self.settings.mention_unit == "words"
        return Limits(room=room, beyond=room // 4 if in_words else self.settings.max_mention_length)

    def report(self) -> str:
        """Counts of what did not fit."""
        return tallied(self.done)

    def save_pretrained(self, folder: Path) -> None:
        """Save the tokenizer."""
        self.tokenizer.save_pretrained(folder)

    def _count(self, name: str, count: int) -> None:
        self.done = self.done + Counter({name: count})

    def _words(self, examples: Sequence[E]) -> Batch:
        """`input_ids` and `attention_mask` [batch, sub-words]."""
        ids, mask = pad_ids([example.ids for example in examples], self.tokenizer.words.special.pad)
        return {"input_ids": ids, "attention_mask": mask}


class SpanEncoding(WindowEncoding[SpanExample]):
    """For a LUKE: every span of whole words up to the maximum length is a [MASK] entity, and is classified."""

    @property
    def negative(self) -> int:
        """Class of spans that are not mentions."""
        return next((self.classes.index(name) for name in NEGATIVE if name in self.classes), 0)

    @property
    def types(self) -> list[str]:
        """All classes but the negative one."""
        return [name for number, name in enumerate(self.classes) if number != self.negative]

    def examples(self, number: int, record: NerRecord, windows: list[Window], gold: bool) -> Iterator[SpanExample]:
        """As few inputs as needed for all candidates, of nearly equal size."""
        index = {name: number for number, name in enumerate(self.classes)}
        wanted = {(span.start, span.end): span.label for span in reversed(record.word_spans())}
        self._count("mentions on the words of another", len(record.word_spans()) - len(wanted))
        for window in windows:
            words, places = self._candidates(window)
            targets = np.full(len(words), self.negative)
            for row, span in enumerate(map(tuple, words.tolist())):
                if span in wanted:
                    label = wanted.pop(span)
                    targets[row] = index[label] if gold else self.negative
            ids = self.tokenizer.words.special.around(window.ids)
            inputs = max(1, -(-len(words) // self.settings.max_entity_length))
            size = max(1, -(-len(words) // inputs))
            for start in range(0, max(1, len(words)), size):
                rows = slice(start, start + size)
                yield SpanExample(number, ids, words[rows], places[rows], targets[rows] if gold else None)
        self._count(f"mentions longer than {self.settings.max_mention_length} {self.settings.mention_unit}", len(wanted))

    def _candidates(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Words and sub-words (after the start token, ends inclusive) of the spans that begin in the window's part."""
        longest, in_words = self.settings.max_mention_length, self.settings.mention_unit == "words"
        beyond = self.limits().beyond
        words, places = [], []
        for first in range(window.last - window.first):
            for last in range(first, len(window.ends)):
                size = window.ends[last] - window.starts[first]
                if size > beyond or (in_words and last - first >= longest):
                    break
                words.append((window.first + first, window.first + last + 1))
                places.append((window.starts[first] + 1, window.ends[last]))
        return np.array(words, dtype=np.int64).reshape(-1, 2), np.array(places, dtype=np.int64).reshape(-1, 2)

    def collate(self, examples: list[SpanExample]) -> Batch:
        """Words as for any model, and the spans as entities with their first and last sub-word."""
        spans = max(1, *(len(example.words) for example in examples))
        places = np.zeros((len(examples), spans, 2), dtype=np.int64)
        real = np.zeros((len(examples), spans), dtype=bool)
        for row, example in enumerate(examples):
            places[row, : len(example.places)] = example.places
            real[row, : len(example.places)] = True
        starts, ends = places[..., 0], places[..., 1]
        widest = int((ends - starts).max()) + 1
        positions = starts[..., None] + np.arange(widest)  # [batch, spans, sub-words]
        positions[(positions > ends[..., None]) | ~real[..., None]] = -1
        vocabulary = self.tokenizer.entity_vocabulary
        arrays = {
            "entity_ids": np.where(real, vocabulary.mask_id, vocabulary.pad_id),
            "entity_attention_mask": real.astype(np.int64),
            "entity_position_ids": positions,
            "entity_start_positions": starts,
            "entity_end_positions": ends,
        }
        batch = self._words(examples) | {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
        return batch | _labels(examples, [slice(0, len(example.words)) for example in examples], spans)

    def unpack(self, output: Any, batch: Mapping[str, Tensor]) -> Outputs:
        """Logits [spans, classes] of each input."""
        return _unpadded(output.logits, batch["entity_attention_mask"])

    def candidates(self, records: Sequence[NerRecord], examples: Sequence[SpanExample], outputs: Outputs) -> list[Candidates]:
        """All candidates of each record, with its gold mentions."""
        index = {name: number for number, name in enumerate(self.classes)}
        found = []
        for number, (given, logits) in sorted(self.by_record(examples, outputs).items()):
            gold = frozenset((span.start, span.end, index[span.label]) for span in records[number].word_spans())
            found.append(Candidates(np.concatenate([example.words for example in given]), np.concatenate(logits), gold))
        return found

    def decode(self, examples: Sequence[SpanExample], outputs: Outputs) -> np.ndarray:
        """All candidates of the record together, as in the original (see `decode_spans`)."""
        words = np.concatenate([example.words for example in examples])
        logits, threshold = np.concatenate(outputs), self.settings.threshold
        return decode_spans(words, logits, self.negative, self.settings.nested, threshold)


@dataclass
class TagEncoding(WindowEncoding[TagExample]):
    """For any encoder: the first sub-word of each word gets a tag.

    Attributes:
        plain: whether the encoder has no entities.
    """

    plain: bool = True

    @property
    def types(self) -> list[str]:
        """The types after the prefixes."""
        spans = (spans_of_tags([tag], find_scheme(self.classes)) for tag in self.classes)
        return list(dict.fromkeys(span.label for found in spans for span in found))

    def examples(self, number: int, record: NerRecord, windows: list[Window], gold: bool) -> Iterator[TagExample]:
        """One input per window."""
        tags = np.zeros(0, dtype=np.int64)
        spans = record.word_spans()
        kept = outermost(spans)
        self._count("mentions inside or across another", len(spans) - len(kept))
        if gold:
            tags = self._tags(kept, len(record.sentence.words))
        for window in windows:
            places = np.array(window.starts[: window.last - window.first], dtype=np.int64) + 1
            ids = self.tokenizer.words.special.around(window.ids)
            yield TagExample(number, ids, places, tags[window.first : window.last] if gold else None)

    def _tags(self, spans: Sequence[TokenSpan], words: int) -> np.ndarray:
        index = {name: number for number, name in enumerate(self.classes)}
        scheme = self.settings.tags
        return np.array([index[tag] for tag in tags_of_spans(spans, words, scheme or "iob2")], dtype=np.int64)

    def collate(self, examples: list[TagExample]) -> Batch:
        """Words; labels are at the first sub-words."""
        batch = self._words(examples)
        return batch | _labels(examples, [example.places for example in examples], batch["input_ids"].shape[1])

    def unpack(self, output: Any, batch: Mapping[str, Tensor]) -> Outputs:
        """Logits [sub-words, tags] of each input."""
        return _unpadded(output.logits, batch["attention_mask"])

    def decode(self, examples: Sequence[TagExample], outputs: Outputs) -> np.ndarray:
        """Decode the whole sentence at once, so that a mention may cross the borders of windows."""
        logits = np.concatenate([output[example.places] for example, output in zip(examples, outputs, strict=True)])
        return decode_tags(logits, self.classes, self.types, self.settings.tags)

    def save_pretrained(self, folder: Path) -> None:
        """Save the word tokenizer in transformers' format, with the entities if there are any."""
        if self.plain:
            self.tokenizer.word_tokenizer.save_pretrained(folder)
        else:
            super().save_pretrained(folder)


def tags_of_types(types: Sequence[str], scheme: TagScheme) -> list[str]:
    """All tags of a scheme, O first."""
    prefixes = "BI" if scheme == "iob2" else "BIES"
    return [OUTSIDE, *(f"{prefix}-{name}" for name in types for prefix in prefixes)]


def _unpadded(logits: Tensor, mask: Tensor) -> Outputs:
    """Logits of each input [its spans or sub-words, classes] from those of the batch [batch, most, classes]."""
    counts = mask.sum(dim=1).tolist()
    return [row[:count] for row, count in zip(logits.float().cpu().numpy(), counts, strict=True)]


def _labels(examples: Sequence[E], places: Sequence[Any], width: int) -> Batch:
    """`labels` [batch, width] with the targets at their positions; empty without gold labels."""
    targets = [example.targets for example in examples if example.targets is not None]
    if not targets:
        return {}
    labels = np.full((len(examples), width), IGNORED, dtype=np.int64)
    for row, (classes, where) in enumerate(zip(targets, places, strict=True)):
        labels[row, where] = classes
    return {"labels": torch.from_numpy(labels)}
