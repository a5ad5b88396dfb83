"""A map of the runs by their errors: runs that confuse the same classes are near each other."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.axes import Axes

from loreweave.corpus.counts import counted
from loreweave.experiments.report.maps import COLUMNS, EQUAL, READING, map_of
from loreweave.experiments.report.outputs import NO_CLASSES, class_outputs
from loreweave.experiments.report.parts import NotShown, Part, Picture, Table
from loreweave.experiments.report.sections import Section, score_of, seed_of
from loreweave.experiments.report.style import OTHERS, group_colours
from loreweave.metrics.analysis.confusion import error_flow

_FEWEST = 5


def draw(section: Section) -> Part | NotShown:
    """PCA and t-SNE of the rates of confusion of each run, in the colours of the groups."""
    split = section.choosing
    labels: list[str] = []
    others = 0
    rows, features = [], []
    for group in section.groups:
        for run in group.finished:
            found = class_outputs(run, split)
            if found is None:
                continue
            if labels and labels != found.labels:
                others += 1
                continue
            labels = found.labels
            rates = error_flow(found.predicted, found.gold, labels).confusion.rates().filled(0.0)
            features.append(rates.ravel())
            rows.append((group.cell, seed_of(run), score_of(run, split, section.metric)))
    if not rows:
        return NotShown(NO_CLASSES)
    if len(rows) < _FEWEST:
        return NotShown(
            f"needs {_FEWEST} finished runs with predictions of the same classes; found {counted(len(rows), 'run')}"
        )
    places = map_of(np.stack(features))
    if places is None:
        return NotShown(f"all {len(rows)} runs have the same errors: {EQUAL}")
    figure = places.figure(partial(_scatter, labels=[cell.text for cell, _, _ in rows], colours=group_colours(section)))
    cells = [[*row, *places.cells(place)] for place, row in enumerate(rows)]
    columns = ["group", "seed", f"{split} {section.metric}", *COLUMNS]
    caption = (
        f"One point per finished run. Its features are the rates at which each gold class was predicted as each class on "
        f"{split} data. {READING}"
    )
    notes = [f"{counted(others, 'run has', 'runs have')} other classes and no place here"] if others else []
    picture, table = Picture("runs_map", figure, "Runs by their errors."), Table("runs_map", columns, cells)
    return Part("Map of the runs", caption, [picture], [table], [*notes, *section.left_out_of_pictures])


def _scatter(axes: Axes, places: np.ndarray, labels: list[str], colours: dict[str, str]) -> None:
    others = [place for place, label in enumerate(labels) if label not in colours]
    axes.scatter(places[others, 0], places[others, 1], s=24, color=OTHERS)
    for name, colour in colours.items():
        chosen = [place for place, label in enumerate(labels) if label == name]
        if chosen:
            axes.scatter(places[chosen, 0], places[chosen, 1], s=24, color=colour, label=name)
