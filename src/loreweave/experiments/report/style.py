"""Diagrams, looks of lines, and legends of the figures of reports."""

from __future__ import annotations

from itertools import cycle, islice, product

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loreweave.experiments.report.sections import Section
from loreweave.picture_style import COLOURS

_CHARACTERS = 100
"""Number of characters of a legend that fit beside each other."""
_LONGEST = 90
"""Number of characters of the longest entry of a legend."""
LONGEST_TICK = 40
"""Number of characters of the longest name at an axis."""
OTHERS = "#b0b0b0"
"""Colour of what a picture does not tell apart."""
_DASHES = ("-", "--", ":", "-.")


def new_figure(width: float = 6.4, height: float = 4.0) -> tuple[Figure, Axes]:
    """A figure with one diagram; sizes in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def two_diagrams(width: float = 7.2, height: float = 3.6) -> tuple[Figure, tuple[Axes, Axes]]:
    """A figure with two diagrams side by side."""
    figure = Figure(figsize=(width, height), layout="constrained")
    left, right = figure.subplots(1, 2)
    return figure, (left, right)


def group_colours(section: Section) -> dict[str, str]:
    """Colour of each group that pictures tell apart, by its label: the same in all figures of the section."""
    return dict(zip((group.label for group in section.leading), COLOURS, strict=False))


def looks(count: int) -> list[tuple[str, str]]:
    """Colour and dashes of each of several lines; the first seven differ in colour, the others also in dashes."""
    return list(islice(cycle((colour, dash) for dash, colour in product(_DASHES, COLOURS)), count))


def legend_below(figure: Figure, axes: Axes, least: int = 2) -> None:
    """Put one legend below the diagrams, if at least `least` things have a label."""
    handles, labels = axes.get_legend_handles_labels()
    labels = [shortened(label, _LONGEST) for label in labels]
    if len(handles) >= least:
        columns = max(1, min(len(labels), _CHARACTERS // (max(map(len, labels)) + 6)))
        figure.legend(handles, labels, loc="outside lower left", ncols=columns, fontsize=8)


def shortened(text: str, most: int) -> str:
    """A text that fits into a picture: its beginning and its end, where names of settings and of runs differ."""
    end = most // 3
    return text if len(text) <= most else f"{text[: most - end - 3]}...{text[-end:]}"
