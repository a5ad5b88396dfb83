"""A map of the records by the logits of the best run: which classes the model separates."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.axes import Axes

from loreweave.corpus.counts import counted
from loreweave.experiments.report.maps import COLUMNS, EQUAL, READING, map_of
from loreweave.experiments.report.outputs import NO_CLASSES, class_outputs
from loreweave.experiments.report.parts import NotShown, Part, Picture, Table
from loreweave.experiments.report.sections import Section
from loreweave.picture_style import COLOURS

_MOST, _FEWEST = 1000, 20
_OTHERS = "other classes"


def draw(section: Section) -> Part | NotShown:
    """PCA and t-SNE of the logits of each record; the colours are the most frequent gold classes."""
    split = section.last
    run = section.best_run(lambda run: class_outputs(run, split) is not None)
    found = None if run is None else class_outputs(run, split)
    if run is None or found is None:
        return NotShown(NO_CLASSES)
    if not np.isfinite(found.logits).all():
        return NotShown("the best run has logits that are not finite")
    if len(found.logits) < _FEWEST or found.logits.shape[1] < 3:
        sizes = f"{counted(len(found.logits), 'record')} and {counted(found.logits.shape[1], 'class', 'classes')}"
        return NotShown(f"needs {_FEWEST} records and three classes; found {sizes}")
    chosen = np.sort(np.random.default_rng(0).permutation(len(found.logits))[:_MOST])
    logits, gold = found.logits[chosen].astype(float), found.gold[chosen]
    shown = np.argsort(-gold.sum(axis=0), kind="stable")[: len(COLOURS) - 1]
    names = [next((found.labels[label] for label in shown if truth[label]), _OTHERS) for truth in gold]
    places = map_of(logits)
    if places is None:
        return NotShown(f"all records have the same logits: {EQUAL}")
    figure = places.figure(partial(_scatter, names=names, shown=[found.labels[label] for label in shown]))
    rows = [
        [found.rows[place].get("id"), name, *places.cells(number)]
        for number, (place, name) in enumerate(zip(chosen, names, strict=True))
    ]
    caption = (
        f"One point per record of the {split} data, by the logits of {run.path}{section.why_best}. Colours are gold classes "
        f"(the first of several). {READING}"
    )
    notes = [f"{_MOST} of {len(found.logits):,} records, drawn at random"] if len(found.logits) > _MOST else []
    table = Table("records_map", ["id", "class", *COLUMNS], rows, shown=0)
    picture = Picture("records_map", figure, "Records by the logits of the best run.")
    return Part("Map of the records", caption, [picture], [table], notes)


def _scatter(axes: Axes, places: np.ndarray, names: list[str], shown: list[str]) -> None:
    for colour, name in zip(COLOURS, [*shown, _OTHERS], strict=False):
        chosen = [place for place, other in enumerate(names) if other == name]
        if chosen:
            axes.scatter(places[chosen, 0], places[chosen, 1], s=7, alpha=0.6, linewidths=0, color=colour, label=name)
