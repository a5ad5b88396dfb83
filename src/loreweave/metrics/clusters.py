"""Agreement of clusters with labels: mutual information, purity, homogeneity and completeness, as in scikit-learn."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np

C = TypeVar("C", bound=Hashable)
L = TypeVar("L", bound=Hashable)


@dataclass(frozen=True)
class Agreement:
    """Agreement of clusters with labels. Every score is 1 for a perfect match.

    Attributes:
        items, clusters, labels: number of items compared, of distinct clusters and of distinct labels.
        nmi: mutual information divided by the arithmetic mean of the two entropies. It equals the V-measure (Rosenberg and
            Hirschberg 2007), the harmonic mean of homogeneity and completeness.
        homogeneity: 1 where every cluster has items of one label only.
        completeness: 1 where all items of a label are in one cluster.
        adjusted_mi: mutual information adjusted for chance (Vinh et al. 2010); a large number of small clusters does not
            raise it.
        purity: share of the items that have the most common label of their cluster.
        majority: purity of a single cluster that holds all items: the lower bound of `purity`.
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
        """Return the fields as a dictionary of plain values."""
        return asdict(self)


def agreement(counts: Mapping[tuple[C, L], int]) -> Agreement | None:
    """Compute the agreement from counts of items by (cluster, label); None where there are no items.

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
    """Exponential of the entropy of a distribution, which is given as counts or unnormalised shares; 0 for an empty one.

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
