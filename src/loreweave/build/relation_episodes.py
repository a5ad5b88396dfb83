"""Draws of N-way K-shot episodes from examples with one class each (FewRel's sampler).

An episode draws N classes, and of each K examples for the support and as many as asked for the query, all different. The
examples are numbers, so that a training run, an evaluation and a file draw alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loreweave.errors import ConfigurationError, DataError
from loreweave.random_streams import stream


@dataclass(frozen=True, kw_only=True)
class EpisodeShape:
    """What an episode is.

    Attributes:
        way: classes, N.
        shot: examples of each in the support, K.
        queries: examples of each in the query.
        na_rate: so many times `queries` examples of other classes are asked about too (FewRel 2.0's none of the above).

    Raises:
        ConfigurationError: fewer than two classes, no example, or a rate that gives no query.
    """

    way: int = 5
    shot: int = 1
    queries: int = 1
    na_rate: float = 0.0

    def __post_init__(self) -> None:
        if self.way < 2 or min(self.shot, self.queries) < 1:
            raise ConfigurationError(
                f"found way={self.way}, shot={self.shot}, queries={self.queries}, expected 2 or more ways and 1 or more of both"
            )
        if self.na_rate < 0 or (self.na_rate > 0 and not self.others):
            found = f"na_rate: found {self.na_rate} of {self.queries} queries"
            raise ConfigurationError(f"{found}, expected 0, or enough for one query or more")

    @property
    def others(self) -> int:
        """Queries of no class of the episode, rounded down."""
        return int(self.na_rate * self.queries)


@dataclass(frozen=True, slots=True)
class Draw:
    """One episode as numbers of examples.

    Attributes:
        classes: the N names, in drawn order.
        support: [way, shot].
        query: [queries of all classes], class after class, then those of no class.
        targets: of each query the number of its class; N for none.
    """

    classes: tuple[str, ...]
    support: np.ndarray
    query: np.ndarray
    targets: np.ndarray


class EpisodeDraws:
    """Episodes by number: the same seed and number give the same episode, whatever was drawn before.

    Args:
        labels: the class of each example; None is never drawn.
        shape: of the episodes.
        seed: of all draws.

    Attributes:
        left_out: classes with too few examples for `shape`, and how many these have.

    Raises:
        DataError: too few classes have enough examples.
    """

    def __init__(self, labels: Sequence[str | None], shape: EpisodeShape, seed: int = 0) -> None:
        self.shape, self.seed = shape, seed
        counts = Counter(label for label in labels if label is not None)
        needed = shape.shot + shape.queries
        self.left_out = {label: count for label, count in sorted(counts.items()) if count < needed}
        self.classes = sorted(counts.keys() - self.left_out.keys())
        members: dict[str | None, list[int]] = {label: [] for label in self.classes}
        for index, label in enumerate(labels):
            if label in members:
                members[label].append(index)
        self._members = [np.array(members[label]) for label in self.classes]
        least = shape.way + (1 if shape.others else 0)
        if len(self.classes) < least:
            none = " (one for none of the others)" if shape.others else ""
            raise DataError(
                f"found {len(self.classes)} relations with {needed} or more sentences (shot {shape.shot} + queries "
                f"{shape.queries}) and {len(self.left_out)} with fewer, expected at least {least}{none}"
            )

    def draw(self, number: int) -> Draw:
        """The episode of this number."""
        random, shape = stream(self.seed, "episodes", number), self.shape
        chosen = random.choice(len(self.classes), shape.way, replace=False)
        rows = np.stack([random.choice(self._members[c], shape.shot + shape.queries, replace=False) for c in chosen])
        query, targets = rows[:, shape.shot :].ravel(), np.repeat(np.arange(shape.way), shape.queries)
        if shape.others:
            rest = np.setdiff1d(np.arange(len(self.classes)), chosen)
            others = [random.choice(self._members[c]) for c in random.choice(rest, shape.others)]
            query, targets = np.append(query, others), np.append(targets, [shape.way] * shape.others)
        return Draw(tuple(self.classes[c] for c in chosen), rows[:, : shape.shot], query, targets)
