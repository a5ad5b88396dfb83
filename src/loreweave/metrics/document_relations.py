"""Scores of document-level relation extraction: DocRED's official F1 and Ign F1.

A fact is (document, head, relation, tail). Predictions are a set: a repeated fact counts once. Ign F1 removes the correct
predictions that occur in the training set from both terms of precision; recall stays as it is. A fact occurs in the training
set if (head name, relation, tail name) is a training fact for any names of the two entities. Definitions: the evaluation
script of DocRED (Yao et al., 2019).
"""

from __future__ import annotations

from dataclasses import dataclass

from loreweave.metrics.multilabel import PrecisionRecallF1


@dataclass(frozen=True)
class FactCounts:
    """Numbers of facts.

    Attributes:
        gold: number of annotated facts.
        predicted: number of distinct predicted facts.
        correct: number of facts that are gold and predicted.
        shown: number of correct facts that occur in the training set.
    """

    gold: int = 0
    predicted: int = 0
    correct: int = 0
    shown: int = 0

    @property
    def score(self) -> PrecisionRecallF1:
        """Precision and recall; each is 0 if its denominator is 0."""
        return PrecisionRecallF1(_part(self.correct, self.predicted), _part(self.correct, self.gold))

    @property
    def without_shown(self) -> PrecisionRecallF1:
        """Precision and recall of Ign F1."""
        precision = _part(self.correct - self.shown, self.predicted - self.shown)
        return PrecisionRecallF1(precision, _part(self.correct, self.gold))


def _part(some: int, all: int) -> float:
    return some / all if all else 0.0
