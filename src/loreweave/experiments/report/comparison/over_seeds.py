"""Tests between the scores of the runs of the systems, which differ in their seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from loreweave.corpus.counts import listed
from loreweave.experiments.report.comparison.results import CUT, DIFFERENCE, PAIR, Compared, in_points, sizes_text, trained_seed
from loreweave.experiments.report.parts import NotShown, Part, Table
from loreweave.metrics.analysis.estimates import Estimate
from loreweave.metrics.analysis.groups import smallest_permutation_p


def draw(found: Compared) -> Part | NotShown:
    """Tests between the scores of the runs."""
    rows, orders, notes = [], [], dict[str, None]()
    for pair in found.pairs:
        start: list[object] = [pair.split, pair.first.label, pair.second.label]
        one = pair.over_seeds
        welch, size = one.welch, one.cohens_d
        rows.append([
            *start, sizes_text(pair), one.first.mean, one.first.deviation, one.second.mean, one.second.deviation,
            *(in_points(*_estimate(None if welch is None else welch.difference))), *([None] * 4 if welch is None else
            [welch.statistic, welch.degrees, welch.p, pair.welch_p]), None if welch is None else welch.power,
            one.permutation_p, pair.permutation_p, *_estimate(size), *_estimate(one.cliffs_delta),
        ])  # fmt: skip
        if isinstance(pair.orders, str):
            notes[f"{pair.orders} ({pair.first.label} and {pair.second.label})"] = None
        else:
            for order, names in zip(pair.orders, (start[1:], start[:0:-1]), strict=True):
                orders.append([
                    pair.split, *names, order.violation_ratio, order.upper_bound, order.threshold, order.dominates,
                    order.power, order.false_positives,
                ])  # fmt: skip
        if welch is None:
            sizes = f"found {one.first.size} and {one.second.size}"
            systems = f"{pair.first.label} and {pair.second.label}"
            notes[f"Welch's test needs 2 runs of each system, and scores that differ: {sizes} runs of {systems}"] = None
        if pair.cut:
            notes[f"{pair.first.label} and {pair.second.label}: {CUT}"] = None
    notes |= dict.fromkeys(_twice(found))
    caption = (
        "Tests between the scores of the runs, which differ in their seeds. The first is the system with the higher score. "
        "Power: probability that such an experiment finds a difference as large as this one. Permutation: share of all ways "
        f"to assign the scores to the systems that give at least as large a difference of means; {_smallest(found)}. "
        "Cliff's delta: how much more often the first is larger than the second, over all pairs of runs. Holm: corrected over "
        "all pairs of systems on the split. Almost-stochastic order: the first is better over its whole "
        "distribution of scores if the upper bound of the violation ratio is below the threshold; the bounds are corrected "
        "for the number of pairs (Bonferroni)."
    )
    tables = [Table("seeds", _SEEDS, rows), *([Table("stochastic_order", _ORDERS, orders)] if orders else [])]
    return Part("Differences over seeds", caption, tables=tables, notes=list(notes))


_SEEDS = [
    *PAIR, "seeds", "first mean", "first sd", "second mean", "second sd", *DIFFERENCE, "Welch t", "degrees",
    "Welch p", "Welch p (Holm)", "power", "permutation p", "permutation p (Holm)", "Cohen's d", "d low", "d high",
    "Cliff's delta", "delta low", "delta high",
]  # fmt: skip
_ORDERS = [*PAIR, "violation ratio", "upper bound", "threshold", "first is better", "power", "false positives"]


def _estimate(one: Estimate | None) -> list[float | None]:
    return [None] * 3 if one is None else [one.value, one.low, one.high]


def _smallest(found: Compared) -> str:
    """The smallest p-values of the permutation test, by the numbers of seeds."""
    sizes = dict.fromkeys((pair.over_seeds.first.size, pair.over_seeds.second.size) for pair in found.pairs)
    ends = [f"{smallest_permutation_p(*both, found.samples):.2g} with {both[0]} + {both[1]} seeds" for both in sizes]
    return f"it cannot be below {listed(ends)}"


def _twice(found: Compared) -> Iterator[str]:
    """Notes about runs of a system with one seed."""
    for system in found.section.groups:
        seeds = Counter(str(trained_seed(run)) for run in system.finished if trained_seed(run) is not None)
        for seed, count in seeds.items():
            if count > 1:
                yield f"{system.label} has {count} runs with the seed {seed}, which are no independent samples"
