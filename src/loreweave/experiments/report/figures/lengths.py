"""Share of records that are exactly right, by the length of their texts."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from loreweave.experiments.report.parts import NotShown, Part, Picture, Table
from loreweave.experiments.report.prediction_rows import has_gold, is_right
from loreweave.experiments.report.sections import Section
from loreweave.experiments.report.style import legend_below, looks, new_figure

_PARTS = 5
_TEXTS = ("text", "context", "query")


def draw(section: Section) -> Part | NotShown:
    """One line per group over five parts of equal numbers of records, from short to long texts."""
    split = section.splits[-1] if section.splits else "dev"
    found: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    for group in section.groups:
        for run in group.finished:
            for row in run.predictions(split):
                text = next((row[name] for name in _TEXTS if isinstance(row.get(name), str)), None)
                if text is not None and has_gold(row):
                    found[group.label].append((len(text.split()), is_right(row)))
    lengths = sorted({length for pairs in found.values() for length, _ in pairs})
    if len(lengths) < 2:
        return NotShown("the predictions have no texts of different lengths with gold answers")
    every = [length for pairs in found.values() for length, _ in pairs]
    edges = np.unique(np.quantile(every, np.linspace(0, 1, _PARTS + 1)))
    figure, axes = new_figure()
    rows: list[list[object]] = []
    names = [f"{edges[place]:.0f} to {edges[place + 1]:.0f}" for place in range(len(edges) - 1)]
    for (colour, dash), (label, pairs) in zip(looks(len(found)), found.items(), strict=True):
        places = np.clip(np.searchsorted(edges, [length for length, _ in pairs], side="right") - 1, 0, len(names) - 1)
        right = np.array([hit for _, hit in pairs], dtype=float)
        means = [float(right[places == place].mean()) if (places == place).any() else np.nan for place in range(len(names))]
        axes.plot(range(len(names)), means, dash, color=colour, marker="o", ms=4, label=label)
        rows += [[label, name, int((places == place).sum()), means[place]] for place, name in enumerate(names)]
    axes.set_xticks(range(len(names)), names)
    axes.set_xlabel("words in the text")
    axes.set_ylabel(f"{split} records exactly right")
    axes.set_ylim(bottom=0)
    legend_below(figure, axes)
    table = Table("lengths", ["group", "words", "records of all runs", "exactly right"], rows)
    picture = Picture("lengths", figure, "Share of exactly right records by length of the text.")
    caption = "A record is right if its whole prediction equals the gold answer. Words are separated by blanks."
    return Part("Scores by length", caption, [picture], [table])
