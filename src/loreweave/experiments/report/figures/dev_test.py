"""Dev score against test score of each run, with the line of equality: how far the choice on dev data flatters."""

from __future__ import annotations

import numpy as np

from loreweave.experiments.report.parts import NotShown, Part, Picture, Table
from loreweave.experiments.report.sections import Section, score_of, seed_of
from loreweave.experiments.report.style import legend_below, looks, new_figure


def draw(section: Section) -> Part | NotShown:
    """One picture: a point per run, in the colour of its group."""
    if not {"dev", "test"} <= set(section.splits):
        return NotShown("no run has scores on both dev and test data")
    figure, axes = new_figure(6.4, 4.4)
    rows: list[list[object]] = []
    gaps: list[float] = []
    ends: list[float] = []
    for (colour, _), group in zip(looks(len(section.groups)), section.groups, strict=True):
        points = []
        for run in group.finished:
            dev, test = (score_of(run, split, section.metric) for split in ("dev", "test"))
            if dev is not None and test is not None:
                points.append((dev, test))
                gaps.append(dev - test)
                rows.append([group.label, seed_of(run), dev, test, dev - test])
        if points:
            devs, tests = zip(*points, strict=True)
            axes.scatter(devs, tests, color=colour, s=22, label=group.label)
            ends += [value for point in points for value in point]
    if not rows:
        return NotShown("no finished run has scores on both dev and test data")
    low, high = min(ends), max(ends)
    room = max(0.02 * (high - low), 0.005)
    axes.plot([low - room, high + room], [low - room, high + room], "--", color="black", lw=0.8)
    axes.set_xlabel(f"dev {section.metric}")
    axes.set_ylabel(f"test {section.metric}")
    axes.set_aspect("equal")
    axes.locator_params(nbins=5)
    legend_below(figure, axes)
    gap = float(np.mean(gaps))
    caption = (
        f"A point per run; below the dashed line, the dev score is higher than the test score. Mean difference (dev - test): "
        f"{gap:+.4f}. The scores are those of the kept weights, which were selected on the dev data."
    )
    table = Table("dev_test", ["group", "seed", "dev", "test", "dev - test"], rows)
    return Part("Dev and test", caption, [Picture("dev_test", figure, "Dev against test score of each run.")], [table])
