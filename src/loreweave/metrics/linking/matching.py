"""Strong matching of found mentions as GERBIL counts it (A2KB, InKB): the same characters and the same entity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Annotation = tuple[int, int, str | None]
"""First and last character (exclusive), and the entity; None for no entity of the knowledge base."""


@dataclass(frozen=True)
class Matches:
    """Numbers of annotations that are right, found too many, and missed."""

    right: int
    wrong: int
    missed: int

    @property
    def scores(self) -> tuple[float, float, float]:
        """Precision, recall and F1. As in GERBIL, all are 1 if there is nothing to find and nothing was found."""
        if not self.right:
            return (1.0, 1.0, 1.0) if not self.wrong and not self.missed else (0.0, 0.0, 0.0)
        precision, recall = self.right / (self.right + self.wrong), self.right / (self.right + self.missed)
        return precision, recall, 2 * precision * recall / (precision + recall)


def match(gold: Iterable[Annotation], predicted: Iterable[Annotation]) -> Matches:
    """Annotations of one document. Those without an entity are left out on both sides, and each is matched once."""
    truth = Counter(one for one in gold if one[2] is not None)
    found = Counter(one for one in predicted if one[2] is not None)
    right = (truth & found).total()
    return Matches(right, found.total() - right, truth.total() - right)


def strong_matching(gold: Sequence[Iterable[Annotation]], predicted: Sequence[Iterable[Annotation]]) -> dict[str, float]:
    """Micro and macro precision, recall and F1; macro values are means over documents.

    Example:
        >>> scores = strong_matching([[(0, 4, "Q1"), (5, 9, "Q2")], []], [[(0, 4, "Q1"), (5, 8, "Q2")], []])
        >>> scores["micro_f1"], scores["macro_f1"]
        (0.5, 0.75)
    """
    documents = [match(truth, found) for truth, found in zip(gold, predicted, strict=True)]
    total = Matches(*(sum(getattr(one, name) for one in documents) for name in ("right", "wrong", "missed")))
    means = [sum(values) / len(documents) for values in zip(*(one.scores for one in documents), strict=True)]
    names = ("precision", "recall", "f1")
    micro = dict(zip((f"micro_{name}" for name in names), total.scores, strict=True))
    return micro | dict(zip((f"macro_{name}" for name in names), means or [0.0] * 3, strict=True))
