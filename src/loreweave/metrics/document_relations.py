"""Scores of relations in documents: DocRED's official F1 and Ign F1.

A fact is (document, head, relation, tail). Predictions are a set: what is said twice counts once. Ign F1 leaves the correct
predictions that training has shown out of precision, from above and from below; recall stays as it is. A fact was shown
where (head name, relation, tail name) is a fact of the training set for any names of the two entities. Definitions: the
evaluation script of DocRED (Yao et al., 2019).
"""

from __future__ import annotations

from dataclasses import dataclass

from loreweave.metrics.multilabel import PrecisionRecallF1


@dataclass(frozen=True)
class FactCounts:
    """Numbers of facts.

    Attributes:
        gold: annotated.
        predicted: predicted, each once.
        correct: both.
        shown: of the correct ones those that training has shown.
    """

    gold: int = 0
    predicted: int = 0
    correct: int = 0
    shown: int = 0

    @property
    def score(self) -> PrecisionRecallF1:
        """Precision and recall; 0 where nothing was predicted or is gold."""
        return PrecisionRecallF1(_part(self.correct, self.predicted), _part(self.correct, self.gold))

    @property
    def without_shown(self) -> PrecisionRecallF1:
        """The same of Ign F1."""
        precision = _part(self.correct - self.shown, self.predicted - self.shown)
        return PrecisionRecallF1(precision, _part(self.correct, self.gold))


def _part(some: int, all: int) -> float:
    return some / all if all else 0.0
