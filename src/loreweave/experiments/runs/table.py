"""`loreweave runs`: one table of the runs in folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.csv_tables import write_csv
from loreweave.experiments.runs.columns import Columns, columns_of
from loreweave.experiments.runs.data_names import data_names
from loreweave.experiments.runs.fact_names import ORIGIN, check_name
from loreweave.experiments.runs.folders import find_runs, run_names
from loreweave.experiments.runs.listing import Condition, Facts, facts_of, in_order, select
from loreweave.experiments.runs.recorded import STATES, RecordedRun
from loreweave.training.runs.event_files import EventFiles


@dataclass(frozen=True)
class RunTable:
    """Runs with what is known about them.

    Attributes:
        columns: names of the facts that are shown.
        rows: everything that is known about each run.
        title: how many runs there are, by their states.
        runs: the runs themselves.
        settings: those columns that are settings that differ between the runs.
        more: further settings that differ between the runs and have no column.
    """

    columns: list[str]
    rows: list[Facts]
    title: str
    runs: list[RecordedRun]
    settings: list[str] = field(default_factory=list)
    more: list[str] = field(default_factory=list)

    def cells(self) -> list[list[object]]:
        """The shown values of each run."""
        return [[facts.get(name) for name in self.columns] for facts in self.rows]

    def write(self, path: Path) -> None:
        """Write all facts as CSV, one row per run: its origin, then the settings and scores of any run, then costs."""
        groups = (ORIGIN, *(run.settings for run in self.runs), *(run.scores for run in self.runs), *self.rows)
        names = list(dict.fromkeys(name for group in groups for name in group))
        write_csv(path, names, ([facts.get(name) for name in names] for facts in self.rows))

    def write_event_files(self, folder: Path) -> None:
        """Write the metrics and settings of each run that can be read as event files for TensorBoard, one folder per run."""
        readable = [run for run in self.runs if run.state != "unreadable"]
        for run, name in zip(readable, run_names(readable) if readable else (), strict=True):
            EventFiles(folder / name, run.rows, run.settings).close()

    def left_out_columns(self) -> str:
        """Which settings differ and have no column, and how to see them; empty if there are none."""
        if not self.more:
            return ""
        differ = counted(len(self.more), "more setting differs", "more settings differ")
        shows = "shows it" if len(self.more) == 1 else "shows one"
        return f"{differ}: {listed(self.more)} (--column NAME {shows}, and --output FILE.csv writes everything)"

    def notes(self) -> list[str]:
        """Lines below the table: settings without a column, and the title."""
        return [*filter(None, [self.left_out_columns()]), self.title]

    def left_out(self) -> list[str]:
        """A line for each run without event files, because it cannot be read."""
        return [f"left out, not readable: {run.error}" for run in self.runs if run.state == "unreadable"]


def list_runs(
    folders: Sequence[Path],
    conditions: Sequence[Condition] = (),
    *,
    sort: str | None = None,
    reverse: bool = False,
    columns: Sequence[str] = (),
    width: int | None = None,
) -> RunTable:
    """The runs in folders and their subfolders, as a table.

    Args:
        folders: runs, or folders with runs in them.
        conditions: what a run must meet.
        sort: name of the fact to sort by. Default: by path.
        reverse: largest first.
        columns: names of the facts to show. Default: see `columns_of`.
        width: number of characters in a line of the window, if it is known; settings that differ are shown as far as they fit.

    Raises:
        DataError: a folder does not exist, or has no run.
        ConfigurationError: no run has a fact of a name.
    """
    runs = find_runs(folders)
    by_path = dict(zip((str(run.path) for run in runs), runs, strict=True))
    everything = [facts_of(run, data) for run, data in zip(runs, data_names(runs), strict=True)]
    for name in columns:
        check_name("--column", name, everything)
    rows = select(everything, conditions)
    if sort is not None:
        check_name("--sort", sort, everything)
        rows = in_order(rows, sort, reverse)
    elif reverse:
        rows.reverse()
    kept = [by_path[facts["run"]] for facts in rows]
    chosen = Columns(list(columns), [], []) if columns else columns_of(kept, rows, width)
    return RunTable(chosen.names, rows, _title(rows, runs), kept, chosen.settings, chosen.more)


def _title(rows: Sequence[Facts], runs: Sequence[RecordedRun]) -> str:
    states = Counter(facts["state"] for facts in rows)
    of = f" of {len(runs):,}" if len(rows) < len(runs) else ""
    named = ", ".join(f"{states[state]:,} {state}" for state in STATES if states[state])
    return f"{counted(len(rows), 'run')}{of}{f': {named}' if named else ''}"
