"""A map of the records by the logits of the best run: which classes the model separates."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from loreweave.experiments.report.outputs import class_outputs
from loreweave.experiments.report.parts import NotShown, Part, Picture, Table
from loreweave.experiments.report.sections import Section
from loreweave.experiments.report.style import legend_below, two_diagrams
from loreweave.picture_style import COLOURS

_MOST, _FEWEST = 1000, 20
_OTHERS = "other classes"


def draw(section: Section) -> Part | NotShown:
    """PCA and t-SNE of the logits of each record; the colours are the most frequent gold classes."""
    split = section.splits[-1] if section.splits else "dev"
    run = section.best_run(lambda run: class_outputs(run, split) is not None)
    found = None if run is None else class_outputs(run, split)
    if run is None or found is None or not np.isfinite(found.logits).all():
        return NotShown("no finished run has predictions of classes with finite logits")
    if len(found.logits) < _FEWEST or found.logits.shape[1] < 3:
        return NotShown(f"needs {_FEWEST} records and three classes; found {len(found.logits)} and {found.logits.shape[1]}")
    chosen = np.sort(np.random.default_rng(0).permutation(len(found.logits))[:_MOST])
    logits, gold = found.logits[chosen].astype(float), found.gold[chosen]
    shown = np.argsort(-gold.sum(axis=0), kind="stable")[: len(COLOURS) - 1]
    names = [next((found.labels[label] for label in shown if truth[label]), _OTHERS) for truth in gold]
    pca = PCA(2, random_state=0).fit(logits)
    flat = pca.transform(logits)
    near = TSNE(2, perplexity=min(30.0, (len(logits) - 1) / 3), random_state=0, init="pca").fit_transform(logits)
    figure, (left, right) = two_diagrams()
    for axes, places, title in ((left, flat, "PCA"), (right, near, "t-SNE")):
        _scatter(axes, places, names, [found.labels[label] for label in shown])
        axes.set_title(title, fontsize=9)
    left.set_xlabel(f"component 1 ({pca.explained_variance_ratio_[0]:.0%} of the variance)")
    left.set_ylabel(f"component 2 ({pca.explained_variance_ratio_[1]:.0%})")
    legend_below(figure, left)
    rows = [
        [found.rows[place].get("id"), name, *map(float, [*flat[number], *near[number]])]
        for number, (place, name) in enumerate(zip(chosen, names, strict=True))
    ]
    caption = (
        f"One point per record of the {split} data, by the logits of {run.path.name}; colours are gold classes (the first of "
        "several). PCA keeps distances; t-SNE only keeps neighbours, and distances between its clusters mean nothing."
    )
    notes = [f"{_MOST} of {len(found.logits):,} records, drawn at random"] if len(found.logits) > _MOST else []
    table = Table("records_map", ["id", "class", "PCA 1", "PCA 2", "t-SNE 1", "t-SNE 2"], rows, shown=0)
    picture = Picture("records_map", figure, "Records by the logits of the best run.")
    return Part("Map of the records", caption, [picture], [table], notes)


def _scatter(axes: Axes, places: np.ndarray, names: list[str], shown: list[str]) -> None:
    for colour, name in zip(COLOURS, [*shown, _OTHERS], strict=False):
        chosen = [place for place, other in enumerate(names) if other == name]
        if chosen:
            axes.scatter(places[chosen, 0], places[chosen, 1], s=7, alpha=0.6, linewidths=0, color=colour, label=name)
