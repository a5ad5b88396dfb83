"""The threshold between a type and no mention that gives dev data the highest F1."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loreweave.metrics.spans import precision_recall
from loreweave.tasks.ner.decoding import margins_of, without_overlaps

Mention = tuple[int, int, int]
"""First word, last word (exclusive), class of the type."""

MOST = 10
"""Maximum number of spans above the threshold for each gold mention, so that the search does not go through all spans."""


@dataclass(frozen=True)
class Candidates:
    """Candidate spans of one record, with its gold mentions.

    Attributes:
        words: first and last word (exclusive) of each span [spans, 2].
        logits: [spans, classes].
        gold: gold mentions that consist of whole words.
    """

    words: np.ndarray
    logits: np.ndarray
    gold: frozenset[Mention]


def best_threshold(records: Sequence[Candidates], gold: int, negative: int, nested: bool = False) -> float:
    """The threshold of `decode_spans` with the highest micro F1.

    Spans enter by decreasing margin, and only the record of a span that enters is decoded again. The search ends where `MOST`
    times as many spans have entered as there are gold mentions. Of thresholds that predict the same, 0 is chosen if it is among
    them, otherwise the number with the fewest digits around their middle; of equal F1, the threshold next to 0.

    Args:
        records: candidates of each record.
        gold: number of all gold mentions, with those that are no candidates.
        negative: class of spans that are not mentions.
        nested: see `decode_spans`.
    """
    decoded = [_DecodedRecord(record, negative, nested) for record in records]
    margins = np.concatenate([np.zeros(0), *(record.margins for record in decoded)])
    places = [(number, span) for number, record in enumerate(decoded) for span in range(len(record.margins))]
    order = np.argsort(-margins, kind="stable")
    ends = [*(np.flatnonzero(np.diff(margins[order])) + 1).tolist(), len(margins)]
    best_f1, best, first, predicted, correct = 0.0, 0.0, 0, 0, 0
    for last in ends if len(margins) else ():
        for place in order[first:last]:
            number, span = places[place]
            more = decoded[number].add(span)
            predicted, correct = predicted + more[0], correct + more[1]
        lower = float(margins[order[last]]) if last < len(margins) else -np.inf
        threshold = _between(lower, float(margins[order[first]]))
        f1 = precision_recall(gold, predicted, correct).f1
        if f1 > best_f1 or (f1 == best_f1 and abs(threshold) < abs(best)):
            best_f1, best = f1, threshold
        if last > MOST * gold:
            break
        first = last
    return best


class _DecodedRecord:
    """Predicted mentions of a record while its spans enter by decreasing margin."""

    def __init__(self, record: Candidates, negative: int, nested: bool) -> None:
        self.record, self.nested = record, nested
        self.classes, self.margins = margins_of(record.logits, negative)
        self._entered: list[int] = []
        self._counts = (0, 0)

    def add(self, span: int) -> tuple[int, int]:
        """Add a span; returns the number of additional predicted mentions, and of additional correct ones."""
        bisect.insort(self._entered, span)  # the order of the candidates decides between equal scores
        words, classes = self.record.words[self._entered], self.classes[self._entered]
        kept = without_overlaps(words, self.record.logits[self._entered, classes], self.nested)
        found = map(tuple, np.column_stack([words, classes])[kept].tolist())
        before, self._counts = self._counts, (len(kept), len(self.record.gold.intersection(found)))
        return self._counts[0] - before[0], self._counts[1] - before[1]


def _between(lower: float, upper: float) -> float:
    """0 if `lower` <= 0 < `upper`, otherwise a number between them with few digits, near their middle."""
    if lower <= 0 < upper:
        return 0.0
    middle = upper - 1 if lower == -np.inf else (lower + upper) / 2
    rounded = (round(middle, digits) for digits in range(17))
    return next((number for number in rounded if lower < number < upper), lower)
