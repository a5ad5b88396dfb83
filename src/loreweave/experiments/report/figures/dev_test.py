"""Dev score against test score of each run, with the line of equality: how far the choice on dev data flatters."""

from __future__ import annotations

import numpy as np

from loreweave.corpus.counts import counted
from loreweave.experiments.report.parts import NotShown, Part, Picture, Table
from loreweave.experiments.report.sections import Section, score_of, seed_of
from loreweave.experiments.report.style import OTHERS, group_colours, legend_below, new_figure
from loreweave.metrics.analysis.correlation import Correlations, correlations


def draw(section: Section) -> Part | NotShown:
    """One picture: a point per run, in the colour of its group."""
    if not {"dev", "test"} <= set(section.splits):
        return NotShown("no run has scores on both dev and test data")
    figure, axes = new_figure(6.4, 4.4)
    rows: list[list[object]] = []
    gaps: list[float] = []
    ends: list[float] = []
    colours = group_colours(section)
    for group in sorted(section.groups, key=lambda group: group.label in colours):  # the leading ones on top
        points = []
        for run in group.finished:
            dev, test = (score_of(run, split, section.metric) for split in ("dev", "test"))
            if dev is not None and test is not None:
                points.append((dev, test))
                gaps.append(dev - test)
                rows.append([group.cell, seed_of(run), dev, test, dev - test])
        if points:
            devs, tests = zip(*points, strict=True)
            named = group.label if group.label in colours else None
            axes.scatter(devs, tests, s=22, color=colours.get(group.label, OTHERS), label=named)
            ends += [value for point in points for value in point]
    if not rows:
        return NotShown("no finished run has scores on both dev and test data")
    low, high = min(ends), max(ends)
    room = max(0.02 * (high - low), 0.005)
    start = max(0.0, low - room) if low >= 0 else low - room  # scores that cannot be negative begin at 0
    axes.plot([start, high + room], [start, high + room], "--", color="black", lw=0.8)
    axes.set_xlabel(f"dev {section.metric}")
    axes.set_ylabel(f"test {section.metric}")
    axes.set_aspect("equal")
    axes.locator_params(nbins=5)
    legend_below(figure, axes)
    gap = float(np.mean(gaps))
    caption = (
        f"One point per run. Below the dashed line, the dev score is higher than the test score. Mean difference (dev - test): "
        f"{gap:+.4f}. The scores are those of the kept weights, which were selected on the dev data."
    )
    dev_scores, test_scores = ([float(str(row[column])) for row in rows] for column in (2, 3))
    found = correlations(dev_scores, test_scores)
    tables = [Table("dev_test", ["group", "seed", "dev", "test", "dev - test"], rows)]
    tables += [] if found.undefined else [_correlations(found)]
    notes = [f"no correlation of dev and test scores: {found.undefined}"] if found.undefined else []
    if found.undefined_samples:
        samples = counted(found.undefined_samples, "bootstrap sample")
        notes.append(f"left out of the intervals: {samples} of {found.samples:,}, with equal scores")
    picture = Picture("dev_test", figure, "Dev against test score of each run.")
    return Part("Dev and test", caption + _CAPTION, [picture], tables, [*notes, *section.left_out_of_pictures])


_CAPTION = (
    " Correlations are over all runs, with 95 % bootstrap intervals over runs; the ranks (Spearman, Kendall) show whether "
    "dev data and test data would select the same runs."
)


def _correlations(found: Correlations) -> Table:
    estimates = {"Pearson": found.pearson, "Spearman": found.spearman, "Kendall (tau-b)": found.kendall}
    cells: list[list[object]] = [
        [name, one.value, one.low, one.high, found.runs] for name, one in estimates.items() if one is not None
    ]
    return Table("correlation", ["coefficient", "value", "low", "high", "runs"], cells)
