"""The folder of a report: the page, its pictures and its tables, and the file that says what they show."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from matplotlib import rc_context

from loreweave.corpus.counts import listed
from loreweave.corpus.files.csv_tables import write_csv
from loreweave.corpus.files.writing import write_json, write_json_lines, write_text
from loreweave.errors import ConfigurationError
from loreweave.experiments.report.cells import Cell
from loreweave.experiments.report.page import Drawn, page_html
from loreweave.experiments.report.parts import NotShown, Part, not_shown
from loreweave.picture_style import png_of, styled, svg_of, without_glyphs
from loreweave.training.settings.configuration import unknown_name

PAGE, MANIFEST = "index.html", "report.json"
_BOXES = (
    "no installed font has all characters of these texts: they appear as boxes in the PNG, and as text in the SVG and the "
    "tables (the Noto fonts have most characters)"
)
_SHOWN_TEXTS = 10
_FIRST = "Not readable"
"""Heading of the parts that are on the page before all sections."""


@dataclass(frozen=True)
class Written:
    """What a report shows.

    Attributes:
        figures: section -> names of the figures that are shown.
        left_out: section -> figure -> why it is not shown.
    """

    figures: dict[str, list[str]] = field(default_factory=dict)
    left_out: dict[str, dict[str, str]] = field(default_factory=dict)


Figures = Mapping[str, Callable[[], Part | NotShown]]
"""Figures of a section by name."""


def write_report(
    folder: Path,
    title: str,
    answers: Sequence[str],
    sections: Mapping[str, tuple[str, Figures]],
    facts: Mapping[str, Any],
    always: Mapping[str, Part] | None = None,
) -> Written:
    """Draw all figures, and write the page, the pictures, the tables and the manifest.

    Args:
        folder: an existing folder.
        title: of the page.
        answers: the lines at the head of the page.
        sections: name -> prefix of the names of its files, and its figures.
        facts: further facts for the manifest.
        always: name -> part of the page before all sections, which is no figure of runs.

    Raises:
        ConfigurationError: no figure can be shown.
    """
    drawn = [
        (name, [_draw(figure, draw, folder, prefix) for figure, draw in figures.items()])
        for name, (prefix, figures) in sections.items()
    ]
    _refuse_nothing(drawn)
    shown = {name: [one.name for one in figures if isinstance(one.part, Part)] for name, figures in drawn}
    left = {name: {one.name: one.part.reason for one in figures if isinstance(one.part, NotShown)} for name, figures in drawn}
    first = [(_FIRST, [_written(name, part, folder, "") for name, part in always.items()])] if always else []
    write_text(folder / PAGE, page_html(title, answers, [*first, *drawn]))
    manifest = {"format": "loreweave report", **facts, "answers": list(answers), "figures": shown, "left_out": left}
    write_json(folder / MANIFEST, manifest)
    return Written(shown, left)


def _refuse_nothing(drawn: Sequence[tuple[str, Sequence[Drawn]]]) -> None:
    """Raise an error if no section has a figure, with the reasons."""
    if any(isinstance(one.part, Part) for _, figures in drawn for one in figures):
        return
    lines = []
    for name, figures in drawn:
        if left := {one.name: one.part.reason for one in figures if isinstance(one.part, NotShown)}:
            lines.append(f"{name}: {not_shown(left)}" if len(drawn) > 1 else not_shown(left))
    raise ConfigurationError(f"no figure can be shown: {'; '.join(lines) or '--figures and --without leave no figure'}")


def chosen_figures(figures: Sequence[str], without: Sequence[str], known: Sequence[str]) -> list[str]:
    """The names of the figures to draw: those given, by default all, without some.

    Raises:
        ConfigurationError: no figure has such a name.
    """
    for option, given in (("--figures", figures), ("--without", without)):
        for name in given:
            if name not in known:
                raise ConfigurationError(f"{option}: there is no figure {name!r}{unknown_name(name, known)}")
    return [name for name in (figures or known) if name not in without]


def _draw(name: str, draw: Callable[[], Part | NotShown], folder: Path, prefix: str) -> Drawn:
    """Draw a figure, and write its pictures and tables."""
    with styled(), rc_context({"text.parse_math": False}):
        part = draw()
        return Drawn(name, part) if isinstance(part, NotShown) else _written(name, part, folder, prefix)


def _written(name: str, part: Part, folder: Path, prefix: str) -> Drawn:
    """Write the pictures and tables of a part."""
    svgs: list[bytes] = []
    boxes: dict[str, None] = {}
    with styled(), rc_context({"text.parse_math": False}):  # the $ in the name of a label is no formula
        for picture in part.pictures:
            path = folder / "figures" / f"{prefix}{re.sub(r'[^0-9A-Za-z_.-]+', '_', picture.name)}"
            path.parent.mkdir(exist_ok=True)
            boxes |= dict.fromkeys(without_glyphs(picture.figure))
            svgs.append(svg_of(picture.figure))
            path.with_name(f"{path.name}.svg").write_bytes(svgs[-1])
            path.with_name(f"{path.name}.png").write_bytes(png_of(picture.figure))
    if boxes:
        part = replace(part, notes=[*part.notes, f"{_BOXES}: {listed(list(boxes), _SHOWN_TEXTS)}"])
    for table in part.tables:
        write_csv(folder / "tables" / f"{prefix}{table.name}.csv", table.columns, map(_in_full, table.rows))
    for lines in part.lines:
        write_json_lines(folder / "tables" / f"{prefix}{lines.name}.jsonl", lines.rows)
    return Drawn(name, part, svgs, prefix)


def _in_full(row: Sequence[object]) -> list[object]:
    """A row as it is written to a file."""
    return [cell.value if isinstance(cell, Cell) else cell for cell in row]
