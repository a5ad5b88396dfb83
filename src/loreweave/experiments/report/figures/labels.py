"""F1 of each label: mean over the runs of a group, and the range of the runs."""

from __future__ import annotations

import statistics
from collections import defaultdict

from loreweave.experiments.report.parts import NotShown, Part, Picture, Table
from loreweave.experiments.report.sections import Section
from loreweave.experiments.report.style import LONGEST_TICK, group_colours, legend_below, new_figure, shortened

_MOST = 40
"""Maximum number of labels in the picture: the most frequent ones."""


def draw(section: Section) -> Part | NotShown:
    """Horizontal bars, one per label and group, most frequent labels first."""
    split = section.last
    found, support = scores_of(section, split)
    if not found:
        return NotShown("no run has scores per label")
    labels = sorted(found, key=lambda label: -support[label])
    groups = [group.label for group in section.groups if any(group.label in of for of in found.values())]
    shown = labels[:_MOST]
    drawn = {name: colour for name, colour in group_colours(section).items() if name in groups}
    figure, axes = new_figure(6.4, 0.9 + 0.2 * len(shown) * max(1.0, 0.6 * len(drawn)))
    height = 0.8 / max(1, len(drawn))
    for number, (name, colour) in enumerate(drawn.items()):
        places = [place + (number + 0.5) * height - 0.4 for place, label in enumerate(shown) if found[label][name]]
        values = [found[label][name] for label in shown if found[label][name]]
        means = [statistics.mean(of) for of in values]
        reach = [[mean - min(of) for mean, of in zip(means, values, strict=True)],
                 [max(of) - mean for mean, of in zip(means, values, strict=True)]]  # fmt: skip
        axes.barh(places, means, height * 0.9, color=colour, label=name, xerr=reach, error_kw={"lw": 0.7})
    axes.set_yticks(range(len(shown)), [f"{shortened(label, LONGEST_TICK)} ({support[label]:,.0f})" for label in shown])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"{split} F1")
    legend_below(figure, axes)
    rows = [
        [label, support[label], section.cells[name], statistics.mean(of), min(of), max(of), len(of)]
        for label in labels for name in groups if (of := found[label][name])
    ]  # fmt: skip
    table = Table("labels", ["label", "support", "group", "f1", "min", "max", "runs"], rows)
    caption = (
        f"F1 on {split} data of the kept weights; in brackets, how often the label is in the gold data. Lines: range over the "
        "runs."
    )
    notes = [f"the picture has the {_MOST} most frequent of {len(labels)} labels"] if len(labels) > _MOST else []
    return Part(
        "Scores per label",
        caption,
        [Picture("labels", figure, "F1 of each label.")],
        [table],
        [*notes, *section.left_out_of_pictures],
    )


def scores_of(section: Section, split: str) -> tuple[dict[str, dict[str, list[float]]], dict[str, float]]:
    """Label -> group -> F1 of each run that has it; and label -> number of gold records."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    support: dict[str, float] = {}
    for group in section.groups:
        for run in group.counted:
            tables = run.results.get("tables") or {}
            rows = (tables.get(split) or {}).get("per_label") or run.results.get("per_label") or []
            for row in rows:
                if isinstance(row.get("f1"), int | float) and "label" in row:
                    found[str(row["label"])][group.label].append(row["f1"])
                    support[str(row["label"])] = float(row.get("gold", row.get("support", 0)))
    return found, support
