"""Encodes questions with the windows of their contexts, and turns scores of sub-words into answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from loreweave.corpus.counts import tallied
from loreweave.encoding import EntityTokenizer
from loreweave.encoding.collation import pad_ids
from loreweave.errors import DataError
from loreweave.metrics.answers import normalized
from loreweave.tasks.extractive_qa.decoding import ScoredWindow, decode
from loreweave.tasks.extractive_qa.entity_input import (
    EntitySpan,
    FindEntities,
    PlacedEntity,
    TextEntities,
    entity_tensors,
    token_span,
)
from loreweave.tasks.extractive_qa.record import QuestionRecord
from loreweave.tasks.extractive_qa.settings import QaSettings
from loreweave.tasks.extractive_qa.tokenization import TokenizedText, tokenize
from loreweave.tasks.extractive_qa.windows import Window, windows_of
from loreweave.training.evaluation import Outputs
from loreweave.training.inference import Batch

NONE = (0, 0)
"""Target of a window without the answer: the first special token as first and last sub-word."""


@dataclass(frozen=True, slots=True)
class QaExample:
    """A question with one window of its context.

    Attributes:
        record: number of the record.
        question: sub-words of the question.
        context: sub-words of the whole context, shared by all questions about it.
        window: the sub-words of the context that are read.
        position: position of the window's first sub-word in the input.
        special: number of special tokens.
        target: positions of the first and the last sub-word of the answer in the input; None without gold answers.
        entities: entities of the question and of the window.
    """

    record: int
    question: np.ndarray
    context: TokenizedText
    window: Window
    position: int
    special: int
    target: tuple[int, int] | None = None
    entities: tuple[PlacedEntity, ...] = ()

    @property
    def length(self) -> int:
        """Number of positions in the encoder: sub-words with special tokens, and entities."""
        return len(self.question) + self.window.last - self.window.first + self.special + len(self.entities)


@dataclass
class QaEncoding:
    """Encoding for any encoder.

    Attributes:
        tokenizer: tokenizer with its limit.
        settings: settings of the task.
        max_length: maximum number of sub-words per input with its special tokens.
        segments: whether the encoder distinguishes the question from the context by `token_type_ids`.
        saved: tokenizer that is saved with the model: that of transformers, or for a LUKE this one.
        find_entities: finds the entities of questions and contexts, for a LUKE; None: it reads words only.
        top: number of answers that a prediction lists.
        done: counts of what did not fit.
    """

    classes_of_examples = (QaExample, TokenizedText, Window, PlacedEntity, Counter)

    tokenizer: EntityTokenizer
    settings: QaSettings
    max_length: int
    segments: bool = False
    saved: Any = None
    find_entities: FindEntities | None = None
    top: int = 1
    done: Counter[str] = field(default_factory=Counter)

    def encode(self, records: Sequence[QuestionRecord], labels: Sequence[str] | None = None) -> list[QaExample]:
        """Inputs of the records, in order; a long context gives several. With `labels`, they have targets.

        Questions whose answers do not occur in their context have no target. They are counted and left out of the training.

        Raises:
            DataError: no question is left to train on.
        """
        asked = [record.question.strip() for record in records]
        questions = tokenize(self.tokenizer, asked, with_offsets=self.find_entities is not None)
        contexts = tokenize(self.tokenizer, [record.context for record in records])
        counts = Counter[str]()
        examples: list[QaExample] = []
        for number, record in enumerate(records):
            question, context = questions[record.question.strip()], contexts[record.context]
            limit = min(self.settings.max_query_length, max(1, (self.max_length - self._special) // 2))
            counts["questions cut"] += len(question.ids) > limit
            windows = windows_of(len(context.ids), self._room(min(len(question.ids), limit)), self.settings.doc_stride)
            counts["contexts read in several windows"] += len(windows) > 1
            span = self._gold(record, context, windows, counts)
            if labels is not None and record.answers and span is None:
                counts["questions whose answers do not occur in their context, which are not used for training"] += 1
                continue
            examples += self._examples(number, record, (question, limit), context, windows, span, labels is not None)
        self.done = self.done + counts
        if labels is not None and records and not examples:
            raise DataError("found no question whose answer occurs in its context, expected some to train on")
        return examples

    @property
    def _special(self) -> int:
        return self.tokenizer.words.special.count(pair=True)

    def _room(self, question: int) -> int:
        return max(1, self.max_length - self._special - question)

    def _examples(
        self,
        number: int,
        record: QuestionRecord,
        asked: tuple[TokenizedText, int],
        context: TokenizedText,
        windows: Sequence[Window],
        span: tuple[int, int] | None,
        gold: bool,
    ) -> Iterator[QaExample]:
        """One input per window."""
        question, limit = asked
        ids = question.ids[:limit]
        position = len(ids) + self._special - 1
        in_question, in_context = self._entities(record, question, context, len(ids))
        for window in windows:
            target = None
            if gold:
                inside = span is not None and window.first <= span[0] and span[1] <= window.last
                shift = position - window.first
                target = (span[0] + shift, span[1] - 1 + shift) if inside and span is not None else NONE
            found = [*in_question, *in_context.inside(window.first, window.last, position)]
            kept = tuple(found[: self.tokenizer.max_entity_length])
            if len(kept) < len(found):
                self.done = self.done + Counter({"entities beyond the limit": len(found) - len(kept)})
            yield QaExample(number, ids, context, window, position, self._special, target, kept)

    def _entities(
        self, record: QuestionRecord, question: TokenizedText, context: TokenizedText, length: int
    ) -> tuple[list[PlacedEntity], TextEntities]:
        """The entities at the sub-words of the question, and those in the context."""
        if self.find_entities is None:
            return [], TextEntities((), context.offsets)
        in_question, in_context = self.find_entities(record)
        blank = len(record.question) - len(record.question.lstrip())
        shifted = [EntitySpan(each.start - blank, each.end - blank, each.entity) for each in in_question]
        return TextEntities(shifted, question.offsets).inside(0, length, 1), TextEntities(in_context, context.offsets)

    def _gold(
        self, record: QuestionRecord, context: TokenizedText, windows: Sequence[Window], counts: Counter[str]
    ) -> tuple[int, int] | None:
        """Sub-words of the first answer that occurs, `end` exclusive; and counts of answers that cannot be predicted."""
        first = None
        for place in dict.fromkeys(answer.span for answer in record.answers or () if answer.span is not None):
            span = token_span(context.offsets, *place)
            if span[0] == span[1]:
                counts["answers that equal no span of sub-words"] += 1
                continue
            first = first or span
            given = record.context[context.offsets[span[0], 0] : context.offsets[span[1] - 1, 1]]
            gold = record.context[place[0] : place[1]]
            if given != gold and normalized(given, self.settings.language) != normalized(gold, self.settings.language):
                counts["answers that equal no span of sub-words"] += 1
            elif span[1] - span[0] > self.settings.max_answer_length:
                counts[f"answers longer than {self.settings.max_answer_length} sub-words"] += 1
            elif not any(w.own_first <= span[0] < w.own_last and span[1] <= w.last for w in windows):
                counts["answers that fit in no window as a whole"] += 1
        return first

    def collate(self, examples: list[QaExample]) -> Batch:
        """Pad to the longest input of the batch; `labels` are the positions of first and last sub-words [batch, 2]."""
        special = self.tokenizer.words.special
        inputs = [self._ids(example) for example in examples]
        ids, mask = pad_ids(inputs, special.pad)
        batch = {"input_ids": ids, "attention_mask": mask}
        if self.segments:
            kinds = np.zeros(ids.shape, dtype=np.int64)
            for row, example in enumerate(examples):
                kinds[row, example.position : len(inputs[row])] = special.second_segment
            batch["token_type_ids"] = torch.from_numpy(kinds)
        if self.find_entities is not None:
            entities = [example.entities for example in examples]
            batch |= entity_tensors(entities, self.tokenizer.entity_vocabulary, self.tokenizer.max_mention_length)
        targets = [example.target for example in examples if example.target is not None]
        return batch | ({"labels": torch.tensor(targets)} if targets else {})

    def _ids(self, example: QaExample) -> np.ndarray:
        """The sub-words of an input with special tokens."""
        special, window = self.tokenizer.words.special, example.window
        count, context = len(example.question), example.context.ids[window.first : window.last]
        ids = np.full(count + len(context) + example.special, special.end, dtype=np.int64)
        ids[0] = special.start
        ids[1 : count + 1] = example.question
        ids[example.position : example.position + len(context)] = context
        return ids

    def unpack(self, output: Any, batch: Mapping[str, Tensor]) -> Outputs:
        """Scores of each input's sub-words as first and last one of the answer [2, sub-words]."""
        scores = torch.stack([output.start_logits, output.end_logits], dim=1).float().cpu().numpy()
        return [row[:, :count] for row, count in zip(scores, batch["attention_mask"].sum(dim=1).tolist(), strict=True)]

    def join(self, examples: Sequence[QaExample], outputs: Outputs) -> Outputs:
        """The best answers of each record, over all windows of its context; see `decoding.decode`."""
        groups: dict[int, list[ScoredWindow]] = {}
        contexts: dict[int, str] = {}
        for example, output in zip(examples, outputs, strict=True):
            window, position = example.window, example.position
            own = (window.own_first - window.first + position, window.own_last - window.first + position)
            offsets = example.context.offsets[window.first : window.last]
            groups.setdefault(example.record, []).append(ScoredWindow(output[0], output[1], position, own, offsets))
            contexts[example.record] = example.context.text
        best, longest = self.settings.n_best_size, self.settings.max_answer_length
        return [decode(windows, contexts[number], best, longest) for number, windows in sorted(groups.items())]

    def report(self) -> str:
        """Counts of what did not fit, and of questions without entities."""
        return tallied(self.done + Counter(getattr(self.find_entities, "counts", {})))

    def save_pretrained(self, folder: Path) -> None:
        """Save the tokenizer in transformers' format."""
        (self.saved or self.tokenizer).save_pretrained(folder)
