"""What a figure gives to a report: pictures, tables and a caption."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from loreweave.experiments.report.sections import Section


@dataclass(frozen=True)
class Table:
    """A table; `name` is that of its file.

    Attributes:
        name: letters, digits and underscores.
        columns: names of the columns, all different.
        rows: the cells: values, or `Cell`. None is an empty cell.
        shown: number of rows on the page; the file has all of them.
        title: what the rows are, where a part has several tables of a kind.
        about: how to read them, where that is not in the caption of the part.
    """

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    shown: int = 50
    title: str = ""
    about: str = ""


@dataclass(frozen=True)
class Lines:
    """Rows that only have a file, in JSON Lines; `name` is that of the file."""

    name: str
    rows: Sequence[Mapping[str, object]]


@dataclass(frozen=True)
class Picture:
    """A picture; `name` is that of its files, and `text` says in words what it shows."""

    name: str
    figure: Figure
    text: str


@dataclass(frozen=True)
class Part:
    """One figure of a section: what is shown, how it was computed, and what was left out.

    Attributes:
        title: a short heading.
        caption: how to read it, with definitions.
        pictures: the pictures.
        tables: the tables.
        notes: what the reader must know, such as runs that were left out, and why.
        lines: rows for other programs, which are not on the page.
    """

    title: str
    caption: str
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = field(default_factory=tuple)
    lines: Sequence[Lines] = ()


@dataclass(frozen=True)
class NotShown:
    """A figure that does not apply to a section, with the reason."""

    reason: str


def not_shown(left: Mapping[str, str]) -> str:
    """Figures with the reasons why they are not shown, in one line; each reason once."""
    names: dict[str, list[str]] = {}
    for name, reason in left.items():
        names.setdefault(reason, []).append(name)
    return "; ".join(f"{', '.join(of)} ({reason})" for reason, of in names.items())


Draw = Callable[["Section"], "Part | NotShown"]
"""A figure: from the runs of a section to a part of the report."""
