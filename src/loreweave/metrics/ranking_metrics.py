"""Metrics of ranks: MR, MRR and Hits@k, their adjusted forms, tables by group, bootstrap intervals.

Ranks among 7,475 candidates are not comparable with ranks among 4.6 million. Adjusted metrics compare with the expectation
under a random order (Berrendorf et al. 2020; Hoyt et al. 2022; as in PyKEEN): with c_i candidates of query i,
E[rank] = (c_i + 1) / 2, E[1/rank] = H(c_i) / c_i, E[hit at k] = min(k, c_i) / c_i. They exist for realistic ranks only:
with ties, the other kinds are not uniform under a random order.

Names: `count`; `mr` (1 is best), `mrr` and `hits_at_k` (fractions); `amr` = MR / E[MR] (1 is chance, lower is better);
`amri`, `adjusted_mrr`, `adjusted_hits_at_k` (0 is chance, 1 is best); `z_mr`, `z_mrr`, `z_hits_at_k` (standard deviations
above chance, higher is better).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from loreweave.metrics.known_answers import Side
from loreweave.metrics.ranks import RANK_KINDS, RankKind, Ranks
from loreweave.metrics.resampling import interval, resampled_sums

HITS = (1, 3, 10)
"""The k of Hits@k."""

Floats = NDArray[np.float64]
_BASES = ("mr", "mrr", *(f"hits_at_{k}" for k in HITS))
_ADJUSTED = {"mr": "amri", "mrr": "adjusted_mrr"} | {f"hits_at_{k}": f"adjusted_hits_at_{k}" for k in HITS}


def ranking_metrics(ranks: Ranks, kind: RankKind = "realistic") -> dict[str, float]:
    """All metrics of some ranks by name.

    Raises:
        ValueError: there are no ranks.

    Example:
        >>> ranks = Ranks(np.array([0, 1]), np.array([0, 0]), np.array([4, 4]))
        >>> [ranking_metrics(ranks)[name] for name in ("mr", "mrr", "hits_at_1", "amri")]
        [1.5, 0.75, 0.5, 0.6666666666666667]
    """
    if not len(ranks):
        raise ValueError("found no ranks, expected at least one")
    means = {name: values.mean() for name, values in _columns(ranks, kind).items()}
    return {name: float(value) for name, value in _from_means(means, np.asarray(len(ranks))).items()}


def metrics_by_side(sides: Mapping[Side, Ranks]) -> dict[tuple[str, RankKind], dict[str, float]]:
    """Metrics of each side and, if there are two, of `both` pooled, for each kind of rank: (side, kind) -> name -> value."""
    pooled: dict[str, Ranks] = {side: ranks for side, ranks in sides.items()}
    if len(sides) > 1:
        pooled["both"] = Ranks.concatenate(sides.values())
    return {(side, kind): ranking_metrics(ranks, kind) for side, ranks in pooled.items() for kind in RANK_KINDS}


def metrics_by_group(ranks: Ranks, groups: NDArray[np.integer], kind: RankKind = "realistic") -> dict[int, dict[str, float]]:
    """Metrics of each group of ranks, such as the ranks of one relation; `count` is the group's size.

    Args:
        groups: group of each rank, from 0: int [ranks], such as the relation or the bucket of `degree_buckets`.

    Returns:
        Metrics by group, ascending; empty groups are left out.

    Raises:
        ValueError: the number of groups differs from the number of ranks.
    """
    if groups.shape != (len(ranks),):
        raise ValueError(f"found groups of shape {list(groups.shape)}, expected one for each of {len(ranks)} ranks")
    present, places, counts = np.unique(groups, return_inverse=True, return_counts=True)
    columns = _columns(ranks, kind)
    means = {name: np.bincount(places, values, minlength=len(present)) / counts for name, values in columns.items()}
    table = _from_means(means, counts)
    return {int(group): {name: float(values[row]) for name, values in table.items()} for row, group in enumerate(present)}


def entity_degrees(triples: NDArray[np.integer], num_entities: int) -> NDArray[np.int64]:
    """Number of triples [triples, 3] in which each entity is head or tail [entities]; a loop counts twice."""
    return np.bincount(triples[:, [0, 2]].reshape(-1), minlength=num_entities)


def degree_buckets(degrees: NDArray[np.integer]) -> tuple[NDArray[np.int64], list[str]]:
    """Assign degrees to buckets 0, 1, 2-3, 4-7, ....

    Returns:
        Bucket of each degree, in the shape of `degrees`; and the names of the buckets.
    """
    buckets = np.frexp(np.asarray(degrees, dtype=np.float64))[1].astype(np.int64)  # number of bits; 0 has none
    last = int(buckets.max(initial=0))
    names = ["0", "1", *(f"{2 ** (bits - 1)}-{2**bits - 1}" for bits in range(2, last + 1))]
    return buckets, names[: last + 1]


def bootstrap_intervals(
    sides: Sequence[Ranks], kind: RankKind = "realistic", *, samples: int = 1000, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Percentile bootstrap intervals of all metrics over triples.

    Args:
        sides: ranks of one side, or of both sides of the same triples in the same order. Both ranks of a triple are drawn
            together, since they are not independent.
        samples: number of bootstrap samples.
        seed: equal seeds give equal intervals.

    Returns:
        `low` and `high` by metric, without `count`.

    Raises:
        ValueError: there are no ranks, or the sides differ in length.
    """
    lengths = {len(ranks) for ranks in sides}
    if len(lengths) != 1 or lengths == {0}:
        raise ValueError(f"found sides of {sorted(lengths)} ranks, expected the same number for each side, at least one")
    names = list(_columns(sides[0][:1], kind))
    table = np.mean([np.stack(list(_columns(ranks, kind).values()), axis=1) for ranks in sides], axis=0)  # [triples, names]
    means = resampled_sums(table, samples, seed) / len(table)
    metrics = _from_means(dict(zip(names, means.T, strict=True)), np.asarray(len(table) * len(sides)))
    return {name: interval(values) for name, values in metrics.items() if name != "count"}


def _columns(ranks: Ranks, kind: RankKind) -> dict[str, Floats]:
    """Values [ranks] that are averaged; for realistic ranks with their mean and variance under a random order."""
    values, candidates = ranks.of_kind(kind), ranks.candidates.astype(np.float64)
    columns = {"mr": values, "mrr": 1 / values} | {f"hits_at_{k}": (values <= k).astype(np.float64) for k in HITS}
    if kind != "realistic":
        return columns
    distinct, places = np.unique(ranks.candidates, return_inverse=True)
    inverses = 1 / np.arange(1, int(distinct[-1]) + 1)
    harmonic, harmonic2 = (np.cumsum(terms)[distinct - 1][places] for terms in (inverses, inverses**2))
    expected = {"mr": (candidates + 1) / 2, "mrr": harmonic / candidates}
    variance = {"mr": (candidates**2 - 1) / 12, "mrr": harmonic2 / candidates - expected["mrr"] ** 2}
    for k in HITS:
        chance = np.minimum(k, candidates) / candidates
        expected[f"hits_at_{k}"], variance[f"hits_at_{k}"] = chance, chance * (1 - chance)
    columns |= {f"expected_{name}": column for name, column in expected.items()}
    return columns | {f"variance_{name}": column for name, column in variance.items()}


def _from_means(means: Mapping[str, Floats], count: NDArray[np.integer]) -> dict[str, Floats]:
    """Metrics from the column means of one set of `count` ranks, or of several sets at once."""
    metrics = {"count": count + np.zeros_like(means["mr"])} | {name: means[name] for name in _BASES}
    if "expected_mr" not in means:
        return metrics
    metrics["amr"] = means["mr"] / means["expected_mr"]
    for base, adjusted in _ADJUSTED.items():
        expected = means[f"expected_{base}"]
        metrics[adjusted] = _divide(means[base] - expected, 1 - expected)
    for base in _BASES:
        gain = means[base] - means[f"expected_{base}"]
        metrics[f"z_{base}"] = _divide(-gain if base == "mr" else gain, np.sqrt(means[f"variance_{base}"] / count))
    return metrics


def _divide(part: Floats, whole: Floats) -> Floats:
    """part / whole, 0 where the whole is 0: a single candidate has a single rank, so nothing differs from chance."""
    return np.divide(part, whole, out=np.zeros_like(part + whole), where=whole != 0)
