"""`loreweave.report`: figures and tables about runs, as one page and plain files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from pathlib import Path

from loreweave.corpus.counts import counted
from loreweave.corpus.files.csv_tables import write_csv
from loreweave.corpus.files.writing import atomic_folder
from loreweave.errors import ConfigurationError, DataError
from loreweave.experiments.report.answers import answer_of
from loreweave.experiments.report.figures.registry import FIGURES
from loreweave.experiments.report.readable import NAME, checked, not_readable_part
from loreweave.experiments.report.sections import Group, Section, rows_of, sections_of, seed_of
from loreweave.experiments.report.writing import MANIFEST, Figures, chosen_figures, write_report
from loreweave.experiments.runs.content import CONFIG
from loreweave.experiments.runs.folders import find_runs, run_names
from loreweave.experiments.runs.recorded import RecordedRun
from loreweave.experiments.runs.thesis import write_thesis_results
from loreweave.training.runs.status import FILE as STATUS

Place = str | PathLike[str]
_LONGEST = 80
"""Maximum number of characters of the name of a section in names of files."""


@dataclass(frozen=True)
class Report:
    """A written report.

    Attributes:
        path: its folder.
        answers: one line about each section: the best group and its score.
        figures: section -> names of the figures that are shown.
        left_out: section -> figure -> why it is not shown.
    """

    path: Path
    answers: list[str]
    figures: dict[str, list[str]]
    left_out: dict[str, dict[str, str]]


def report(
    runs: Place | Sequence[Place],
    *,
    output: Place,
    figures: Sequence[str] = (),
    without: Sequence[str] = (),
    thesis: bool = False,
    overwrite: bool = False,
    tell: Callable[[str], None] = print,
) -> Report:
    """Write a report about runs, as `loreweave report` does.

    Runs of different tasks, dev or test data are in sections of their own. Runs that differ only in their seeds are one group.

    Args:
        runs: folders of runs, or folders with runs in them.
        output: folder for `index.html`, `figures/` (SVG and PNG) and `tables/` (CSV).
        figures: names of the figures to draw. Default: all that apply.
        without: names of figures to leave out.
        thesis: also write `thesis/<run>/results.json`, as the LUKE thesis tools do, for runs that predict classes.
        overwrite: replace an existing report.
        tell: called with what the user should know, a line at a time.

    Raises:
        ConfigurationError: no figure has such a name, or the output folder exists.
        DataError: a folder does not exist, or has no run.
    """
    names = chosen_figures(figures, without, list(FIGURES))
    folders = [runs] if isinstance(runs, (str, PathLike)) else runs
    every = [checked(run) for run in find_runs([Path(folder) for folder in folders])]
    found = [run for run in every if _is_known(run)]
    for run in every:
        for broken in run.not_readable:
            tell(f"not readable: {broken}")
        if run.kind == "other" and not run.not_readable:
            tell(f"left out: {run.path} has results of another command")
    if not any(run.state != "unreadable" for run in found):
        _refuse_nothing(every)
    sections = sections_of(found)
    prefixes = _prefixes([section.name for section in sections])
    sections = [replace(section, prefix=prefix) for section, prefix in zip(sections, prefixes, strict=True)]
    answers = [answer_of(section) for section in sections]
    contents = {section.name: (section.prefix, _figures(section, names)) for section in sections}
    lost = not_readable_part(every)
    with atomic_folder(output, overwrite, manifest=MANIFEST) as folder:
        facts = {"runs": [str(run.path) for run in found]}
        facts |= {"not_readable": [str(run.path) for run in every if run.not_readable]}
        title = f"Report on {counted(len(found), 'run')}"
        written = write_report(folder, title, answers, contents, facts, {} if lost is None else {NAME: lost})
        write_csv(folder / "tables" / "measurements.csv", _MEASURED, _measurements(sections))
        if thesis:
            tell(_write_thesis(found, folder / "thesis", tell))
    for line in answers:
        tell(line)
    return Report(Path(output), answers, written.figures, written.left_out)


def _is_known(run: RecordedRun) -> bool:
    """Whether the section of a run is known: what it was, and on which data."""
    broken = [file.path.name for file in run.not_readable]
    return run.kind != "other" and not (run.state == "unreadable" and (not run.config or {STATUS, CONFIG} & set(broken)))


def _refuse_nothing(every: Sequence[RecordedRun]) -> None:
    """Raise an error, since no run can be shown."""
    broken = [file for run in every for file in run.not_readable]
    if not broken:
        raise ConfigurationError("found no run that was recorded by finetune, pretrain, evaluate or score")
    more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
    raise ConfigurationError(f"found no run that can be read: {broken[0]}{more}")


def _figures(section: Section, names: Sequence[str]) -> Figures:
    return {name: partial(FIGURES[name], section) for name in names}


def _write_thesis(runs: Sequence[RecordedRun], folder: Path, tell: Callable[[str], None]) -> str:
    """Write each run in the layout of the thesis tools, and say for how many that was possible."""
    done = broken = 0
    for run, name in zip(runs, run_names(runs), strict=True):
        try:
            done += write_thesis_results(run, folder / name)
        except DataError as error:
            broken += 1
            tell(f"left out of thesis/: {error}")
    others = len(runs) - done - broken
    without = f"; {counted(others, 'other has', 'others have')} no logits of classes" if others else ""
    return f"thesis/: results.json of {counted(done, 'run')}{without}"


_MEASURED = ("section", "run", "group", "seed", "state", "split", "epoch", "step", "metric", "value")


def _measurements(sections: Sequence[Section]) -> Iterator[list[object]]:
    """Every number of every run, one per row."""
    for section in sections:
        for group in section.groups:
            for run in group.runs:
                yield from ([section.name, *_origin(run, group), *row] for row in rows_of(run))


def _origin(run: RecordedRun, group: Group) -> list[object]:
    return [str(run.path), group.full_label or group.label, seed_of(run), run.state]


def _prefixes(names: Sequence[str]) -> list[str]:
    """A start of names of files for each of several sections; all differ."""
    short = [re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:_LONGEST] for name in names]
    numbered = [slug if short.count(slug) == 1 else f"{slug}_section_{number}" for number, slug in enumerate(short, 1)]
    return [f"{slug}_" for slug in numbered] if len(names) > 1 else [""]
