"""The lines at the head of a report: the best settings of each section, and how far that is the choice of a search."""

from __future__ import annotations

import statistics
from collections import Counter

from loreweave.corpus.counts import counted
from loreweave.errors import DataError
from loreweave.experiments.report.sections import Group, Section
from loreweave.experiments.report.trials import Choice, choice_of, trial_of

_SHOWN = 3
"""Maximum number of groups or searches that a line names."""


def answer_of(section: Section) -> str:
    """One line about a section: the best group by its mean score on dev data, if there are any, and its scores.

    It names ties, and says what the searches have chosen whose trials are among the runs. If the losses of pre-training cannot
    be compared, it says why, and has those of each objective.
    """
    lost = Counter(run.state for run in section.runs if run.state != "done")
    one = len(section.groups) == 1
    groups = "" if len(section.runs) == 1 else " with equal settings" if one else f" in {len(section.groups):,} groups"
    said = f"{section.name}: {counted(len(section.runs), 'run')}{groups}"
    said += "".join(f", {number} {state}" for state, number in lost.items())
    if not section.splits:
        return f"{said}; no scores."
    if section.not_comparable:
        return f"{said}. No best run is named: {section.not_comparable}. {_each(section)}."
    split = section.choosing
    best = section.ranked[0]
    if not best.scores(split, section.metric):
        return f"{said}; no finished run has {split} {section.metric}."
    numbers = "; ".join(f"{split} {section.metric} {_mean(best, split, section.metric)}" for split in section.splits)
    if one:
        of = "" if len(section.runs) == 1 else f" ({_runs(best)})"
        return " ".join([f"{said}: {numbers}{of}.", *_choices(section)])
    lines = [f"{said}. Best by {split} data: {best.label}: {numbers} ({_runs(best)}).", *_ties(section)]
    return " ".join([*lines, *_higher(section), *_choices(section)])


def _each(section: Section) -> str:
    """The scores of each group."""
    parts = []
    for group in section.groups[:_SHOWN]:
        means = [f"{metric} {_mean(group, split, metric)}" for split, metric in section.measured if group.scores(split, metric)]
        parts.append(f"{group.label}: {', '.join(means) or 'no scores'} ({_runs(group)})")
    more = len(section.groups) - _SHOWN
    return "; ".join([*parts, f"and {more} more"] if more > 0 else parts)


def _runs(group: Group) -> str:
    """Number of runs in the mean of a group."""
    selected = len(group.selected)
    without = f", without {'the' if selected == 1 else selected} selected trial{'s' * (selected > 1)}" if selected else ""
    return f"{counted(len(group.counted), 'run')}{without}"


def _mean(group: Group, split: str, metric: str) -> str:
    found = group.scores(split, metric)
    if not found:
        return "-"
    spread = f" ± {statistics.stdev(found):.4f}" if len(found) > 1 else ""
    return f"{statistics.mean(found):.4f}{spread}"


def _ties(section: Section) -> list[str]:
    others = section.tied[1:] if section.ranked[0] in section.tied else []
    if not others:
        return []
    mean = section.mean_of(section.ranked[0])
    named = "; ".join(f"{group.label} ({_runs(group)})" for group in others[:_SHOWN])
    named += f"; and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    what = f"{section.choosing} {section.metric} {mean:.4f}"
    return [f"{len(others) + 1} groups are tied at {what}; also: {named}."]


def _higher(section: Section) -> list[str]:
    """Groups with a better mean that a search has not repeated, or not with all seeds."""
    means = [(group, mean) for group in section.groups if (mean := section.mean_of(group)) is not None]
    best = next(section.goodness(mean) for group, mean in means if group is section.ranked[0])
    higher = [(group, mean) for group, mean in means if section.goodness(mean) > best]
    if not higher:
        return []
    top, mean = max(higher, key=lambda pair: section.goodness(pair[1]))
    said = counted(len(higher), "group has a better score", "groups have better scores")
    return [f"{said} (such as {top.label}: {mean:.4f}), but no repetitions in the search, or fewer."]


def _choices(section: Section) -> list[str]:
    """A sentence about each search whose trials are among the runs."""
    searches = dict.fromkeys(trial.search for run in section.runs if (trial := trial_of(run)) is not None)
    lines = []
    for search in list(searches)[:_SHOWN]:
        try:
            choice = choice_of(search)
        except (DataError, OSError) as error:
            lines.append(f"The choice of the search {search.name} cannot be read: {error}.")
            continue
        if choice is not None:
            lines.append(_choice(section, choice))
    more = len(searches) - _SHOWN
    return [*lines, f"The runs belong to {counted(more, 'more search', 'more searches')}."] if more > 0 else lines


def _choice(section: Section, choice: Choice) -> str:
    group = next((group for other, group in section.choices if other == choice), None)
    name = f"The search {choice.search.name}"
    if group is section.ranked[0]:
        return f"{name} has chosen the same settings (trial {choice.trial})."
    if group is None:
        return f"{name} has chosen trial {choice.trial}, which is not among these runs."
    trials = [trial_of(run) for run in section.ranked[0].runs]
    if choice.metric != section.metric:
        why = f"it compares {choice.metric}"
    elif any(trial is None or trial.search != choice.search for trial in trials):
        why = "it compares only its own trials"
    elif not any(trial is not None and trial.is_repeat for run in section.runs for trial in [trial_of(run)]):
        why = "it compares single trials, not means over seeds"
    else:
        why = "its results.json is not about the same runs"
    return f"{name} has chosen other settings, because {why}: {group.label} (trial {choice.trial})."
