"""Share of records that are exactly right, by the length of their texts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from loreweave.experiments.report.parts import NotShown, Part, Picture, Table
from loreweave.experiments.report.prediction_rows import NO_GOLD, NO_PREDICTIONS, RecordKey, has_gold, is_right, keyed
from loreweave.experiments.report.sections import Group, Section
from loreweave.experiments.report.style import group_colours, legend_below, new_figure
from loreweave.metrics.analysis.comparison import mean_score, mean_statistics
from loreweave.metrics.analysis.strata import Stratum, scores_by

_TEXTS = ("text", "context", "query", "question")
"""Fields whose words are counted: the first that a prediction has."""


def draw(section: Section) -> Part | NotShown:
    """One line per group over five parts of about equal numbers of records, from short to long texts."""
    split = section.last
    counted: set[str] = set()
    found = {group.label: strata for group in section.groups if (strata := _strata(group, split, counted))}
    if not any(len(strata) > 1 for strata in found.values()):
        return NotShown(_reason(section, split, found))
    figure, axes = new_figure()
    rows: list[list[object]] = []
    drawn = {label: colour for label, colour in group_colours(section).items() if label in found}
    for label, strata in found.items():
        rows += [
            [section.cells[label], _range(stratum), stratum.records, stratum.score.value, stratum.score.low, stratum.score.high]
            for stratum in strata
        ]
    for number, (label, colour) in enumerate(drawn.items()):
        scores = [stratum.score for stratum in found[label]]
        # The lines stand beside each other, so that their intervals do not cover each other.
        apart = 0.3 * (number / (len(drawn) - 1) - 0.5) if len(drawn) > 1 else 0.0
        places = [place + apart for place in range(len(scores))]
        reach = [[max(0.0, one.value - one.low) for one in scores], [max(0.0, one.high - one.value) for one in scores]]
        axes.errorbar(places, [one.value for one in scores], yerr=reach, color=colour, marker="o", ms=4, capsize=2, label=label)
    longest = max(found.values(), key=len)
    axes.set_xticks(range(len(longest)), [_range(stratum) for stratum in longest])
    axes.set_xlabel(f"words in the {' or '.join(sorted(counted))}")
    axes.set_ylabel(f"{split} records exactly right")
    axes.set_ylim(bottom=0)
    legend_below(figure, axes)
    table = Table("lengths", ["group", "words", "records", "exactly right", "low", "high"], rows)
    picture = Picture("lengths", figure, "Share of exactly right records by length of the text.")
    caption = (
        "A record is right if its whole prediction equals the gold answer; with several runs, the mean over the runs counts. "
        "Bars: 95 % bootstrap intervals over records. Words are separated by blanks."
    )
    return Part("Scores by length", caption, [picture], [table], section.left_out_of_pictures)


def _strata(group: Group, split: str, counted: set[str]) -> tuple[Stratum, ...]:
    """The records of a group by length; each record once, with the mean over the runs. Adds the fields to `counted`."""
    right: dict[RecordKey, list[bool]] = defaultdict(list)
    lengths: dict[RecordKey, int] = {}
    for run in group.counted:
        for key, row in (keyed(run.predictions(split)) or {}).items():
            field = next((name for name in _TEXTS if isinstance(row.get(name), str)), None)
            if field is not None and has_gold(row):
                counted.add(field)
                right[key].append(is_right(row))
                lengths[key] = len(row[field].split())
    means = [sum(values) / len(values) for values in right.values()]
    return scores_by([lengths[key] for key in right], mean_statistics(means), mean_score)


def _reason(section: Section, split: str, found: Mapping[str, Sequence[Stratum]]) -> str:
    """Why there are no texts of different lengths."""
    if found:
        strata = [stratum for each in found.values() for stratum in each]
        return f"there are too few texts of different lengths (words: {_range(strata[0])})"
    rows = [row for group in section.groups for run in group.counted for row in run.predictions(split)]
    if not rows:
        return NO_PREDICTIONS
    if not any(has_gold(row) for row in rows):
        return NO_GOLD
    if not any(isinstance(row.get(name), str) for row in rows for name in _TEXTS):
        return "the predictions have no texts"
    return "the predictions do not name their records"


def _range(stratum: Stratum) -> str:
    one = stratum.lowest == stratum.highest
    return f"{stratum.lowest:.0f}" if one else f"{stratum.lowest:.0f} to {stratum.highest:.0f}"
