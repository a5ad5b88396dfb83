"""How far clusters agree with labels: mutual information, purity, homogeneity, completeness (scikit-learn's definitions)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np

C = TypeVar("C", bound=Hashable)
L = TypeVar("L", bound=Hashable)


@dataclass(frozen=True)
class Agreement:
    """How far clusters agree with labels; every score is 1 for a perfect match.

    Attributes:
        items, clusters, labels: how many were compared, and how many of each occur.
        nmi: mutual information over the arithmetic mean of the two entropies, which is also the V-measure (Rosenberg and
            Hirschberg 2007): the harmonic mean of the next two.
        homogeneity: how little a cluster mixes labels.
        completeness: how little a label is spread over clusters.
        adjusted_mi: mutual information less what clusters of these sizes have by chance (Vinh et al. 2010), which many
            small clusters cannot raise.
        purity: share of the items that have the commonest label of their cluster.
        majority: purity of one single cluster: the least that purity can be.
    """

    items: int
    clusters: int
    labels: int
    nmi: float
    adjusted_mi: float
    homogeneity: float
    completeness: float
    purity: float
    majority: float

    def to_dict(self) -> dict[str, float]:
        """Plain values."""
        return asdict(self)


def agreement(counts: Mapping[tuple[C, L], int]) -> Agreement | None:
    """Agreement of the items counted by (cluster, label); None where there are none.

    Example:
        >>> agreement({(1, "person"): 2, (2, "place"): 2}).nmi
        1.0
    """
    from sklearn.metrics import adjusted_mutual_info_score, homogeneity_completeness_v_measure

    cells = [(cluster, label, count) for (cluster, label), count in counts.items() if count]
    if not cells:
        return None
    clusters, labels = (_numbers(cell[column] for cell in cells) for column in (0, 1))
    table = np.zeros((len(clusters), len(labels)), dtype=np.int64)
    for cluster, label, count in cells:
        table[clusters[cluster], labels[label]] += count
    items = int(table.sum())
    rows, columns = np.nonzero(table)
    found, gold = (np.repeat(places, table[rows, columns]) for places in (rows, columns))
    homogeneity, completeness, v_measure = homogeneity_completeness_v_measure(gold, found)
    return Agreement(
        items,
        *table.shape,
        nmi=float(v_measure),
        adjusted_mi=float(adjusted_mutual_info_score(gold, found)),
        homogeneity=float(homogeneity),
        completeness=float(completeness),
        purity=float(table.max(1).sum() / items),
        majority=float(table.sum(0).max() / items),
    )


def _numbers(items: Iterable[Any]) -> dict[Any, int]:
    return {item: number for number, item in enumerate(dict.fromkeys(items))}


def perplexity(counts: Mapping[Any, float] | np.ndarray) -> float:
    """Exponential of the entropy of a distribution, given by counts or unnormalised shares; 0 where there are none.

    Example:
        >>> perplexity(np.array([5, 5, 0]))
        2.0
    """
    values = np.asarray(list(counts.values()) if isinstance(counts, Mapping) else counts, dtype=np.float64)
    values = values[values > 0]
    if not len(values):
        return 0.0
    shares = values / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))
