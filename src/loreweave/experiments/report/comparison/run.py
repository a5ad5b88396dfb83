"""`loreweave.compare`: whether one system is better than another, as a page and plain files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from loreweave.corpus.files.writing import atomic_folder
from loreweave.experiments.report.comparison.answers import answers_of
from loreweave.experiments.report.comparison.parts import PARTS
from loreweave.experiments.report.comparison.results import PairResult, compared
from loreweave.experiments.report.comparison.systems import Given, Place, read_systems
from loreweave.experiments.report.readable import check_rows
from loreweave.experiments.report.writing import MANIFEST, chosen_figures, write_report

SAMPLES = 1000


@dataclass(frozen=True)
class Comparison:
    """A written comparison.

    Attributes:
        path: its folder.
        answers: one line about each split and pair of systems.
        pairs: the numbers of each, in the same order.
        figures: names of the figures that are shown.
        left_out: figure -> why it is not shown.
    """

    path: Path
    answers: list[str]
    pairs: list[PairResult]
    figures: list[str]
    left_out: dict[str, str]


def compare(
    systems: Given,
    *,
    output: Place,
    figures: Sequence[str] = (),
    without: Sequence[str] = (),
    samples: int = SAMPLES,
    seed: int = 0,
    overwrite: bool = False,
    tell: Callable[[str], None] = print,
) -> Comparison:
    """Compare systems on the same data, as `loreweave report compare` does.

    A system is a run, an evaluation, or runs that differ only in their seeds. The systems are compared on every split on which
    all have a score: over the records that all of them have predicted, and over their seeds.

    Args:
        systems: a folder for each system, or texts `NAME=FOLDER`, where equal names are one system; or names with one or
            several folders each. A system without a name is named by its folder.
        output: folder for `index.html`, `figures/` (SVG and PNG) and `tables/` (CSV).
        figures: names of the figures to draw. Default: all that apply.
        without: names of figures to leave out.
        samples: Number of bootstrap samples, and of random permutations. Default: 1000.
        seed: equal seeds give equal numbers.
        overwrite: replace an existing report.
        tell: called with what the user should know, a line at a time.

    Raises:
        ConfigurationError: fewer than two systems, systems that cannot be compared (see `systems.read_systems`), no figure of
            such a name, or the output folder exists.
        DataError: a folder does not exist or has no run, predictions cannot be read, or two systems have different gold answers
            or texts for a record.
    """
    names = chosen_figures(figures, without, list(PARTS))
    section = read_systems(systems)
    for run in section.runs:
        for broken in run.not_readable:
            tell(f"left out, not readable: {broken}")
        for split in section.splits if run.state == "done" else ():
            check_rows(run, split)
    with atomic_folder(output, overwrite, manifest=MANIFEST) as folder:
        found = compared(section, samples, seed)
        answers = answers_of(found)
        title = " and ".join(system.label for system in section.groups)
        parts = {name: partial(PARTS[name], found) for name in names}
        facts = {
            "systems": {system.label: [str(run.path) for run in system.runs] for system in section.groups},
            "samples": samples,
            "seed": seed,
        }
        written = write_report(folder, f"Comparison of {title}", answers, {section.name: ("", parts)}, facts)
    for line in answers:
        tell(line)
    return Comparison(Path(output), answers, list(found.pairs), written.figures[section.name], written.left_out[section.name])
