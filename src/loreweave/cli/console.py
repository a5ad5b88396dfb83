"""Output of commands: tables and progress bars on a terminal, plain lines elsewhere.

Results go to standard output and messages to standard error, so that a pipe receives results only. With several
processes, only the first one writes.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TextIO, TypeVar

from loreweave.corpus.files.writing import json_text

R = TypeVar("R")

SECONDS_BETWEEN_LINES = 10.0
WIDTH = 80
"""Number of characters per line that fit everywhere."""
_BORDER, _TAB = 3, 8
"""Width of a cell's borders, and maximum width of a tab."""
MOST_ROWS = 20
"""Maximum number of rows that are shown of an evaluation's table."""


class Advance(Protocol):
    """Advances a progress bar by a number of steps."""

    def __call__(self, steps: int = 1) -> None: ...


def say(message: str) -> None:
    """Print one message line on standard error."""
    if not _speaks():
        return
    if "tqdm" in sys.modules:  # a bar may be open, and the line belongs above it
        from tqdm import tqdm

        tqdm.write(message, file=sys.stderr)
        sys.stderr.flush()
    else:
        print(message, file=sys.stderr, flush=True)


def window_width() -> int | None:
    """Number of characters in a line of the terminal; None if standard output is none."""
    if not _is_terminal(sys.stdout):
        return None
    return shutil.get_terminal_size().columns


def say_written(output: Path | None) -> None:
    """Print where results and predictions were written, if they were."""
    if output is not None:
        say(f"The numbers are in {output / 'results.json'}, the predictions in {output / 'predictions'}.")


def show_json(value: Any) -> None:
    """Print only JSON on standard output."""
    if _speaks():
        print(json_text(value, indent=2))


def show_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None, always_titled: bool = False
) -> None:
    """Print a table on standard output, whose cells wrap; without a terminal, a header and lines of tab-separated cells.

    `always_titled` prints the title before such lines too, for commands that show several tables.
    """
    if not _speaks() or not columns:
        return
    cells = [[_cell(value) for value in row] for row in rows]
    if not _is_terminal(sys.stdout):
        if title is not None and always_titled:
            print(title)
        for row in [list(columns), *cells]:
            print("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def show_facts(facts: Mapping[str, Mapping[str, object]], *, title: str, what: str = "what", width: int = WIDTH) -> None:
    """Print facts about several things, one fact per line and one column per thing; or one table each if that is too wide.

    Args:
        facts: name of a thing -> fact -> value.
        title: title of the table; comes before the name of the thing if each has its own table.
        what: heading of the column of facts.
        width: maximum number of characters per line.
    """
    names = list(dict.fromkeys(name for row in facts.values() for name in row))
    columns = [[what, *names], *([thing, *(_cell(row.get(name)) for name in names)] for thing, row in facts.items())]
    between = _BORDER if _is_terminal(sys.stdout) else _TAB
    if sum(max(map(len, column)) + between for column in columns) < width:
        rows = zip(*(column[1:] for column in columns), strict=True)
        show_table([column[0] for column in columns], list(rows), title=title, always_titled=True)
        return
    for thing, row in facts.items():
        show_table((what, "value"), list(row.items()), title=f"{title}: {thing}", always_titled=True)


def show_evaluation(metrics: Mapping[str, float], tables: Mapping[str, Sequence[Mapping[str, Any]]], *, title: str) -> None:
    """Print the tables of an evaluation, shortened if they are long, then its metrics."""
    show_tables(tables)
    show_table(("metric", "value"), list(metrics.items()), title=title, always_titled=bool(tables))


def show_tables(tables: Mapping[str, Sequence[Mapping[str, Any]]], of: str = "") -> None:
    """Print the tables of an evaluation, shortened if they are long; `of` names the data in their titles.

    Rows of errors without cases are left out.
    """
    for name, every in tables.items():
        rows = [row for row in every if row.get("cases", 1)]
        heading = f"{name.replace('_', ' ')}{of and f', {of}'}"
        if rows:
            show_table(list(rows[0]), [list(row.values()) for row in rows[:MOST_ROWS]], title=heading, always_titled=True)
        if len(rows) > MOST_ROWS:
            say(f"{heading}: {MOST_ROWS} of {len(rows)} rows; --json and results.json have them all")


def show_counts(counts: Mapping[str, Any], output: Path, *, always: Sequence[str] = (), as_json: bool = False) -> None:
    """Print what a command read, kept and left out on the way to `output`: as JSON, or as a table of the non-zero counts.

    `always` has names of counts that are shown even if they are zero.
    """
    if as_json:
        show_json({"output": str(output), **counts})
        return
    rows = [(name.replace("_", " "), count) for name, count in counts.items() if count or name in always]
    show_table(("what", "count"), rows)
    say(f"wrote {output}")


def steps_from_count(advance: Advance, count: Callable[[R], int]) -> Callable[[R], None]:
    """A function that advances a bar by what a running report has more than the last time.

    Args:
        count: number of finished steps in a report.

    Example:
        >>> steps = []
        >>> show = steps_from_count(steps.append, len)
        >>> show("ab"), show("abcde"), steps
        (None, None, [2, 3])
    """
    done = 0

    def show(report: R) -> None:
        nonlocal done
        seen = count(report)
        advance(seen - done)
        done = seen

    return show


@contextmanager
def progress(description: str, total: int | None = None) -> Iterator[Advance]:
    """A progress bar on standard error; without a terminal, a line every ten seconds and one at the end.

    Example:
        >>> with progress("encoding", total=2) as advance:
        ...     advance(2)
    """
    if not _speaks():
        yield lambda steps=1: None
    elif _is_terminal(sys.stderr):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(description, total=total)
            yield lambda steps=1: bar.advance(task, steps)
    else:
        lines = _ProgressLines(description, total)
        yield lines
        lines.show()


class _ProgressLines:
    """Progress for logs: few, complete lines."""

    def __init__(self, description: str, total: int | None) -> None:
        self.description, self.total = description, total
        self.done = 0
        self.started = self.shown = time.monotonic()

    def __call__(self, steps: int = 1) -> None:
        self.done += steps
        if time.monotonic() - self.shown >= SECONDS_BETWEEN_LINES:
            self.show()

    def show(self) -> None:
        self.shown = time.monotonic()
        of = f"/{self.total}" if self.total is not None else ""
        say(f"{self.description}: {self.done}{of} ({self.shown - self.started:.0f} s)")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty()


def _speaks() -> bool:
    """Whether this is the only or the first of several processes (torchrun and Accelerate set RANK)."""
    return os.environ.get("RANK", "0") == "0"
