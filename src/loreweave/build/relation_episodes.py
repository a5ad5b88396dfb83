"""Draws of N-way K-shot episodes from examples with one class each (FewRel's sampler).

An episode draws N classes, and of each class K examples for the support set and others for the query set. The
examples are numbers, so that training, evaluation and files draw in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loreweave.corpus.counts import counted
from loreweave.errors import ConfigurationError, DataError
from loreweave.random_streams import stream


@dataclass(frozen=True, kw_only=True)
class EpisodeShape:
    """Settings of an episode.

    Attributes:
        way: number of classes, N.
        shot: number of examples of each class in the support set, K.
        queries: number of examples of each class in the query set.
        na_rate: number of queries without a class of the episode, as a multiple of `queries` (none of the above in FewRel 2.0).

    Raises:
        ConfigurationError: fewer than two classes, no examples, or a rate that gives no query.
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
            found = f"na_rate: found {self.na_rate} of {counted(self.queries, 'query', 'queries')}"
            raise ConfigurationError(f"{found}, expected 0, or enough for one query or more")

    @property
    def others(self) -> int:
        """Number of queries without a class of the episode, rounded down."""
        return int(self.na_rate * self.queries)


@dataclass(frozen=True, slots=True)
class Draw:
    """One episode as numbers of examples.

    Attributes:
        classes: the N names, in drawn order.
        support: [way, shot].
        query: queries of all classes, class by class, then those without a class. [queries]
        targets: number of each query's class; N for none.
    """

    classes: tuple[str, ...]
    support: np.ndarray
    query: np.ndarray
    targets: np.ndarray


class EpisodeDraws:
    """Episodes by number: the same seed and number give the same episode, independent of earlier draws.

    Args:
        labels: class of each example; None is never drawn.
        shape: settings of the episodes.
        seed: seed of all draws.

    Attributes:
        left_out: classes with too few examples for `shape`, and their numbers of examples.

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
                f"found {counted(len(self.classes), 'relation')} with {needed} or more sentences (shot {shape.shot} + queries "
                f"{shape.queries}) and {len(self.left_out)} with fewer, expected at least {least}{none}"
            )

    def draw(self, number: int) -> Draw:
        """The episode with this number."""
        random, shape = stream(self.seed, "episodes", number), self.shape
        chosen = random.choice(len(self.classes), shape.way, replace=False)
        rows = np.stack([random.choice(self._members[c], shape.shot + shape.queries, replace=False) for c in chosen])
        query, targets = rows[:, shape.shot :].ravel(), np.repeat(np.arange(shape.way), shape.queries)
        if shape.others:
            rest = np.setdiff1d(np.arange(len(self.classes)), chosen)
            others = [random.choice(self._members[c]) for c in random.choice(rest, shape.others)]
            query, targets = np.append(query, others), np.append(targets, [shape.way] * shape.others)
        return Draw(tuple(self.classes[c] for c in chosen), rows[:, : shape.shot], query, targets)
