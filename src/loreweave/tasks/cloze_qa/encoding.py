"""Encodes records as LUKE does for ReCoRD: the query, and windows of the passage with markers around every candidate.

In an input, `[PLACEHOLDER]` is the gap, `[ENTITY]` is on both sides of a candidate, and `[HIGHLIGHT]` is `@highlight`. For a
LUKE, the placeholder and the candidates are [MASK] entities too, in this order. The windows of a query share nothing; the
logit of a candidate is its maximum over the windows that contain it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from loreweave.corpus.counts import tallied
from loreweave.encoding import EntityTokenizer
from loreweave.encoding.collation import WORD_INPUTS, pad_encoded_texts
from loreweave.encoding.encoded_text import EncodedText, EncodingReport
from loreweave.encoding.span_index import SpanIndex
from loreweave.errors import ConfigurationError
from loreweave.models.head_settings import IGNORED
from loreweave.tasks.cloze_qa.passages import ClozeTokenizer, Passage
from loreweave.tasks.cloze_qa.record import ClozeRecord
from loreweave.training.evaluation import Outputs
from loreweave.training.inference import Batch

_LEAST = 8
_NO_ENTITIES: dict[str, Any] = {"entity_ids": [], "entity_position_ids": [], "entity_token_type_ids": []}


@dataclass(frozen=True, kw_only=True)
class ClozeSettings:
    """Settings that a checkpoint stores; the defaults are those of the released checkpoint. See `ClozeConfig`."""

    max_length: int | None = None
    max_query_length: int = 90
    doc_stride: int = 128
    released_repetition: bool = True


@dataclass(frozen=True, slots=True)
class ClozeExample:
    """A window of a record's passage with the query.

    Attributes:
        record: number of the record.
        encoded: the input; its first entity is the placeholder, the others are the candidates in the window.
        candidates: number of each candidate in the record.
        targets: 1 for each candidate that is an answer, otherwise 0; None without gold answers.
    """

    record: int
    encoded: EncodedText
    candidates: tuple[int, ...]
    targets: tuple[int, ...] | None = None

    @property
    def length(self) -> int:
        """Number of sub-words."""
        return len(self.encoded)


@dataclass
class ClozeEncoding:
    """Encoding for a LUKE.

    Attributes:
        tokenizer: tokenizer with its limits.
        settings: settings of the task.
        max_length: maximum number of sub-words per input with its special tokens.
        done: counts of what did not fit.
    """

    classes_of_examples = (ClozeExample, EncodedText, EncodingReport, Counter)

    tokenizer: EntityTokenizer
    settings: ClozeSettings
    max_length: int
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        if self.max_length < self._special + _LEAST:
            least = f"{self._special} special tokens and {_LEAST} sub-words of query and passage"
            raise ConfigurationError(f"setting 'max_length': found {self.max_length}, expected room for at least {least}")

    def encode(self, records: Sequence[ClozeRecord], labels: Sequence[str] | None = None) -> list[ClozeExample]:
        """All windows of the records, in order.

        Without `labels`, each record has at least one input, so that it has an output. With `labels`, inputs without a
        candidate are left out, since nothing can be learned from them.
        """
        words = ClozeTokenizer(self.tokenizer, self.settings.released_repetition)
        examples: list[ClozeExample] = []
        for number, (record, query, passage) in enumerate(
            zip(records, words.queries(records), words.passages(records), strict=True)
        ):
            kept, placeholder = self._cut(*query)
            windows = list(self._windows(number, record, kept, placeholder, passage, labels is not None))
            self._count(record, passage, windows)
            examples += [window for window in windows if window.candidates or (labels is None and len(windows) == 1)]
            if labels is not None and not any(window.candidates for window in windows):
                self.done["queries without a candidate in any input, from which nothing is learned"] += 1
        return examples

    def _cut(self, ids: list[int], placeholder: int) -> tuple[list[int], int]:
        """The query within its limit, and the place of the placeholder there."""
        limit = min(self.settings.max_query_length, (self.max_length - self._special) // 2)
        if len(ids) <= limit:
            return ids, placeholder
        self.done["queries cut"] += 1
        start = 0
        if placeholder >= limit:  # the released code loses the placeholder
            start = min(placeholder - limit // 2, len(ids) - limit)
            self.done["of these, cut on both sides of the placeholder"] += 1
        return ids[start : start + limit], placeholder - start

    @property
    def _special(self) -> int:
        return self.tokenizer.words.special.count(pair=True)

    def _windows(
        self, number: int, record: ClozeRecord, query: list[int], placeholder: int, passage: Passage, gold: bool
    ) -> Iterator[ClozeExample]:
        """Windows with at least one candidate; if there is none, the first window."""
        special = self.tokenizer.words.special
        room = self.max_length - len(query) - self._special
        found = False
        first: ClozeExample | None = None
        index = SpanIndex(passage.spans)
        for start in _starts(len(passage.ids), room, self.settings.doc_stride):
            ids = special.around(query, passage.ids[start : start + room])
            begin = len(ids) - 1 - len(passage.ids[start : start + room])
            inside = index.inside(start, start + room)
            if first is not None and not inside:
                continue
            spans = [passage.spans[c] for c in inside]
            segment = special.second_segment
            limit = self.tokenizer.max_mention_length
            positions = [[place - start + begin for place in range(left, min(right, left + limit))] for left, right in spans]
            encoded = EncodedText(
                ids,
                [0] * begin + [segment] * (len(ids) - begin),
                [self.tokenizer.entity_vocabulary.mask_id] * (1 + len(inside)),
                [[1 + placeholder], *positions],
                [0] + [segment] * len(inside),
                inside,
                second_start=begin,
            )
            targets = tuple(int(c in record.correct) for c in inside) if gold else None
            example = ClozeExample(number, encoded, tuple(inside), targets)
            if inside:
                found = True
                yield example
            first = first or example
        if not found and first is not None:
            yield first

    def _count(self, record: ClozeRecord, passage: Passage, windows: Sequence[ClozeExample]) -> None:
        seen = {candidate for window in windows for candidate in window.candidates}
        limit = self.tokenizer.max_mention_length
        self.done.update(
            {
                "queries read in several windows": int(len(windows) > 1),
                "candidates that fit in no window": len(record.candidates) - len(seen),
                "candidates of which only the first sub-words are averaged": sum(
                    right - left > limit for left, right in passage.spans
                ),
            }
        )

    def collate(self, examples: list[ClozeExample]) -> Batch:
        """Pad to the longest input of the batch; `labels` [batch, candidates]."""
        return self.tokenizer.pad([example.encoded for example in examples]) | _labels(examples)

    def unpack(self, output: Any, batch: Mapping[str, Tensor]) -> Outputs:
        """The logits of each example's candidates."""
        counts = (batch["entity_attention_mask"].sum(1) - 1).tolist()
        return _rows(output.logits, counts)

    def join(self, examples: Sequence[ClozeExample], outputs: Outputs) -> Outputs:
        """For each record, its candidates in any window with their largest logits [candidates, 2]: number, logit."""
        best: dict[int, dict[int, float]] = {}
        for example, logits in zip(examples, outputs, strict=True):
            found = best.setdefault(example.record, {})
            for candidate, logit in zip(example.candidates, logits.tolist(), strict=True):
                found[candidate] = max(logit, found.get(candidate, logit))
        return [np.array(sorted(best[record].items()), dtype=np.float64).reshape(-1, 2) for record in sorted(best)]

    def report(self) -> str:
        """Counts of what did not fit."""
        return tallied(self.done)

    def save_pretrained(self, folder: Path) -> None:
        """Save the tokenizer."""
        self.tokenizer.save_pretrained(folder)


class MarkerClozeEncoding(ClozeEncoding):
    """Encoding for a plain encoder: word tensors, `placeholder_positions` [batch], and `candidate_positions` (of the opening
    markers, padded with -1) and `candidate_ends` (exclusive, padded with 0) [batch, candidates].
    """

    def collate(self, examples: list[ClozeExample]) -> Batch:
        """Word tensors with the positions to read."""
        words = [replace(example.encoded, **_NO_ENTITIES) for example in examples]
        padded = pad_encoded_texts(words, word_pad_id=self.tokenizer.pad_token_id, entity_pad_id=0, max_mention_length=1)
        places = [[positions[0] for positions in example.encoded.entity_position_ids] for example in examples]
        batch = {name: padded[name] for name in WORD_INPUTS}
        batch["placeholder_positions"] = torch.tensor([first for first, *_ in places])
        batch["candidate_positions"] = _padded([others for _, *others in places], -1)
        ends = [[positions[-1] + 1 for positions in example.encoded.entity_position_ids] for example in examples]
        batch["candidate_ends"] = _padded([others for _, *others in ends], 0)
        return batch | _labels(examples)

    def unpack(self, output: Any, batch: Mapping[str, Tensor]) -> Outputs:
        """The logits of each example's candidates."""
        return _rows(output.logits, (batch["candidate_positions"] >= 0).sum(1).tolist())

    def save_pretrained(self, folder: Path) -> None:
        """Save the word tokenizer in transformers' format."""
        self.tokenizer.word_tokenizer.save_pretrained(folder)


def _starts(length: int, room: int, stride: int) -> Iterator[int]:
    """Beginnings of the windows of `room` sub-words; the last one reaches the end."""
    step = min(stride, max(1, room // 2))
    start = 0
    yield start
    while start + room < length:
        start += step
        yield start


def _padded(rows: Sequence[Sequence[int]], fill: int) -> Tensor:
    """[rows, longest], int64."""
    width = max(map(len, rows))
    return torch.tensor([[*row, *[fill] * (width - len(row))] for row in rows], dtype=torch.int64).reshape(len(rows), width)


def _labels(examples: Sequence[ClozeExample]) -> Batch:
    if examples[0].targets is None:
        return {}
    return {"labels": _padded([example.targets or () for example in examples], IGNORED)}


def _rows(logits: Tensor, counts: Sequence[int]) -> Outputs:
    rows = logits.float().cpu().numpy()
    return [row[:count] for row, count in zip(rows, counts, strict=True)]
