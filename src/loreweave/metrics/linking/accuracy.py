"""Accuracy of the entities of given mentions, over the mentions whose entity is in the knowledge base (InKB)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Entities = Sequence[str | None]
"""Entity of each mention of a document; None stands for no entity of the knowledge base (NIL)."""


@dataclass(frozen=True)
class LinkingAccuracy:
    """Counts over documents.

    Attributes:
        correct: for each document with such mentions, the number of mentions with the right entity.
        mentions: for each of these documents, the number of mentions whose entity is in the knowledge base.
        nil_correct: number of mentions without an entity that were left without one.
        nil_gold: number of mentions without an entity.
        nil_predicted: number of mentions that were left without an entity.
    """

    correct: tuple[int, ...]
    mentions: tuple[int, ...]
    nil_correct: int = 0
    nil_gold: int = 0
    nil_predicted: int = 0

    def micro(self) -> float:
        """Share of the mentions in the knowledge base that have the right entity; 0 if there are none."""
        return sum(self.correct) / max(1, sum(self.mentions))

    def macro(self) -> float:
        """Mean of the documents' shares, over documents with such mentions; 0 if there are none."""
        shares = [right / all_ for right, all_ in zip(self.correct, self.mentions, strict=True)]
        return sum(shares) / max(1, len(shares))

    def with_nil(self) -> float:
        """Share of all mentions that are right; for a mention without an entity, NIL is right."""
        return (sum(self.correct) + self.nil_correct) / max(1, sum(self.mentions) + self.nil_gold)

    def nil_f1(self) -> float:
        """F1 of NIL; 0 if there is no such mention and none is predicted."""
        return 2 * self.nil_correct / max(1, self.nil_gold + self.nil_predicted)


def linking_accuracy(gold: Sequence[Entities], predicted: Sequence[Entities]) -> LinkingAccuracy:
    """Count right entities.

    Args:
        gold: for each document, the entity of each mention.
        predicted: the same from a system.

    Raises:
        ValueError: another number of documents or mentions.

    Example:
        >>> found = linking_accuracy([["Q1", "Q2", None], ["Q3"]], [["Q1", "Q9", None], ["Q3"]])
        >>> round(found.micro(), 3), found.macro(), found.with_nil()
        (0.667, 0.75, 0.75)
    """
    correct, mentions = list[int](), list[int]()
    nil_correct = nil_gold = nil_predicted = 0
    for truths, guesses in zip(gold, predicted, strict=True):
        pairs = list(zip(truths, guesses, strict=True))
        known = [(truth, guess) for truth, guess in pairs if truth is not None]
        nil_gold += len(pairs) - len(known)
        nil_predicted += sum(guess is None for _, guess in pairs)
        nil_correct += sum(truth is None and guess is None for truth, guess in pairs)
        if known:
            correct.append(sum(truth == guess for truth, guess in known))
            mentions.append(len(known))
    return LinkingAccuracy(tuple(correct), tuple(mentions), nil_correct, nil_gold, nil_predicted)
