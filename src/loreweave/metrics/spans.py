"""Scores of labelled spans: micro and per type, from counts that add up over sentences, files and episodes.

A predicted span is correct if a gold span has the same start, end and type: the definition of the CoNLL shared tasks
(conlleval) and of seqeval. Sentences are scored separately, so no span crosses their borders.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from loreweave.corpus.column_formats.tag_schemes import TokenSpan
from loreweave.metrics.multilabel import PrecisionRecallF1


@dataclass(frozen=True)
class SpanCounts:
    """Number of spans by type: gold, predicted, and both. Counts add up with `+`."""

    gold: Counter[str] = field(default_factory=Counter)
    predicted: Counter[str] = field(default_factory=Counter)
    correct: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: SpanCounts) -> SpanCounts:
        """Sum of both counts."""
        return SpanCounts(self.gold + other.gold, self.predicted + other.predicted, self.correct + other.correct)

    @property
    def totals(self) -> tuple[int, int, int]:
        """Number of gold, predicted and correct spans of all types."""
        return self.gold.total(), self.predicted.total(), self.correct.total()

    def micro(self) -> PrecisionRecallF1:
        """Micro average: precision and recall over the spans of all types."""
        return precision_recall(*self.totals)

    def macro_f1(self) -> float:
        """Mean F1 of the types that have a gold or a predicted span; 0 if there are none."""
        rows = self.per_type()
        return sum(row["f1"] for row in rows) / len(rows) if rows else 0.0

    def per_type(self) -> list[dict[str, Any]]:
        """One row per type: `label, gold, predicted, correct, precision, recall, f1`, sorted by label."""
        rows: list[dict[str, Any]] = []
        for label in sorted(self.gold.keys() | self.predicted.keys()):
            counts = {"gold": self.gold[label], "predicted": self.predicted[label], "correct": self.correct[label]}
            value = precision_recall(*counts.values())
            rows.append({"label": label, **counts, "precision": value.precision, "recall": value.recall, "f1": value.f1})
        return rows


def count_spans(gold: Iterable[Sequence[TokenSpan]], predicted: Iterable[Sequence[TokenSpan]]) -> SpanCounts:
    """Count over sentences; a repeated span of a sentence counts once.

    Raises:
        ValueError: the number of predicted sentences differs from the number of gold ones.
    """
    counts = SpanCounts()
    for truth, guess in zip(map(set, gold), map(set, predicted), strict=True):
        counts.gold.update(span.label for span in truth)
        counts.predicted.update(span.label for span in guess)
        counts.correct.update(span.label for span in truth & guess)
    return counts


def precision_recall(gold: int, predicted: int, correct: int) -> PrecisionRecallF1:
    """Precision and recall of counts; each is 0 if its denominator is 0."""
    return PrecisionRecallF1(correct / predicted if predicted else 0.0, correct / gold if gold else 0.0)
