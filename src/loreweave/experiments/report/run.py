"""`loreweave.report`: figures and tables about runs, as one page and plain files."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from loreweave.corpus.counts import counted
from loreweave.corpus.files.csv_tables import write_csv
from loreweave.corpus.files.writing import atomic_folder, write_json, write_text
from loreweave.errors import ConfigurationError
from loreweave.experiments.report.figures.registry import FIGURES
from loreweave.experiments.report.page import Drawn, page_html
from loreweave.experiments.report.parts import NotShown, Part
from loreweave.experiments.report.sections import Group, Section, rows_of, sections_of, seed_of
from loreweave.experiments.runs.folders import find_runs, run_names
from loreweave.experiments.runs.recorded import RecordedRun
from loreweave.experiments.runs.thesis import write_thesis_results
from loreweave.picture_style import png_of, styled, svg_of
from loreweave.training.settings.configuration import unknown_name

Place = str | PathLike[str]
PAGE, MANIFEST = "index.html", "report.json"


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

    Runs of different tasks or data are in sections of their own. Runs that differ only in their seeds are one group.

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
    names = _names(figures, without)
    folders = [runs] if isinstance(runs, (str, PathLike)) else runs
    found = [run for run in find_runs([Path(folder) for folder in folders]) if run.kind != "other"]
    if not found:
        raise ConfigurationError("found no run that was recorded by finetune, pretrain, evaluate or score")
    sections = sections_of(found)
    drawn: list[tuple[Section, list[Drawn]]] = []
    with atomic_folder(output, overwrite, manifest=MANIFEST) as folder:
        for section in sections:
            prefix = f"{_slug(section.name)}_" if len(sections) > 1 else ""
            drawn.append((section, [_draw(name, section, folder, prefix) for name in names]))
        write_csv(folder / "tables" / "measurements.csv", _MEASURED, _measurements(sections))
        if thesis:
            tell(_write_thesis(found, folder / "thesis"))
        written = _described(Path(output), drawn)
        title = f"Report on {counted(len(found), 'run')}"
        write_text(folder / PAGE, page_html(title, written.answers, [(section.name, parts) for section, parts in drawn]))
        facts = {name: value for name, value in vars(written).items() if name != "path"}
        write_json(folder / MANIFEST, {"format": "loreweave report", "runs": [str(run.path) for run in found], **facts})
    for line in written.answers:
        tell(line)
    return written


def _described(output: Path, drawn: Sequence[tuple[Section, Sequence[Drawn]]]) -> Report:
    shown = {section.name: [part.name for part in parts if isinstance(part.part, Part)] for section, parts in drawn}
    left = {
        section.name: {part.name: part.part.reason for part in parts if isinstance(part.part, NotShown)}
        for section, parts in drawn
    }
    return Report(output, [answer_of(section) for section, _ in drawn], shown, left)


def _write_thesis(runs: Sequence[RecordedRun], folder: Path) -> str:
    """Write each run in the layout of the thesis tools, and say for how many that was possible."""
    names = run_names(runs)
    done = sum(write_thesis_results(run, folder / name) for run, name in zip(runs, names, strict=True))
    return f"thesis/: results.json of {counted(done, 'run')}" + (
        f"; {len(runs) - done} others have no logits of classes" if done < len(runs) else ""
    )


def answer_of(section: Section) -> str:
    """One line about a section: the best group by its mean score on dev data, if there are any, and its scores."""
    lost = sum(run.state != "done" for run in section.runs)
    said = f"{section.name}: {counted(len(section.runs), 'run')} in {counted(len(section.groups), 'group')}"
    said += f", {lost} not finished" if lost else ""
    if not section.splits:
        return f"{said}; no scores."
    split = section.splits[0]
    scored = [group for group in section.groups if group.scores(split, section.metric)]
    best = max(scored, key=lambda group: statistics.mean(group.scores(split, section.metric)))
    numbers = "; ".join(f"{split} {section.metric} {_mean(best, split, section.metric)}" for split in section.splits)
    return f"{said}. Best by {split} data: {best.label}: {numbers} ({counted(len(best.finished), 'run')})."


_MEASURED = ("section", "run", "group", "seed", "state", "split", "epoch", "step", "metric", "value")


def _measurements(sections: Sequence[Section]) -> Iterator[list[object]]:
    """Every number of every run, one per row."""
    for section in sections:
        for group in section.groups:
            for run in group.runs:
                yield from ([section.name, *_origin(run, group), *row] for row in rows_of(run))


def _origin(run: RecordedRun, group: Group) -> list[object]:
    return [str(run.path), group.label, seed_of(run), run.state]


def _draw(name: str, section: Section, folder: Path, prefix: str) -> Drawn:
    """Draw a figure, and write its pictures and tables."""
    svgs: list[bytes] = []
    with styled():
        part = FIGURES[name](section)
        if isinstance(part, NotShown):
            return Drawn(name, part)
        for picture in part.pictures:
            path = folder / "figures" / f"{prefix}{picture.name}"
            path.parent.mkdir(exist_ok=True)
            svgs.append(svg_of(picture.figure))
            path.with_name(f"{path.name}.svg").write_bytes(svgs[-1])
            path.with_name(f"{path.name}.png").write_bytes(png_of(picture.figure))
    for table in part.tables:
        write_csv(folder / "tables" / f"{prefix}{table.name}.csv", table.columns, table.rows)
    return Drawn(name, part, svgs, prefix)


def _names(figures: Sequence[str], without: Sequence[str]) -> list[str]:
    known = list(FIGURES)
    for option, given in (("--figures", figures), ("--without", without)):
        for name in given:
            if name not in known:
                raise ConfigurationError(f"{option}: there is no figure {name!r}{unknown_name(name, known)}")
    return [name for name in (figures or known) if name not in without]


def _mean(group: Group, split: str, metric: str) -> str:
    found = group.scores(split, metric)
    if not found:
        return "-"
    spread = f" ± {statistics.stdev(found):.4f}" if len(found) > 1 else ""
    return f"{statistics.mean(found):.4f}{spread}"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
