"""Differences of the systems over records, beside those over seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from loreweave.corpus.counts import counted
from loreweave.experiments.report.comparison.matching import unmatched_note
from loreweave.experiments.report.comparison.results import (
    DIFFERENCE,
    PAIR,
    Compared,
    PairResult,
    in_points,
    seeds_text,
    sizes_text,
)
from loreweave.experiments.report.parts import NotShown, Part, Picture, Table
from loreweave.experiments.report.style import new_figure, shortened
from loreweave.metrics.analysis.comparison import PairedComparison
from loreweave.metrics.analysis.estimates import Estimate
from loreweave.metrics.resampling import LEVEL
from loreweave.picture_style import COLOURS

_LONGEST = 24
"""Number of characters of the longest name of a system in the picture."""


def draw(found: Compared) -> Part | NotShown:
    """Differences with their intervals over records and over seeds."""
    figure, axes = new_figure(6.4, 0.9 + 0.5 * len(found.pairs))
    axes.axvline(0, color="black", lw=0.8, ls="--")
    kinds: dict[str, Callable[[PairResult], Estimate | None]] = {
        "records (paired bootstrap)": lambda pair: None if pair.over_records is None else pair.over_records.difference,
        "seeds (Welch)": lambda pair: None if pair.over_seeds.welch is None else pair.over_seeds.welch.difference,
    }
    for (name, choose), colour, lift in zip(kinds.items(), COLOURS, (-0.12, 0.12), strict=False):
        places, values = [], []
        for place, pair in enumerate(found.pairs):
            estimate = choose(pair)
            if estimate is not None:
                places.append(place + lift)
                values.append(estimate)
        if not values:
            continue
        reach = [[100 * (one.value - one.low) for one in values], [100 * (one.high - one.value) for one in values]]
        middles = [100 * one.value for one in values]
        axes.errorbar(middles, places, xerr=reach, fmt="o", color=colour, ms=4, capsize=3, lw=1.2, label=name)
    several = len({pair.split for pair in found.pairs}) > 1
    systems = [f"{shortened(pair.first.label, _LONGEST)} - {shortened(pair.second.label, _LONGEST)}" for pair in found.pairs]
    names = [f"{name} ({pair.split})" if several else name for name, pair in zip(systems, found.pairs, strict=True)]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel(f"difference of {found.section.metric}, in points of 100")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", ncols=2, fontsize=8)
    reasons = [f"no test over records of {name} data: {one.reason}" for name, one in found.matched.items() if one.reason]
    notes = [*reasons, *(unmatched_note(one) for one in found.matched.values() if one.unmatched)]
    notes += [
        f"{counted(one.ungraded, 'record is', 'records are')} not counted: without a gold answer in the {one.split} data"
        for one in found.matched.values() if one.ungraded
    ]  # fmt: skip
    caption = (
        f"First minus second, in points of 100 as in the answer, with {LEVEL:.0%} intervals. The first is the system with the "
        f"higher score. Over records: both systems on {found.samples:,} bootstrap samples of the same records; the score of a "
        "system is the mean over its seeds. This shows how certain the difference is for these runs on other records of the "
        "same kind. Approximate randomisation swaps the predictions of whole records between the systems. Over seeds: how "
        "certain the difference is for other seeds on these records. Rows of the table with seeds are single pairs of runs. "
        "All p-values are two-sided. Those of all seeds together are also given after Holm's correction over all pairs of "
        "systems on a split."
    )
    picture = Picture("differences", figure, "Differences between the systems with their intervals.")
    tables = [Table("differences", _DIFFERENCES, list(_difference_rows(found))), *_unmatched(found)]
    return Part("Differences over records", caption, [picture], tables, notes)


_DIFFERENCES = [
    *PAIR, "seeds", "records", "first score", "second score", *DIFFERENCE, "share first better",
    "bootstrap p", "randomisation p", "randomisation p (Holm)",
]  # fmt: skip


def _difference_rows(found: Compared) -> Iterator[list[object]]:
    for pair in found.pairs:
        start: list[object] = [pair.split, pair.first.label, pair.second.label]
        one = pair.over_records
        if one is None:
            means = [pair.over_seeds.first.mean, pair.over_seeds.second.mean, *in_points(pair.difference)]
            yield [*start, sizes_text(pair), None, *means, *[None] * 6]
            continue
        yield [*start, sizes_text(pair), *_paired_cells(one), pair.records_p]
        if len(pair.seed_pairs) > 1:
            for seeds in pair.seed_pairs:
                if seeds.over_records is not None:
                    yield [*start, seeds_text(seeds), *_paired_cells(seeds.over_records), None]


def _paired_cells(one: PairedComparison) -> list[object]:
    found = one.difference
    return [
        one.records, one.first.value, one.second.value, *in_points(found.value, found.low, found.high), one.share_better,
        one.bootstrap_p, one.randomisation_p,
    ]  # fmt: skip


def _unmatched(found: Compared) -> list[Table]:
    names = [system.label for system in found.section.groups]
    rows = [
        [split, unit, *(counts.get(name, 0) for name in names)]
        for split, one in found.matched.items() for unit, counts in one.unmatched.items()
    ]  # fmt: skip
    columns = ["split", "record", *(f"runs of {name}" for name in names)]
    return [Table("unmatched", columns, rows, shown=10)] if rows else []
