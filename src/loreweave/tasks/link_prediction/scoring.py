"""Metrics, predictions and tables from ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from loreweave.metrics.known_answers import ANSWER_COLUMN, Side
from loreweave.metrics.ranking_metrics import (
    bootstrap_intervals,
    degree_buckets,
    metrics_by_group,
    metrics_by_side,
    ranking_metrics,
)
from loreweave.metrics.ranks import RANK_KINDS, Ranks
from loreweave.metrics.resampling import INTERVALS
from loreweave.tasks.link_prediction.reader import PROTOCOLS, RELATION, LinkPredictionData, named_triples, newness
from loreweave.training.evaluation import Evaluation

PLAIN = ("mr", "mrr", "hits_at_1", "hits_at_3", "hits_at_10")
ADJUSTED = ("amr", "amri", "adjusted_mrr", "adjusted_hits_at_1", "adjusted_hits_at_3", "adjusted_hits_at_10")
METRICS = (*PLAIN, *ADJUSTED)
"""Metrics of realistic ranks, both sides pooled."""

_NEWNESS = ("both", "head", "tail", "none")

Table = list[dict[str, Any]]


@dataclass(frozen=True)
class RankedSides:
    """Ranks of the same triples on one side or both.

    Attributes:
        rows: rows of `LinkPredictionData.triples` that were ranked.  # int [ranked]
        among_all: ranks among all candidates, by side.
        sampled: the same for each draw of a few wrong answers.
    """

    rows: np.ndarray
    among_all: Mapping[Side, Ranks]
    sampled: Sequence[Mapping[Side, Ranks]] = field(default_factory=list)


def score(data: LinkPredictionData, ranked: RankedSides, *, bootstrap: int = 1000, seed: int = 0) -> Evaluation:
    """Metrics of realistic ranks, pooled over sides; tables by side, kind of rank, relation and degree.

    Args:
        bootstrap: number of resamples for intervals; 0 for no intervals.
    """
    pooled = Ranks.concatenate(ranked.among_all.values())
    metrics = _chosen(ranking_metrics(pooled), METRICS)
    found = metrics_by_side(ranked.among_all)
    tables: dict[str, Table] = {
        "by_side": [
            {"side": side, "ranks": kind, "count": int(values["count"]), **_chosen(values, PLAIN)}
            for (side, kind), values in found.items()
        ],
        "adjusted": [
            {"side": side, **_chosen(values, ADJUSTED)} for (side, kind), values in found.items() if kind == "realistic"
        ],
    }
    if bootstrap:
        tables[INTERVALS] = _intervals(ranked.among_all, bootstrap, seed)
    if ranked.sampled:
        tables["sampled"] = _sampled(ranked.sampled)
        metrics |= {f"sampled_{name}": tables["sampled"][-2][name] for name in PLAIN}
    tables["per_relation"] = _per_relation(data, ranked, pooled)
    tables["per_degree"] = _per_degree(data, ranked, pooled)
    if PROTOCOLS[data.protocol].newness:
        tables["by_new_ends"] = _by_new_ends(data, ranked, pooled)
    return Evaluation(metrics, _predictions(data, ranked), _arrays(data, ranked), tables)


def _intervals(sides: Mapping[Side, Ranks], samples: int, seed: int) -> Table:
    found = bootstrap_intervals(list(sides.values()), samples=samples, seed=seed)
    return [{"metric": name} | found[name] for name in METRICS]


def _sampled(repetitions: Sequence[Mapping[Side, Ranks]]) -> Table:
    """Metrics of each repetition, then mean and standard deviation of all."""
    numbers = [_chosen(ranking_metrics(Ranks.concatenate(sides.values())), PLAIN) for sides in repetitions]
    table: Table = [{"repetition": number, **found} for number, found in enumerate(numbers, 1)]
    for name, combine in (("mean", np.mean), ("standard deviation", np.std)):
        table.append({"repetition": name} | {metric: float(combine([row[metric] for row in numbers])) for metric in PLAIN})
    return table


def _per_relation(data: LinkPredictionData, ranked: RankedSides, pooled: Ranks) -> Table:
    """Metrics by relation, sorted by the number of ranks."""
    groups = np.tile(data.triples[ranked.rows, RELATION], len(ranked.among_all))
    relations = data.graph.relations
    table: Table = [
        {"relation": relations[group].id, "label": relations[group].label, "count": int(found["count"])} | _chosen(found, PLAIN)
        for group, found in metrics_by_group(pooled, groups).items()
    ]
    return sorted(table, key=lambda row: (-row["count"], row["relation"]))


def _per_degree(data: LinkPredictionData, ranked: RankedSides, pooled: Ranks) -> Table:
    """Metrics by the degree of the answer in the given graph."""
    answers = np.concatenate([data.triples[ranked.rows, ANSWER_COLUMN[side]] for side in ranked.among_all])
    buckets, names = degree_buckets(data.degrees[answers])
    return [
        {"degree": names[group], "count": int(found["count"]), **_chosen(found, PLAIN)}
        for group, found in metrics_by_group(pooled, buckets).items()
    ]


def _by_new_ends(data: LinkPredictionData, ranked: RankedSides, pooled: Ranks) -> Table:
    """Metrics by the ends of the triple that are not in `train` (BLP)."""
    kinds = np.array([_NEWNESS.index(kind) for kind in newness(data)[ranked.rows]])
    groups = np.tile(kinds, len(ranked.among_all))
    return [
        {"new": _NEWNESS[group], "count": int(found["count"]), **_chosen(found, PLAIN)}
        for group, found in metrics_by_group(pooled, groups).items()
    ]


def _chosen(metrics: Mapping[str, float], names: Sequence[str]) -> dict[str, float]:
    return {name: metrics[name] for name in names}


def _predictions(data: LinkPredictionData, ranked: RankedSides) -> list[dict[str, Any]]:
    """A row per triple: its ids, and per side the three ranks and the number of candidates."""
    rows = named_triples(data.graph, data.triples[ranked.rows])
    for side, ranks in ranked.among_all.items():
        kinds = [ranks.of_kind(kind).tolist() for kind in RANK_KINDS]
        for row, candidates, *values in zip(rows, ranks.candidates.tolist(), *kinds, strict=True):
            row[f"{side}_rank"] = dict(zip(RANK_KINDS, values, strict=True)) | {"candidates": candidates}
    return rows


def _arrays(data: LinkPredictionData, ranked: RankedSides) -> dict[str, np.ndarray]:
    arrays = {"triples": data.triples[ranked.rows]}
    for side, ranks in ranked.among_all.items():
        arrays |= {f"{side}_{name}": getattr(ranks, name) for name in ("greater", "ties", "candidates")}
    return arrays
