"""The numbers of a comparison: every pair of systems on every split, over records and over seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import fmean
from typing import Any

import numpy as np
from scipy.stats import binomtest

from loreweave.experiments.report.comparison.matching import Matched, match_records
from loreweave.experiments.report.comparison.systems import Systems
from loreweave.experiments.report.sections import Group, score_of, seed_of
from loreweave.experiments.runs.recorded import RecordedRun
from loreweave.metrics.analysis.comparison import PairedComparison, compare_paired
from loreweave.metrics.analysis.estimates import Floats
from loreweave.metrics.analysis.groups import GroupComparison, compare_groups, holm
from loreweave.metrics.analysis.stochastic_order import StochasticOrder, TooFewSeeds, almost_stochastic_order

PAIR = ("split", "first", "second")
"""Columns of tables that name a pair."""
DIFFERENCE = ("first - second, points", "low, points", "high, points")
"""Columns of tables with a difference and its interval, in points of 100 as in the answers."""
CUT = "the interval is cut at the largest possible difference: there are too few seeds"
"""What is said about a pair whose interval over seeds is `cut`."""
_WIDEST = {"matthews_correlation": 2.0, "pearson": 2.0, "spearman": 2.0, "mean_squared_error": math.inf}
"""Largest possible difference of two scores that are no shares."""
_MOST_BLOCKS = 24
"""Maximum number of copies of the statistics that give systems with other numbers of seeds the same number of columns."""


@dataclass(frozen=True)
class Outcomes:
    """Records by whether they are exactly right: McNemar's table, and its exact two-sided p-value."""

    both: int
    first_only: int
    second_only: int
    neither: int

    @property
    def p(self) -> float:
        """Of the records that one system alone has right, the first has as many as a fair coin would give."""
        apart = self.first_only + self.second_only
        return float(binomtest(self.first_only, apart).pvalue) if apart else 1.0


@dataclass(frozen=True)
class SeedPair:
    """One run of each system."""

    first: RecordedRun
    second: RecordedRun
    over_records: PairedComparison | None
    outcomes: Outcomes | None


@dataclass(frozen=True)
class PairResult:
    """Two systems on a split; differences are first minus second, as shares.

    Attributes:
        split: dev or test.
        first, second: the systems; the first is the one with the higher score, so that no difference is negative.
        scores: their scores, one per finished run.
        over_records: mean scores over the seeds on the same samples of records; None if records cannot be counted.
        records_p: p-value of approximate randomisation after Holm's correction over all pairs on the split.
        seed_pairs: runs with equal seeds of training, or in order if no seed is in both.
        paired_by_seed: whether the runs of `seed_pairs` have equal seeds.
        over_seeds: comparison of the scores. The interval of Welch's test ends at the largest possible difference.
        cut: whether that interval was longer, which happens with few seeds.
        welch_p, permutation_p: after Holm's correction; None without a Welch test.
        orders: almost-stochastic order of the first over the second, and the reverse, or why there is none.
    """

    split: str
    first: Group
    second: Group
    scores: tuple[Sequence[float], Sequence[float]]
    over_records: PairedComparison | None
    records_p: float | None
    seed_pairs: Sequence[SeedPair]
    paired_by_seed: bool
    over_seeds: GroupComparison
    cut: bool
    welch_p: float | None
    permutation_p: float
    orders: tuple[StochasticOrder, StochasticOrder] | str

    @property
    def difference(self) -> float:
        """Difference of the mean scores on the records that were compared; else of the recorded ones."""
        if self.over_records is not None:
            return self.over_records.difference.value
        return self.over_seeds.first.mean - self.over_seeds.second.mean


@dataclass(frozen=True, eq=False)
class Compared:
    """All results of a comparison.

    Attributes:
        section: the systems.
        matched: the records of each split.
        pairs: every pair of systems on every split, test before dev.
        samples, seed: of bootstraps and permutations.
    """

    section: Systems
    matched: dict[str, Matched]
    pairs: Sequence[PairResult]
    samples: int
    seed: int


def compared(section: Systems, samples: int, seed: int) -> Compared:
    """Compare every pair of systems on every split."""
    splits = section.splits[::-1]
    matched = {split: match_records(section, split) for split in splits}
    pairs = []
    for split in splits:
        tables: dict[str, Floats] = {}

        def statistics(run: RecordedRun, found: Matched = matched[split], tables: dict[str, Floats] = tables) -> Floats:
            if str(run.path) not in tables:
                tables[str(run.path)] = found.statistics(run)
            return tables[str(run.path)]

        here = [
            _higher_first(section, matched[split], statistics, pair, samples, seed) for pair in combinations(section.groups, 2)
        ]
        pairs += _corrected(here)
    return Compared(section, matched, pairs, samples, seed)


def _higher_first(
    section: Systems, matched: Matched, statistics: Callable[[RecordedRun], Floats], pair: tuple[Group, Group],
    samples: int, seed: int,
) -> PairResult:  # fmt: skip
    """A pair with the system of the higher score first; equal ones stay in their order."""

    def mean(group: Group) -> float:
        return fmean(group.scores(matched.split, section.metric))

    first, second = sorted(pair, key=mean, reverse=True)
    found = _pair(section, matched, statistics, first, second, samples, seed)
    if found.difference < 0:  # on the records that were compared, which may be fewer
        found = _pair(section, matched, statistics, second, first, samples, seed)
    return found


def _pair(
    section: Systems, matched: Matched, statistics: Callable[[RecordedRun], Floats], first: Group, second: Group,
    samples: int, seed: int,
) -> PairResult:  # fmt: skip
    split, metric = matched.split, section.metric
    runs = section.scored(first, split), section.scored(second, split)
    one, other = ([float(score_of(run, split, metric) or 0.0) for run in side] for side in runs)
    pairs, by_seed = _seed_pairs(*runs)

    def over_records(left: Sequence[RecordedRun], right: Sequence[RecordedRun]) -> PairedComparison | None:
        if matched.way is None:
            return None
        return _paired(matched, [[statistics(run) for run in side] for side in (left, right)], samples, seed)

    seed_pairs = [SeedPair(a, b, over_records([a], [b]), outcomes(matched, a, b)) for a, b in pairs]
    alone = len(runs[0]) == len(runs[1]) == 1
    whole = seed_pairs[0].over_records if alone else over_records(*runs)
    groups, cut = _within_bounds(compare_groups(one, other, samples, seed), _widest(metric, [*one, *other]))
    comparisons = math.comb(len(section.groups), 2)
    return PairResult(
        split=split, first=first, second=second, scores=(one, other), over_records=whole,
        records_p=None if whole is None else whole.randomisation_p, seed_pairs=seed_pairs, paired_by_seed=by_seed,
        over_seeds=groups, cut=cut, welch_p=None if groups.welch is None else groups.welch.p,
        permutation_p=groups.permutation_p, orders=_orders(one, other, comparisons, samples, seed),
    )  # fmt: skip


def _widest(metric: str, scores: Sequence[float]) -> float:
    """The largest possible difference of two scores: 1 of shares, infinite of other numbers, such as ranks."""
    return _WIDEST.get(metric, 1.0 if all(0 <= score <= 1 for score in scores) else math.inf)


def _within_bounds(groups: GroupComparison, widest: float) -> tuple[GroupComparison, bool]:
    """A comparison whose interval over seeds is cut at the largest possible difference, and whether it was longer."""
    if groups.welch is None:
        return groups, False
    found = groups.welch.difference
    inside = replace(found, low=max(found.low, -widest), high=min(found.high, widest))
    return replace(groups, welch=replace(groups.welch, difference=inside)), inside != found


def outcomes(matched: Matched, first: RecordedRun, second: RecordedRun) -> Outcomes | None:
    """McNemar's table of two runs; None without gold answers."""
    if not matched.rows:
        return None
    one, other = matched.right(first), matched.right(second)
    keys = [key for key in one if key in other]
    counts = {(a, b): 0 for a in (True, False) for b in (True, False)}
    for key in keys:
        counts[one[key], other[key]] += 1
    return Outcomes(*counts.values()) if keys else None


def _seed_pairs(
    first: Sequence[RecordedRun], second: Sequence[RecordedRun]
) -> tuple[list[tuple[RecordedRun, RecordedRun]], bool]:
    """Runs with equal seeds, and True; or runs in order, and False."""
    seeds = {trained_seed(run): run for run in reversed(second) if trained_seed(run) is not None}
    found = [(run, seeds[trained_seed(run)]) for run in first if trained_seed(run) in seeds]
    return (found, True) if found else (list(zip(first, second, strict=False)), False)


def _paired(matched: Matched, tables: Sequence[Sequence[Floats]], samples: int, seed: int) -> PairedComparison | None:
    """Both systems on the same samples of records; the score of a system is the mean of those of its runs.

    The statistics of the runs stand beside each other, each as often as both systems need to have as many columns.
    """
    assert matched.way is not None
    blocks = math.lcm(*map(len, tables))
    if blocks > _MOST_BLOCKS:
        return None
    one, other = (np.concatenate([table for table in side for _ in range(blocks // len(side))], axis=1) for side in tables)
    score = matched.way.score

    def mean(sums: Floats) -> Floats:
        found: Floats = np.stack([np.asarray(score(part)) for part in np.split(sums, blocks, axis=-1)]).mean(axis=0)
        return found

    return compare_paired(one, other, mean, samples, seed)


def _orders(
    first: Sequence[float], second: Sequence[float], comparisons: int, samples: int, seed: int
) -> tuple[StochasticOrder, StochasticOrder] | str:
    try:
        order = [
            almost_stochastic_order(*pair, comparisons=comparisons, samples=samples, seed=seed)
            for pair in ((first, second), (second, first))
        ]
    except TooFewSeeds as error:
        return str(error)
    return order[0], order[1]


def _corrected(pairs: Sequence[PairResult]) -> list[PairResult]:
    """The pairs of a split with Holm's correction over them."""
    found = list(pairs)
    for name in ("records_p", "welch_p", "permutation_p"):
        there = [number for number, pair in enumerate(found) if getattr(pair, name) is not None]
        adjusted = holm([getattr(found[number], name) for number in there]) if there else []
        for number, p in zip(there, adjusted, strict=True):
            changed: dict[str, Any] = {name: p}
            found[number] = replace(found[number], **changed)
    return found


def sizes_text(pair: PairResult) -> str:
    """Numbers of runs of both systems."""
    return f"all: {pair.over_seeds.first.size} + {pair.over_seeds.second.size}"


def in_points(*values: float | None) -> list[object]:
    """Shares in points of 100."""
    return [None if value is None else 100 * value for value in values]


def seeds_text(pair: SeedPair) -> str:
    """The seeds of two runs, or their folders."""
    names = (run.path.name if (seed := trained_seed(run)) is None else str(seed) for run in (pair.first, pair.second))
    return " and ".join(names)


def trained_seed(run: RecordedRun) -> Any:
    """The seed with which a run was trained; None for evaluations, whose own seed only draws episodes or resamples."""
    return seed_of(run) if run.kind == "finetuning" else None
