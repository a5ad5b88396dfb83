"""Attention of the entities, or of the first token where there is none, on the words by position in the text."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from loreweave.attention.figures.style import finish, line, panels
from loreweave.attention.tables import ITSELF, Row, Table, interval
from loreweave.corpus.counts import counted
from loreweave.picture_style import COLOURS

MOST_LINES = 11
"""Maximum number of bins that are drawn by layer, those with the largest means; as in the LUKE thesis."""
_NAMES = {"share": "sum over the bin", "mean weight": "mean of its tokens"}


def draw(table: Table) -> Figure:
    """By layer, a line for each bin: the sum over its tokens, and their mean; and the sums as means over all layers."""
    figure, axes = panels(3, share_x=False, share_y=False, height=2.4)
    bins = list(dict.fromkeys(name for name, _ in table.rows))
    for panel, (what, title) in zip(axes, _NAMES.items(), strict=False):
        rows = {name: table.rows[name, what] for name in bins}
        kept = sorted(rows, key=lambda name: -float(rows[name].mean.mean()))[:MOST_LINES]
        for number, name in enumerate(bins):
            if name in kept:
                line(panel, table.layers, rows[name], number, f"bin {name}" if name.isdigit() else name, _colour(number, bins))
        panel.set_title(title if len(kept) == len(bins) else f"{title}: {len(kept)} of {len(bins)} bins")
        panel.set_yscale("log")
    _over_layers(axes[2], {name: table.rows[name, "share"] for name in bins})
    return finish(figure, axes, f"attention of {_source(table)} (n = {table.rows[bins[0], 'share'].values})", columns=6)


def _source(table: Table) -> str:
    """Whose attention it is: texts without an entity have no row `itself`."""
    texts = max(row.values for (name, _), row in table.rows.items() if name != ITSELF)
    of_entities = table.rows[ITSELF, "share"].values if (ITSELF, "share") in table.rows else 0
    if not of_entities:
        return "the first token"
    if of_entities == texts:
        return "the entities"
    return f"the entities ({counted(of_entities, 'text')}) or the first token ({counted(texts - of_entities, 'text')})"


def _over_layers(panel: Axes, rows: Mapping[str, Row]) -> None:
    """The mean over the layers for each bin, with its interval."""
    last = list(rows)[-1]
    for number, row in enumerate(rows.values()):
        mean, low, high = interval(row.each.mean(axis=1), seed=0)
        panel.vlines(number, low, high, color=_colour(number, list(rows)))
        panel.plot(number, mean, "o", color=_colour(number, list(rows)))
    panel.set_title("sum, mean over the layers")
    panel.set_xlabel("bin" if last.isdigit() else f"bin ({len(rows) - 1}: {last})")


def _colour(number: int, bins: list[str]) -> str:
    """Colour of a bin: from dark to light along the text."""
    if not bins[number].isdigit():
        return COLOURS[1]
    return to_hex(matplotlib.colormaps["viridis"](0.9 * number / max(1, len(bins) - 1)))
