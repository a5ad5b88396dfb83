"""Score against the part of the training set that was used."""

from __future__ import annotations

import statistics
from collections import defaultdict

from loreweave.experiments.report.cells import Cell
from loreweave.experiments.report.parts import NotShown, Part, Picture, Table
from loreweave.experiments.report.sections import SAME, Section, causes_of, score_of
from loreweave.experiments.report.setting_texts import full_label_of, label_of
from loreweave.experiments.report.style import legend_below, looks, new_figure

_FRACTION = "train_fraction"


def draw(section: Section) -> Part | NotShown:
    """One line for each combination of the other settings; bars are the standard deviation over seeds."""
    if not section.varied:
        return NotShown(SAME)
    if _FRACTION not in section.varied:
        return NotShown(f"{_FRACTION} is the same in all runs")
    split = section.last
    lines: dict[str, dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    full: dict[str, str] = {}
    examples: dict[tuple[str, float], int] = defaultdict(int)
    for group in section.groups:
        kept = {name: value for name, value in group.settings.items() if name != _FRACTION}
        others = label_of(kept, section.text_of)
        full[others] = full_label_of(kept)
        for run in group.counted:
            fraction, score = causes_of(run).get(_FRACTION), score_of(run, split, section.metric)
            if fraction is not None and score is not None:
                lines[others][float(fraction)].append(score)
                place = others, float(fraction)
                examples[place] = max(examples[place], int(run.results.get("examples") or 0))
    ticks = sorted({fraction for line in lines.values() for fraction in line})
    if len(ticks) < 2:
        return NotShown(f"fewer than two values of {_FRACTION} have finished runs")
    figure, axes = new_figure()
    rows: list[list[object]] = []
    for (colour, dash), (name, line) in zip(looks(len(lines)), lines.items(), strict=True):
        fractions = sorted(line)
        means = [statistics.mean(line[fraction]) for fraction in fractions]
        spreads = [statistics.stdev(line[fraction]) if len(line[fraction]) > 1 else 0.0 for fraction in fractions]
        axes.errorbar(fractions, means, yerr=spreads, ls=dash, color=colour, marker="o", ms=4, capsize=2, label=name)
        rows += [
            [Cell(full[name], name), fraction, examples[name, fraction] or None, mean,
             spread if len(line[fraction]) > 1 else None, len(line[fraction])]
            for fraction, mean, spread in zip(fractions, means, spreads, strict=True)
        ]  # fmt: skip
    axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("fraction of the training set")
    axes.set_ylabel(f"{split} {section.metric}")
    legend_below(figure, axes)
    caption = "A larger fraction contains each smaller one with the same data_seed. Bars: standard deviation."
    columns = ["settings", _FRACTION, "training examples", f"mean {split} {section.metric}", "± sd", "runs"]
    return Part("Learning curve", caption, [Picture("learning_curve", figure, "Score by the fraction of the training set.")],
                [Table("learning_curve", columns, rows)])  # fmt: skip
