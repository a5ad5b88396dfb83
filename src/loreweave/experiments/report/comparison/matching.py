"""The records of a split that all runs of all systems have predicted, matched by their ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from loreweave.corpus.counts import counted, listed
from loreweave.errors import DataError
from loreweave.experiments.report.comparison.record_scores import COUNTED, Way, way_to_count
from loreweave.experiments.report.comparison.systems import Systems
from loreweave.experiments.report.prediction_rows import RecordKey, Row, gold_text, has_gold, is_right, keyed
from loreweave.experiments.report.sections import score_of
from loreweave.experiments.runs.recorded import RecordedRun
from loreweave.metrics.analysis.estimates import Floats

_DRAWN = " (episodes are drawn by the seed: evaluate all systems with the same seed=, or on a file of episodes)"
_Rows = Mapping[RecordKey, Row]


@dataclass(frozen=True)
class Matched:
    """The records of a split.

    Attributes:
        split: dev or test.
        rows: path of a run -> its rows of the records that all runs have.
        units: the records, or episodes, that all runs have, in the order of the first run.
        way: how the metric is counted by record; None if that is not known.
        reason: why there is no `way`, or why no records are matched at all.
        unmatched: records that some runs lack, each with the number of runs that have it by system.
        ungraded: Number of rows without a gold answer.
    """

    split: str
    rows: Mapping[Path, _Rows]
    units: Sequence[str]
    way: Way | None
    reason: str | None
    unmatched: Mapping[str, Mapping[str, int]]
    ungraded: int

    def statistics(self, run: RecordedRun) -> Floats:
        """What each unit adds to the score of a run [units, columns]."""
        assert self.way is not None
        rows = [(unit, row) for (unit, _), row in self.rows[run.path].items() if has_answer(row)]
        table = self.way.statistics([row for _, row in rows])
        places = {unit: place for place, unit in enumerate(self.units)}
        found = np.zeros((len(self.units), table.shape[1]))
        np.add.at(found, [places[unit] for unit, _ in rows], table)
        return found

    def right(self, run: RecordedRun) -> dict[RecordKey, bool]:
        """Whether each record with a gold answer is exactly right."""
        return {key: is_right(row) for key, row in self.rows[run.path].items() if has_gold(row)}


def has_answer(row: Row) -> bool:
    """Whether a row can be scored: it has a gold answer, or the rank of one."""
    return has_gold(row) or any(name == "rank" or name.endswith("_rank") for name in row)


def match_records(section: Systems, split: str) -> Matched:
    """Match the predictions of all finished runs.

    Raises:
        DataError: two runs have other texts or other gold answers for a record.
    """
    runs = {run.path: run for system in section.groups for run in section.scored(system, split)}
    read: dict[Path, _Rows] = {}
    for path, run in runs.items():
        rows = run.predictions(split)
        found = keyed(rows) if rows else None
        if found is None:
            why = "predictions that do not name their records" if rows else "no predictions"
            return Matched(split, {}, [], None, f"{path} has {why} on {split} data", {}, 0)
        read[path] = found
    _check_same(split, read)
    graded = {path: [row for row in rows.values() if has_answer(row)] for path, rows in read.items()}
    scores = [(graded[path], score_of(run, split, section.metric) or 0.0) for path, run in runs.items()]
    way = way_to_count(section.metric, scores) if all(graded.values()) else None
    units = [dict.fromkeys(unit for unit, _ in rows) for rows in read.values()]
    shared = [unit for unit in units[0] if all(unit in other for other in units[1:])]
    kept = set(shared)
    common = {path: {key: row for key, row in rows.items() if key[0] in kept} for path, rows in read.items()}
    names = {run.path: system.label for system in section.groups for run in system.runs}
    unmatched: dict[str, dict[str, int]] = {}
    for path, mine in zip(read, units, strict=True):
        for unit in mine:
            if unit not in kept:
                counts = unmatched.setdefault(unit, {})
                counts[names[path]] = counts.get(names[path], 0) + 1
    reason = None if way is not None and shared else _reason(section.metric, bool(shared), split)
    ungraded = sum(not has_answer(row) for row in next(iter(read.values())).values())
    return Matched(split, common, shared, way if shared else None, reason, unmatched, ungraded)


def _check_same(split: str, read: Mapping[Path, _Rows]) -> None:
    """Check that all runs have the same text and gold answer for each record."""
    first: dict[RecordKey, tuple[Path, Row]] = {}
    for path, rows in read.items():
        for key, row in rows.items():
            other_path, other = first.setdefault(key, (path, row))
            for name, same in (("text", row.get("text") == other.get("text")), ("gold", gold_text(row) == gold_text(other))):
                if not same and row.get(name) is not None and other.get(name) is not None:
                    found = [_cut(str(one[name])) for one in (other, row)]
                    raise DataError(
                        f"{split} record {key[0]}: found the {name} {found[0]!r} in {other_path}, but {found[1]!r} in {path}; "
                        f"systems can be compared only on the same data{_DRAWN if 'episode' in row else ''}"
                    )


def _reason(metric: str, shared: bool, split: str) -> str:
    if not shared:
        return f"no record of the {split} data is in all runs"
    return (
        f"{metric} cannot be counted by record so that it gives the recorded scores; that is possible for {listed(COUNTED, 20)}"
    )


def unmatched_note(found: Matched) -> str:
    """How many records some runs lack."""
    lacking = counted(len(found.unmatched), "record is", "records are")
    return f"{lacking} not in all runs and left out of the tests on {found.split} data"


def _cut(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:80]}..."
