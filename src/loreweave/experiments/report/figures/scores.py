"""Final scores: a row per group with mean and spread over seeds, and a row per run; no run is left out."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from loreweave.corpus.counts import counted
from loreweave.experiments.report.cells import Cell
from loreweave.experiments.report.parts import NotShown, Part, Table
from loreweave.experiments.report.sections import Group, Section, score_of, seed_of
from loreweave.experiments.report.setting_texts import exact, full_label_of, label_of
from loreweave.experiments.report.trials import trial_of
from loreweave.experiments.runs.listing import facts_of
from loreweave.experiments.runs.recorded import RecordedRun

_SPREAD = ("± sd", "min", "max")
_ORDER = (
    " Settings that a search has repeated come before settings that it has tried only once. A trial was selected for "
    "repetition because its score was high, which is partly luck. It is therefore in no mean, and has its own row."
)


def draw(section: Section) -> Part | NotShown:
    """Tables of groups and of runs."""
    names = section.measured
    heads = [f"{split} {metric}" for split, metric in names]
    repeated = any(len(group.scores(*name)) > 1 for group in section.groups for name in names)
    spreads = [column for head in heads for column in (head, *(f"{head} {one}" for one in _SPREAD if repeated))]
    selected = any(group.selected for group in section.groups)
    rows = [row for group in section.ranked for row in _group_rows(section, group, names, repeated)]
    columns = [*section.varied, "other settings", "stage", "runs", "finished", *spreads]
    place = len(section.varied)
    needed = {place: any(row[place] for row in rows), place + 1: selected}  # without repetitions, all rows are of one kind
    kept = [number for number in range(len(columns)) if needed.get(number, True)]
    groups = Table("scores", [columns[number] for number in kept], [[row[number] for number in kept] for row in rows])
    runs = _runs(section, names, heads)
    lost = [run for run in section.runs if run.state != "done"]
    said = counted(len(lost), "run is not finished and has", "runs are not finished and have")
    notes = [f"{said} no scores in the groups"] if lost else []
    notes += [] if repeated else ["no group has several runs, so that there is no spread"]
    notes += [f"{group.label}: seed {seed} has {runs} runs, which the spread counts as different seeds"
              for group in section.groups for seed, runs in group.repeated_seeds().items()]  # fmt: skip
    order = "The best group comes first. If groups have the same mean, the one with more runs comes first."
    if section.not_comparable:
        order = f"The order of the groups is that of their settings: {section.not_comparable}."
    caption = (
        "Mean and standard deviation (n - 1) over the finished runs of a group: runs with equal settings and different seeds. "
        f"{order} Settings that are the same in all runs with scores are left out. The second table has every run."
    )
    return Part("Scores", caption + (_ORDER if selected else ""), tables=[groups, runs], notes=notes)


def _runs(section: Section, names: Sequence[tuple[str, str]], heads: Sequence[str]) -> Table:
    """A row for every run."""
    rows: list[list[object]] = []
    for group in section.ranked:
        for run in group.runs:
            trial, minutes = trial_of(run), facts_of(run)["minutes"]
            rows.append([
                str(run.path), group.cell, None if trial is None else trial.text(any(run is one for one in group.selected)),
                seed_of(run), run.state, *(score_of(run, *name) for name in names),
                None if minutes is None else Cell(minutes, f"{minutes:g}"), run.error,
            ])  # fmt: skip
    return Table("runs", ["run", "group", "trial", "seed", "state", *heads, "minutes", "error"], rows)


def _group_rows(section: Section, group: Group, names: Sequence[tuple[str, str]], repeated: bool) -> Iterator[list[object]]:
    """The means of a group, and the scores of the trials that were selected for repetition."""
    known = group.settings
    settings: list[object] = [
        Cell(exact(known[name]), section.text_of(name, known[name])) if name in known else None for name in section.varied
    ]
    own = {name: value for name, value in known.items() if name not in section.varied}
    settings.append(Cell(full_label_of(own), label_of(own, section.text_of)) if own else None)
    trials = [trial_of(run) for run in group.unselected]
    stage = "repeats" if group.selected else "trials" if trials and all(trials) else None
    yield [*settings, stage, len(group.unselected), len(group.counted), *_cells(group.counted, names, repeated)]
    for run in group.selected:
        yield [*settings, "selected trial", 1, int(run.state == "done"), *_cells([run], names, repeated)]


def _cells(runs: Sequence[RecordedRun], names: Sequence[tuple[str, str]], repeated: bool) -> list[object]:
    row: list[object] = []
    for name in names:
        found = [score for run in runs if (score := score_of(run, *name)) is not None]
        spread = statistics.stdev(found) if len(found) > 1 else None
        cells = [statistics.mean(found), spread, min(found), max(found)] if found else [None] * 4
        row += cells if repeated else cells[:1]
    return row
