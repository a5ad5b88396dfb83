"""Trials of searches among the runs of a report: which ones were repeated, and which settings the search has chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loreweave.corpus.files.strict_json import in_json
from loreweave.encoding.model_names import STUDY_FILE
from loreweave.errors import DataError
from loreweave.experiments.runs.content import object_in
from loreweave.experiments.runs.recorded import RESULTS, RecordedRun, is_number
from loreweave.training.runs.record import TRIAL_FILE

_REPEATS = "repeats"


@dataclass(frozen=True)
class Trial:
    """What a run is in a search.

    Attributes:
        search: the folder of the search.
        number: number of the trial; of a repetition, that of the repeated trial.
        is_repeat: whether it is a repetition with another seed.
    """

    search: Path
    number: int
    is_repeat: bool

    def text(self, selected: bool) -> str:
        """In words; `selected`: it is a trial that was repeated."""
        if self.is_repeat:
            return f"repeat of trial {self.number}"
        return f"trial {self.number}{', selected' if selected else ''}"


@dataclass(frozen=True)
class Choice:
    """The settings that a search has chosen.

    Attributes:
        search: the folder of the search.
        trial: number of the best trial.
        metric: what the search has compared.
    """

    search: Path
    trial: int
    metric: str


def read_trial(run: RecordedRun) -> Trial | None:
    """What a run is in a search; None if it belongs to none.

    Raises:
        DataError: `trial.json` cannot be read, or does not name the trial.
    """
    path = run.path / TRIAL_FILE
    found = object_in(path)
    if not found:
        return None
    is_repeat = found.get("stage") == _REPEATS
    name = "of_trial" if is_repeat else "trial"
    return Trial(run.path.resolve().parent.parent, _number(found.get(name), path, name), is_repeat)


def trial_of(run: RecordedRun) -> Trial | None:
    """What a run is in a search; None if it belongs to none, or if that cannot be read (see `readable.checked`)."""
    try:
        return read_trial(run)
    except (DataError, OSError):
        return None


def selected_of(runs: Sequence[RecordedRun]) -> list[RecordedRun]:
    """Of runs with equal settings, the trials that a search has repeated: they were selected because their score was high.

    A trial is not among them if no repetition is done.
    """
    trials = [(run, trial) for run in runs if (trial := trial_of(run)) is not None]
    repeated = {trial.search for run, trial in trials if trial.is_repeat and run.state == "done"}
    return [run for run, trial in trials if not trial.is_repeat and trial.search in repeated]


def ranks_of(groups: Sequence[Sequence[RecordedRun]]) -> list[int]:
    """0 for each group of runs (without selected trials) whose mean can be compared with others as it is.

    In a search with repetitions, settings with fewer repetitions than others have 1, and settings that were only tried have 2.
    """
    counts = [Counter(_origin(run) for run in runs) for runs in groups]
    most: Counter[Path] = Counter()
    for found in counts:
        for origin, number in found.items():
            if origin is not None and origin[1]:
                most[origin[0]] = max(most[origin[0]], number)
    return [min((_rank(origin, number, most) for origin, number in found.items()), default=0) for found in counts]


def _rank(origin: tuple[Path, bool] | None, number: int, most: Counter[Path]) -> int:
    if origin is None or not most[origin[0]]:
        return 0
    search, is_repeat = origin
    return int(number < most[search]) if is_repeat else 2


def _origin(run: RecordedRun) -> tuple[Path, bool] | None:
    """The search of a run, and whether the run is a repetition; None for a run of no search."""
    trial = trial_of(run)
    return None if trial is None else (trial.search, trial.is_repeat)


def choice_of(search: Path) -> Choice | None:
    """What a search has chosen; None if it has chosen nothing yet, or if the folder is no longer that of a search.

    Raises:
        DataError: the results of the search cannot be read.
        OSError: likewise.
    """
    path = search / RESULTS
    if not (search / STUDY_FILE).is_file():
        return None
    found = object_in(path)
    best = found.get("best")
    if best is None:
        return None
    if not isinstance(best, dict):
        raise DataError(f"found {in_json(best)}, expected an object", path=path, field="best")
    return Choice(search, _number(best.get("trial"), path, "best.trial"), str(found.get("metric")))


def _number(value: Any, path: Path, field: str) -> int:
    if not is_number(value) or int(value) != value:
        raise DataError(f"found {in_json(value)}, expected the number of a trial", path=path, field=field)
    return int(value)
