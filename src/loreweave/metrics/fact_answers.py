"""Precision at k and mean reciprocal rank of answers to facts, and the baseline that always gives the most frequent objects.

`p_at_k` is the share of facts whose object is among the first k answers (Petroni et al. 2019). Micro values are means over
facts, macro values are means over the means of relations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loreweave.metrics.resampling import interval, resampled_sums

PRECISION_AT = (1, 5, 10)
"""The k of P@k."""
NAMES = (*(f"p_at_{k}" for k in PRECISION_AT), "mrr")
"""Names of the metrics of ranks."""

Floats = NDArray[np.float64]


def answer_metrics(ranks: Floats) -> dict[str, float]:
    """P@k and mean reciprocal rank.

    Args:
        ranks: rank of each fact's object, from 1; infinity if it is not among the answers. [facts]

    Raises:
        ValueError: there are no ranks.

    Example:
        >>> answer_metrics(np.array([1.0, 4.0, np.inf, 2.0]))
        {'p_at_1': 0.25, 'p_at_5': 0.75, 'p_at_10': 0.75, 'mrr': 0.4375}
    """
    if not len(ranks):
        raise ValueError("found no ranks, expected at least one")
    means = _columns(ranks).mean(0)
    return {name: float(value) for name, value in zip(NAMES, means, strict=True)}


def metrics_by_relation(ranks: Floats, relations: Sequence[str]) -> dict[str, dict[str, float]]:
    """`answer_metrics` of each relation, in the order of their first facts."""
    names = np.array(list(relations), dtype=object)
    return {name: answer_metrics(ranks[names == name]) for name in dict.fromkeys(relations)}


def macro_mean(by_relation: Collection[dict[str, float]]) -> dict[str, float]:
    """Mean of each metric over relations."""
    return {name: float(np.mean([row[name] for row in by_relation])) for name in NAMES}


def answer_intervals(ranks: Floats, samples: int, seed: int) -> dict[str, dict[str, float]]:
    """Bootstrap intervals of the micro values over facts: `low` and `high` by metric."""
    means = resampled_sums(_columns(ranks), samples, seed) / len(ranks)
    return {name: interval(column) for name, column in zip(NAMES, means.T, strict=True)}


def _columns(ranks: Floats) -> Floats:
    """Values [facts, metrics] that are averaged."""
    hits = [(ranks <= k).astype(np.float64) for k in PRECISION_AT]
    return np.stack([*hits, 1 / ranks], axis=1)


@dataclass(frozen=True)
class FrequentAnswers:
    """The baseline without a model: every fact of a relation gets the relation's objects, the most frequent one first.

    Attributes:
        ranks: rank of each fact's object. [facts]
        first: most frequent object of each relation.
    """

    ranks: Floats
    first: dict[str, Hashable]


def rank_by_frequency(
    relations: Sequence[str],
    objects: Sequence[Sequence[Hashable]],
    others: Sequence[Collection[Hashable]],
) -> FrequentAnswers:
    """Rank the objects of each relation by their frequency in these same facts (`Freq` in Petroni et al. 2019).

    It knows the distribution of the right answers, and is therefore an upper bound for models that ignore the subject. Objects
    of equal frequency have the order of their first facts.

    Args:
        relations: relation of each fact.
        objects: right answers to each fact; the first one is the object that is counted. [facts]
        others: answers to each fact that are removed before ranking. [facts]

    Example:
        >>> found = rank_by_frequency(["r", "r", "r"], [["a"], ["b"], ["b"]], [[], [], []])
        >>> found.ranks.tolist(), found.first
        ([2.0, 1.0, 1.0], {'r': 'b'})
    """
    counts: dict[str, Counter[Hashable]] = {}
    for relation, names in zip(relations, objects, strict=True):
        counts.setdefault(relation, Counter())[names[0]] += 1
    order = {relation: [name for name, _ in counter.most_common()] for relation, counter in counts.items()}
    place = {relation: {name: number for number, name in enumerate(names)} for relation, names in order.items()}
    ranks = np.empty(len(relations))
    for number, (relation, names, removed) in enumerate(zip(relations, objects, others, strict=True)):
        best = min(place[relation][name] for name in names if name in place[relation])
        ahead = sum(1 for name in set(removed) if place[relation].get(name, best) < best)
        ranks[number] = 1 + best - ahead
    return FrequentAnswers(ranks, {relation: names[0] for relation, names in order.items()})
