"""Maps: many numbers of each run or record as a place in a plane, by PCA and by t-SNE."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

from loreweave.experiments.report.style import legend_below, two_diagrams
from loreweave.metrics.analysis.neighbour_maps import neighbour_map

READING = "PCA preserves distances. t-SNE preserves only neighbours: distances between its clusters mean nothing."
COLUMNS = ("PCA 1", "PCA 2", "t-SNE 1", "t-SNE 2")
EQUAL = "they would all be at one place, so that there is no map"


@dataclass(frozen=True)
class Map:
    """Places of each row.

    Attributes:
        flat: by PCA [rows, 2].
        near: by t-SNE [rows, 2].
        explained: shares of the variance that both components of PCA have.
    """

    flat: np.ndarray
    near: np.ndarray
    explained: Sequence[float]

    def cells(self, row: int) -> list[object]:
        """The values of `COLUMNS` for a row."""
        return [*map(float, [*self.flat[row], *self.near[row]])]

    def figure(self, scatter: Callable[[Axes, np.ndarray], None]) -> Figure:
        """Both maps side by side; `scatter` draws the points at their places, with labels."""
        figure, (left, right) = two_diagrams()
        for axes, places, title in ((left, self.flat, "PCA"), (right, self.near, "t-SNE")):
            scatter(axes, places)
            axes.set_title(title, fontsize=9)
        left.set_xlabel(f"component 1 ({self.explained[0]:.0%} of the variance)")
        left.set_ylabel(f"component 2 ({self.explained[1]:.0%})")
        legend_below(figure, left)
        return figure


def map_of(table: np.ndarray) -> Map | None:
    """The map of a table [rows, features]; None if there is none (see `neighbour_map`)."""
    values = table.astype(float)
    near = neighbour_map(values, seed=0)
    if near is None:
        return None
    pca = PCA(2, random_state=0).fit(values)
    return Map(pca.transform(values), near[0], [float(share) for share in pca.explained_variance_ratio_])
