"""Final scores: a row per group with mean and spread over seeds, and a row per run; no run is left out."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from loreweave.corpus.counts import counted
from loreweave.experiments.report.parts import NotShown, Part, Table
from loreweave.experiments.report.sections import Group, Section, score_of, seed_of
from loreweave.experiments.runs.listing import facts_of

_SPREAD = ("± sd", "min", "max")


def draw(section: Section) -> Part | NotShown:
    """Tables of groups and of runs."""
    names = [(split, section.metric) for split in section.splits]
    heads = [f"{split} {metric}" for split, metric in names]
    repeated = any(len(group.scores(*name)) > 1 for group in section.groups for name in names)
    spreads = [column for head in heads for column in (head, *(_SPREAD if repeated else ()))]
    groups = Table(
        "scores", [*section.varied, "runs", "finished", *spreads],
        [_group_row(section, group, names, repeated) for group in section.ranked],
    )  # fmt: skip
    runs = Table(
        "runs", ["run", "group", "seed", "state", *heads, "minutes", "error"],
        [
            [
                str(run.path), group.label, seed_of(run), run.state, *(score_of(run, *name) for name in names),
                facts_of(run)["minutes"], run.error,
            ]
            for group in section.ranked
            for run in group.runs
        ],
    )  # fmt: skip
    lost = [run for run in section.runs if run.state != "done"]
    notes = [f"{counted(len(lost), 'run is', 'runs are')} not finished and have no scores in the groups"] if lost else []
    notes += [] if repeated else ["no group has several runs, so that there is no spread"]
    notes += [f"{group.label}: seed {seed} has {runs} runs, which the spread counts as different seeds"
              for group in section.groups for seed, runs in group.repeated_seeds().items()]  # fmt: skip
    caption = (
        "Mean and standard deviation (n - 1) over the finished runs of a group: runs with equal settings and different seeds. "
        "The best group comes first. Settings that are the same in all runs are left out. The second table has every run."
    )
    return Part("Scores", caption, tables=[groups, runs], notes=notes)


def _group_row(section: Section, group: Group, names: Sequence[tuple[str, str]], repeated: bool) -> list[object]:
    row: list[object] = [section.text_of(name, value) for name, value in group.settings.items()]
    row += [len(group.runs), len(group.finished)]
    for split, metric in names:
        found = group.scores(split, metric)
        spread = statistics.stdev(found) if len(found) > 1 else None
        cells = [statistics.mean(found), spread, min(found), max(found)] if found else [None] * 4
        row += cells if repeated else cells[:1]
    return row
