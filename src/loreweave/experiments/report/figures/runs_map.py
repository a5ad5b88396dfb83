"""A map of the runs by their errors: runs that confuse the same classes are near each other."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from loreweave.experiments.report.outputs import class_outputs
from loreweave.experiments.report.parts import NotShown, Part, Picture, Table
from loreweave.experiments.report.sections import Section, score_of, seed_of
from loreweave.experiments.report.style import legend_below, looks, two_diagrams
from loreweave.metrics.analysis.confusion import error_flow

_FEWEST = 5


def draw(section: Section) -> Part | NotShown:
    """PCA and t-SNE of the rates of confusion of each run, in the colours of the groups."""
    split = section.splits[0] if section.splits else "dev"
    labels: list[str] = []
    rows, features = [], []
    for group in section.groups:
        for run in group.finished:
            found = class_outputs(run, split)
            if found is None or (labels and labels != found.labels):
                continue
            labels = found.labels
            rates = error_flow(found.predicted, found.gold, labels).confusion.rates().filled(0.0)
            features.append(rates.ravel())
            rows.append((group.label, seed_of(run), score_of(run, split, section.metric)))
    if len(rows) < _FEWEST:
        return NotShown(f"needs {_FEWEST} finished runs with predictions of the same classes; found {len(rows)}")
    table = np.stack(features)
    pca = PCA(2, random_state=0).fit(table)
    explained = pca.explained_variance_ratio_
    near = TSNE(2, perplexity=min(30.0, (len(rows) - 1) / 3), random_state=0, init="pca").fit_transform(table)
    flat = pca.transform(table)
    figure, (left, right) = two_diagrams()
    for axes, places, name in ((left, flat, "PCA"), (right, near, "t-SNE")):
        _scatter(axes, places, [label for label, _, _ in rows])
        axes.set_title(name, fontsize=9)
    left.set_xlabel(f"component 1 ({explained[0]:.0%} of the variance)")
    left.set_ylabel(f"component 2 ({explained[1]:.0%})")
    legend_below(figure, left)
    cells = [[*row, *map(float, [*flat[place], *near[place]])] for place, row in enumerate(rows)]
    columns = ["group", "seed", f"{split} {section.metric}", "PCA 1", "PCA 2", "t-SNE 1", "t-SNE 2"]
    caption = (
        f"One point per finished run. Its features are the rates at which each gold class was predicted as each class on "
        f"{split} data. PCA keeps distances; t-SNE only keeps neighbours, and distances between its clusters mean nothing."
    )
    return Part(
        "Map of the runs", caption, [Picture("runs_map", figure, "Runs by their errors.")], [Table("runs_map", columns, cells)]
    )


def _scatter(axes: Axes, places: np.ndarray, labels: list[str]) -> None:
    names = list(dict.fromkeys(labels))
    for (colour, _), name in zip(looks(len(names)), names, strict=True):
        chosen = [place for place, label in enumerate(labels) if label == name]
        axes.scatter(places[chosen, 0], places[chosen, 1], s=24, color=colour, label=name)
