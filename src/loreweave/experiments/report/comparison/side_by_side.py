"""Scores per label of the systems side by side."""

from __future__ import annotations

import statistics
from dataclasses import replace

from loreweave.experiments.report.comparison.results import Compared
from loreweave.experiments.report.figures import labels
from loreweave.experiments.report.parts import NotShown, Part, Table


def draw(found: Compared) -> Part | NotShown:
    """Scores per label side by side."""
    drawn = labels.draw(found.section)
    if isinstance(drawn, NotShown):
        return drawn
    names = [system.label for system in found.section.groups]
    split = found.section.splits[-1]
    by_label, support = labels.scores_of(found.section, split)
    rows = []
    for label in sorted(by_label, key=lambda label: -support[label]):
        means = [statistics.mean(of) if (of := by_label[label].get(name)) else None for name in names]
        differences = [None if mean is None or means[0] is None else 100 * (mean - means[0]) for mean in means[1:]]
        rows.append([label, support[label], *means, *differences])
    columns = ["label", "support", *names, *(f"{name} - {names[0]}, points" for name in names[1:])]
    side_by_side = Table("labels_side_by_side", columns, rows)
    return replace(drawn, tables=[side_by_side, *(replace(table, shown=0) for table in drawn.tables)])
