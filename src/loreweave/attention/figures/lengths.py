"""Number of tokens of the texts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from loreweave.attention.figures.style import finish, panels
from loreweave.picture_style import COLOURS

_MOST_BARS = 50


def draw(lengths: Mapping[int, int]) -> Figure:
    """A histogram of the numbers of tokens, with their mean and standard deviation.

    Args:
        lengths: number of tokens -> number of texts.
    """
    figure, (panel,) = panels(1, height=2.2)
    sizes, counts = np.array(list(lengths)), np.array(list(lengths.values()))
    mean = float(np.average(sizes, weights=counts))
    deviation = float(np.sqrt(np.average((sizes - mean) ** 2, weights=counts)))
    width = max(1, -(-int(sizes.max() - sizes.min() + 1) // _MOST_BARS))
    edges = np.arange(sizes.min(), sizes.max() + width + 1, width) - 0.5
    panel.hist(sizes, bins=edges.tolist(), weights=counts, color=COLOURS[0], edgecolor="white", linewidth=0.3)
    panel.axvline(mean, color=COLOURS[1], label=f"mean {mean:.1f}")
    for place in (mean - deviation, mean + deviation):
        panel.axvline(place, color=COLOURS[1], linestyle="--", label=f"standard deviation {deviation:.1f}")
    panel.set_title(f"{counts.sum()} texts of {sizes.min()} to {sizes.max()} tokens")
    return finish(figure, [panel], "number of texts", x_label="number of tokens")
