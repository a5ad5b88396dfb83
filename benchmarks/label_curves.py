"""Score against number of labels: the curves of the table in types_from_links.md, as a picture.

    python benchmarks/label_curves.py [--page benchmarks/types_from_links.md] [--output benchmarks/label_curves.svg]
        [--heading "Learning rate"] [--above "words 3e-5"]

Reads the first table below a heading of the page whose first columns are `data` and `from` (from `knowledge_starts.py
--table`). Each data set is a panel, each further column a curve: the mean over seeds of pre-training, with a band of one
standard deviation. The number of labels is on a logarithmic scale. With `--above`, the picture shows the points above this
column, so that small differences can be seen.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loreweave.picture_style import COLOURS, MARKERS, styled, svg_of

FOLDER = Path(__file__).resolve().parent
_HEADER = "| data | from |"
_AMOUNT = re.compile(r"(\d[\d,]*)(?: labels|-shot|$)")
_COLUMNS = 3
_CLOSE = 1.5
"""Factor between two numbers of labels whose ticks would overlap."""

Point = tuple[int, float, float]
"""Number of labels (or shots), mean, and standard deviation (0 for one seed)."""
Curves = dict[str, list[Point]]
"""Name of a start -> its points."""


def read_curves(page: str, heading: str) -> dict[str, Curves]:
    """Name of a data set -> its curves, from the page's first table of scores below a heading."""
    lines = iter(page.partition(f"## {heading}\n")[2].splitlines())
    header = next(line for line in lines if line.startswith(_HEADER))
    starts = [re.sub(r" \(\d+\)", "", name) for name in _cells(header)[2:]]
    next(lines)
    found: dict[str, Curves] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        if not line.startswith("|"):
            break
        data, amount, *scores = _cells(line)
        for start, score in zip(starts, scores, strict=True):
            mean, _, deviation = score.partition(" ± ")
            found[data][start].append((_number(amount), float(mean), float(deviation or 0)))
    return found


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def _number(amount: str) -> int:
    """Number of "200 labels", "all 1,304" and "5-way 1-shot"."""
    found = _AMOUNT.search(amount)
    assert found is not None, amount
    return int(found[1].replace(",", ""))


def above(curves: dict[str, Curves], baseline: str) -> dict[str, Curves]:
    """The same with the difference to the mean of one of the curves."""
    means = {data: {number: mean for number, mean, _ in found[baseline]} for data, found in curves.items()}
    return {
        data: {start: [(n, mean - means[data][n], spread) for n, mean, spread in points] for start, points in found.items()}
        for data, found in curves.items()
    }


def draw(curves: dict[str, Curves], score: str) -> Figure:
    """A panel for each data set, and one legend; `score` is the name of the vertical axis."""
    rows = -(-len(curves) // _COLUMNS)
    figure = Figure(figsize=(7.2, 2.3 * rows + 0.3), layout="constrained")
    panels = figure.subplots(rows, _COLUMNS, squeeze=False).flatten()
    for panel, (data, found) in zip(panels, curves.items(), strict=False):
        _panel(panel, data, found, score)
    for panel in panels[len(curves) :]:
        panel.set_axis_off()
    lines, names = panels[0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside lower center", ncols=len(names))
    return figure


def _panel(panel: Axes, data: str, curves: Curves, score: str) -> None:
    for (start, points), colour, marker in zip(curves.items(), COLOURS, MARKERS, strict=False):
        numbers, means, deviations = (list(values) for values in zip(*points, strict=True))
        panel.plot(numbers, means, color=colour, marker=marker, label=start)
        low, high = ([mean + side * d for mean, d in zip(means, deviations, strict=True)] for side in (-1, 1))
        panel.fill_between(numbers, low, high, color=colour, alpha=0.2, linewidth=0)
    shots = data == "fewrel"
    panel.set(title=data, xscale="log", xlabel="examples per relation" if shots else "labels", ylabel=score)
    numbers = sorted({number for points in curves.values() for number, _, _ in points})
    ticks = [number for number, larger in pairwise(numbers) if larger / number > _CLOSE] + numbers[-1:]
    panel.set_xticks(ticks, [f"{tick:,}" for tick in ticks], rotation=0 if shots else 45)
    panel.minorticks_off()


def main() -> None:
    """Read the page and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", type=Path, default=FOLDER / "types_from_links.md")
    parser.add_argument("--output", type=Path, default=FOLDER / "label_curves.svg")
    parser.add_argument("--heading", default="Scores", help="heading above the table")
    parser.add_argument("--above", metavar="COLUMN", help="show points above this column")
    options = parser.parse_args()
    curves, score = read_curves(options.page.read_text(encoding="utf-8"), options.heading), "score, percent"
    if options.above is not None:
        curves, score = above(curves, options.above), f"points above {options.above}"
    with styled():
        options.output.write_bytes(svg_of(draw(curves, score)))


if __name__ == "__main__":
    main()
