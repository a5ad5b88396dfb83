"""Plot of sub-words' states in two dimensions, coloured by latent type: t-SNE and PCA, as one SVG without scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import numpy as np

from loreweave.metrics.analysis.neighbour_maps import are_equal, neighbour_map

LEAST_POINTS = 10
"""Minimum number of sub-words for a plot."""
_COMPONENTS = 50
COLOURS = (
    "#1f6fb4", "#e8590c", "#2b8a3e", "#c2255c", "#7048e8", "#b08900", "#0c8599", "#862e9c", "#a0522d", "#5c940d", "#364fc7",
    "#d6336c", "#087f5b", "#e67700",
)  # fmt: skip
"""Colours of the most frequent types, in order."""
OTHER, UNSELECTED = "#9aa3ad", "#d9dde2"
_SIZE, _MARGIN, _GAP, _TITLE = 430, 10, 24, 26


@dataclass(frozen=True)
class Layout:
    """Positions of the same sub-words in two planes.

    Attributes:
        tsne, pca: positions. [sub-words, 2]
        explained: share of the variance in each of the two principal components.
        divergence: the value that t-SNE minimised, in nats.
    """

    tsne: np.ndarray
    pca: np.ndarray
    explained: tuple[float, float]
    divergence: float


def lay_out(states: np.ndarray, seed: int) -> Layout | None:
    """Positions of states [sub-words, hidden]; None if there are too few for a plot, or all of them are equal.

    t-SNE uses the first 50 principal components.
    """
    from sklearn.decomposition import PCA

    if len(states) < LEAST_POINTS or are_equal(states):
        return None
    components = PCA(min(_COMPONENTS, *states.shape), svd_solver="full", random_state=seed)
    reduced = components.fit_transform(states.astype(np.float64))
    near = neighbour_map(reduced, seed)
    if near is None:
        return None
    first, second = components.explained_variance_ratio_[:2]
    return Layout(near[0], reduced[:, :2], (float(first), float(second)), near[1])


def draw(layout: Layout, types: np.ndarray, names: Mapping[int, str]) -> str:
    """SVG of both planes side by side; its legend comes from `legend`.

    Args:
        types: types of the sub-words. [sub-words]
        names: names of the types with a colour, the most frequent first.
    """
    width, height = 2 * _SIZE + _GAP, _SIZE + _TITLE
    share = " + ".join(f"{100 * part:.0f} %" for part in layout.explained)
    panels = [("t-SNE", layout.tsne), (f"PCA ({share} of the variance)", layout.pca)]
    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="t-SNE and PCA of sub-words by type">']
    for number, (title, places) in enumerate(panels):
        left = number * (_SIZE + _GAP)
        parts.append(f'<g transform="translate({left} 0)"><text x="2" y="16">{escape(title)}</text>')
        parts.append(f'<rect x="0" y="{_TITLE}" width="{_SIZE}" height="{_SIZE}" class="frame"/>')
        parts += _dots(_scaled(places), types, names)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"])


def legend(names: Mapping[int, str]) -> list[tuple[str, str]]:
    """(colour, name) of each kind of dot."""
    return [*zip(COLOURS, names.values(), strict=False), (OTHER, "other types"), (UNSELECTED, "0, not selected")]


def _scaled(places: np.ndarray) -> np.ndarray:
    """Positions in the frame, in tenths of a pixel, y downwards. The most distant 0.1 % are moved to its edge."""
    low, high = np.quantile(places, (0.001, 0.999), axis=0)
    middle, span = (low + high) / 2, max(float((high - low).max()), 1e-12) * 1.04
    unit = np.clip((places - middle) / span * (1, -1), -0.5, 0.5) + 0.5
    return np.round((_MARGIN + unit * (_SIZE - 2 * _MARGIN) + (0, _TITLE)) * 10).astype(int)


def _dots(places: np.ndarray, types: np.ndarray, names: Mapping[int, str]) -> list[str]:
    """A path of round dots for each colour, the unselected ones below."""
    coloured = dict(zip(names, COLOURS, strict=False))
    groups: list[tuple[str, str, np.ndarray]] = [
        (UNSELECTED, "0, not selected", types == 0),
        (OTHER, "other types", (types != 0) & ~np.isin(types, list(coloured))),
        *((colour, names[kind], types == kind) for kind, colour in coloured.items()),
    ]
    return [_path(places[chosen], colour, name) for colour, name, chosen in groups if chosen.any()]


def _path(places: np.ndarray, colour: str, name: str) -> str:
    dots = "".join(f"M{_tenths(x)} {_tenths(y)}h0" for x, y in places.tolist())
    return f'<path class="dots" stroke="{colour}" d="{dots}"><title>{escape(name)}</title></path>'


def _tenths(value: int) -> str:
    return f"{value // 10}.{value % 10}" if value % 10 else str(value // 10)
