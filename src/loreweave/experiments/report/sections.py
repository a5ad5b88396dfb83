"""Runs of a report, in sections of comparable runs and groups that differ only in their seeds."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from loreweave.errors import DataError
from loreweave.experiments.report.cells import Cell
from loreweave.experiments.report.section_names import scored_files, section_names
from loreweave.experiments.report.setting_texts import distinct, full_label_of, key_of, label_of, shown
from loreweave.experiments.report.trials import Choice, choice_of, ranks_of, selected_of, trial_of
from loreweave.experiments.runs.data_names import training_names
from loreweave.experiments.runs.listing import order_of, varied
from loreweave.experiments.runs.recorded import RecordedRun
from loreweave.experiments.runs.run_settings import OBJECTIVES
from loreweave.pretraining.metrics import metric_name
from loreweave.training.runs.inputs import name_and_content

SEEDS = ("seed", "data_seed")
"""Settings in which the runs of a group differ."""
_NO_CAUSES = (
    "model", "output", "device", "checkpoints", "tensorboard", "log_steps", "eval_batch_size", "feature_cache", "dev",
    "dev_steps",
)  # fmt: skip
"""Settings that do not change what is learned: they make no groups."""
_DIGITS = 12
TRAIN_FILES = "train"
"""Name of the training files among settings, as the option has it."""
LEADING = 7
"""Maximum number of groups that a picture tells apart, each with a colour of its own."""
SCORED = "test"
"""The split of an evaluation, whose data were given to `loreweave evaluate`."""
SAME = "all runs with scores have the same settings"
"""Why figures about settings are not shown."""
TRAINED = "train"
"""The split of pre-training, whose loss is that of the training texts."""


@dataclass(frozen=True, eq=False)
class Group:
    """Runs with equal settings and different seeds.

    Attributes:
        label: the settings in which the group differs from others, such as `learning_rate=0.001, epochs=3`.
        settings: these settings by name.
        runs: the runs in the order of their seeds; also those that failed.
        selected: those of the runs that a search selected for repetition, whose repetitions are among the runs: they are in
            no mean.
        full_label: the label with every digit and the whole paths of models. Default: `label`.
    """

    label: str
    settings: Mapping[str, Any]
    runs: Sequence[RecordedRun]
    selected: Sequence[RecordedRun] = ()
    full_label: str = ""

    @property
    def cell(self) -> Cell:
        """The label in a table."""
        return Cell(self.full_label or self.label, self.label)

    @property
    def unselected(self) -> list[RecordedRun]:
        """The runs in any state without the selected ones."""
        return [run for run in self.runs if not any(run is other for other in self.selected)]

    @property
    def counted(self) -> list[RecordedRun]:
        """The finished runs that are in means."""
        return [run for run in self.unselected if run.state == "done"]

    @property
    def finished(self) -> list[RecordedRun]:
        """The runs that are done."""
        return [run for run in self.runs if run.state == "done"]

    def repeated_seeds(self) -> dict[str, int]:
        """Seeds that several runs of the mean have, with their number."""
        seeds = Counter(tuple(run.settings.get(name) for name in SEEDS) for run in self.counted if seed_of(run) is not None)
        return {", ".join(str(part) for part in seed if part is not None): runs for seed, runs in seeds.items() if runs > 1}

    def scores(self, split: str, metric: str) -> list[float]:
        """The score of each run of the mean that has it."""
        return [value for run in self.counted if (value := score_of(run, split, metric)) is not None]


@dataclass(frozen=True, eq=False)
class Section:
    """Comparable runs: of one kind and task, on the same data for evaluation.

    Attributes:
        name: kind or task, and the names of the data.
        kind: finetuning, pretraining or evaluation.
        task: name of the task; None for pre-training.
        runs: all runs in any state.
        prefix: start of the names of the files of this section, with which captions name them.
    """

    name: str
    kind: str
    task: str | None
    runs: Sequence[RecordedRun]
    prefix: str = ""

    @cached_property
    def metric(self) -> str:
        """The main metric: the one that most runs name first."""
        names = [name.rpartition(".")[2] for run in self.runs for name in run.main_scores]
        return max(dict.fromkeys(names), key=names.count, default="")

    @cached_property
    def splits(self) -> list[str]:
        """The splits with the main metric, dev before test; that of the training data of pre-training, `TRAINED`, is last."""
        splits = ("dev", SCORED, TRAINED)
        return [split for split in splits if any(score_of(run, split, self.metric) is not None for run in self.runs)]

    @cached_property
    def not_comparable(self) -> str:
        """Why no run is the best: pre-training with other objectives or weights. Empty if the losses can be compared."""
        runs = [run for run in self.runs if run.kind == "pretraining" and score_of(run, TRAINED, self.metric) is not None]
        if len({key_of(_objectives(run)) for run in runs}) > 1:
            differing = "objectives"
        elif len({key_of(_weights(run)) for run in runs}) > 1:
            differing = "weights of their objectives"
        else:
            return ""
        return f"the loss is the weighted sum of the losses of the objectives, and the runs have different {differing}"

    @cached_property
    def measured(self) -> list[tuple[str, str]]:
        """Splits and metrics of scores: the main metric, or the loss of each objective if their sums cannot be compared."""
        if not self.not_comparable:
            return [(split, self.metric) for split in self.splits]
        names = dict.fromkeys(metric_name(objective, "loss") for run in self.runs for objective in _objectives(run))
        pairs = [(split, name) for split in self.splits for name in names]
        return [(split, name) for split, name in pairs if any(score_of(run, split, name) is not None for run in self.runs)]

    @cached_property
    def varied(self) -> list[str]:
        """Settings with several values among the runs with scores, without seeds; `model` among them."""
        return _varied([self.causes_of(run) for run in self._compared])

    def causes_of(self, run: RecordedRun) -> dict[str, Any]:
        """What may explain a score: see `causes_of`; and the training files, if the runs were fine-tuned on different ones."""
        return ({TRAIN_FILES: self._training[run.path]} if self._training else {}) | causes_of(run)

    @cached_property
    def _training(self) -> dict[Path, str | None]:
        """Names of the training files of each run by its folder, which differ for different content; empty if all are equal."""
        names = training_names(self.runs)
        return {run.path: name for run, name in zip(self.runs, names, strict=True)} if len(set(names)) > 1 else {}

    @cached_property
    def others(self) -> dict[str, Any]:
        """Settings in which only runs without scores differ, with the value of the runs with scores."""
        known = [self.causes_of(run) for run in self._compared]
        names = [name for name in _varied([self.causes_of(run) for run in self.runs]) if name not in self.varied]
        return {name: next((row[name] for row in known if name in row), None) for name in names}

    @cached_property
    def _compared(self) -> Sequence[RecordedRun]:
        """The runs with scores, and those that a search has stopped early; all runs if there are none."""
        found = [run for run in self.runs if run.state == "pruned" or (run.state == "done" and self._has_score(run))]
        return found or self.runs

    def _has_score(self, run: RecordedRun) -> bool:
        return any(score_of(run, split, self.metric) is not None for split in self.splits)

    @cached_property
    def groups(self) -> list[Group]:
        """The groups, in the order of the values of their settings."""
        found: dict[str, list[RecordedRun]] = {}
        for run in self.runs:
            found.setdefault(key_of(self._settings(run)), []).append(run)
        groups = []
        for runs in found.values():
            settings = self._settings(runs[0])
            runs.sort(key=lambda run: tuple(str(run.settings.get(seed, "")).zfill(20) for seed in SEEDS))
            full, label = full_label_of(settings), label_of(settings, self.text_of)
            if not settings and len(found) > 1:  # the others have no scores, and other settings
                full = label = "runs with scores"
            groups.append(Group(label, settings, runs, selected_of(runs), full))

        def place(group: Group) -> tuple[list[Any], int]:
            return [order_of(group.settings.get(name)) for name in self.varied], len(group.settings)

        return sorted(groups, key=place)

    @cached_property
    def cells(self) -> dict[str, Cell]:
        """The cell of each group in tables, by its label."""
        return {group.label: group.cell for group in self.groups}

    @cached_property
    def choosing(self) -> str:
        """The split whose scores select the best run or group: dev, or test if no run has dev scores."""
        return self.splits[0] if self.splits else "dev"

    @cached_property
    def last(self) -> str:
        """The split that figures about predictions show: test, or dev if no run has test scores."""
        return self.splits[-1] if self.splits else "dev"

    def goodness(self, score: float) -> float:
        """A score of the main metric such that more is better: the loss of pre-training is best when it is low."""
        return -score if self.kind == "pretraining" else score

    def mean_of(self, group: Group) -> float | None:
        """Mean score of a group on `choosing`, without the last digits, in which equal means can differ."""
        found = group.scores(self.choosing, self.metric)
        return round(statistics.mean(found), _DIGITS) if found else None

    @cached_property
    def ranked(self) -> list[Group]:
        """All groups, the best one first; those without scores are last.

        As in a search, settings that the search has repeated come before those that it has only tried once, and settings with
        all repetitions before those where some are missing. Then the better mean comes first, then more runs, then what a
        search has chosen, then the order of `groups`. If the scores cannot be compared, the order is that of `groups`.
        """
        if self.not_comparable:
            return self.groups
        ranks = ranks_of([group.counted for group in self.groups])
        chosen = [group for _, group in self.choices if group is not None]

        def place(pair: tuple[Group, int]) -> tuple[bool, int, float, int, bool]:
            group, rank = pair
            mean = self.mean_of(group)
            runs = len(group.scores(self.choosing, self.metric))
            return mean is None, rank, 0.0 if mean is None else -self.goodness(mean), -runs, group not in chosen

        return [group for group, _ in sorted(zip(self.groups, ranks, strict=True), key=place)]

    @cached_property
    def tied(self) -> list[Group]:
        """The groups whose mean is that of the best one, which is the first of them."""
        best = self.mean_of(self.ranked[0])
        return [group for group in self.ranked if best is not None and self.mean_of(group) == best]

    @cached_property
    def choices(self) -> list[tuple[Choice, Group | None]]:
        """What the searches have chosen whose trials are among the runs, with the group of the chosen trial, if it is here.

        Results of a search that cannot be read are left out here; `answers.answer_of` names them.
        """
        owners: dict[tuple[Path, int], Group] = {}
        for group in self.groups:
            for run in group.runs:
                if (trial := trial_of(run)) is not None:
                    owners.setdefault((trial.search, trial.number), group)
        found = []
        for search in dict.fromkeys(search for search, _ in owners):
            with suppress(DataError, OSError):
                if (choice := choice_of(search)) is not None:
                    found.append((choice, owners.get((search, choice.trial))))
        return found

    @cached_property
    def leading(self) -> list[Group]:
        """The groups that pictures tell apart: all of a few, or the first of `ranked` with scores, in the order of all."""
        if len(self.groups) <= LEADING:
            return self.groups
        best = [group for group in self.ranked if group.scores(self.choosing, self.metric)][:LEADING]
        return [group for group in self.groups if group in best]

    @cached_property
    def left_out_of_pictures(self) -> list[str]:
        """A note about the other groups, if there are any."""
        few, every = len(self.leading), len(self.groups)
        which = f"first {few}" if self.not_comparable else f"{few} best"
        return [f"the picture distinguishes the {which} of {every} groups; the table has all of them"] if few < every else []

    def best_run(self, having: Callable[[RecordedRun], bool]) -> RecordedRun | None:
        """The best finished run, by its score on `choosing`, of the best group with runs that have something."""
        for group in self.ranked:
            if found := [run for run in group.finished if having(run)]:
                return max(found, key=self._goodness_of)
        return None

    @cached_property
    def why_best(self) -> str:
        """In brackets, why figures about a single run show `best_run`; nothing if there is only one run."""
        group = " of the best group" if len(self.groups) > 1 else ""
        return f" (the best run{group} by {self.choosing} data)" if len(self.runs) > 1 else ""

    def _goodness_of(self, run: RecordedRun) -> float:
        score = score_of(run, self.choosing, self.metric)
        return float("-inf") if score is None else self.goodness(score)

    def text_of(self, name: str, value: Any) -> str:
        """A value of a setting in short (see `shown`), but so long that no other value of the section has the same text."""
        return self._texts.get(name, {}).get(key_of(value)) or shown(value)

    @cached_property
    def _texts(self) -> dict[str, dict[str, str]]:
        rows = [self._settings(run) for run in self.runs]
        return {name: distinct([row[name] for row in rows if name in row]) for name in [*self.varied, *self.others]}

    def _settings(self, run: RecordedRun) -> dict[str, Any]:
        """The settings in which the groups differ, without those of objectives that the run does not have.

        Of `others`, a run has only those in which it differs from the runs with scores.
        """
        causes = self.causes_of(run)
        own = [name for name, value in self.others.items() if key_of(causes.get(name)) != key_of(value)]
        return {name: causes.get(name) for name in [*self.varied, *own] if not _is_of_another_objective(name, run)}


def sections_of(runs: Sequence[RecordedRun]) -> list[Section]:
    """Sections in the order of their first runs."""
    found: dict[tuple[str, str | None, tuple[str, ...]], list[RecordedRun]] = {}
    for run in runs:
        found.setdefault((run.kind, run.task, tuple(_data(run))), []).append(run)
    names = section_names([members[0] for members in found.values()])
    return [Section(name, kind, task, runs) for name, ((kind, task, _), runs) in zip(names, found.items(), strict=True)]


def causes_of(run: RecordedRun) -> dict[str, Any]:
    """The settings that may explain a score: the model and all settings but seeds and those without influence."""
    settings = {name: value for name, value in run.settings.items() if name not in (*SEEDS, *_NO_CAUSES)}
    return {"model": run.model} | settings


def _varied(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the settings that differ between rows."""
    return varied([dict(row) for row in rows], dict.fromkeys(name for row in rows for name in row))


def score_of(run: RecordedRun, split: str, metric: str) -> float | None:
    """A final score of a run; that of an evaluation belongs to the split `SCORED`, and that of pre-training to `TRAINED`."""
    own = run.kind != "finetuning" and split == _own_split(run)
    return run.scores.get(metric if own else f"{split}.{metric}")


def _own_split(run: RecordedRun) -> str:
    """The split of scores that have none in their names."""
    return TRAINED if run.kind == "pretraining" else SCORED


def _objectives(run: RecordedRun) -> list[str]:
    """Names of the objectives of pre-training, in the order of the alphabet."""
    found = run.settings.get(OBJECTIVES)
    return found.split(",") if isinstance(found, str) else []


def _is_of_another_objective(name: str, run: RecordedRun) -> bool:
    """Whether a setting is one of an objective that a run does not have."""
    group, _, rest = name.partition(".")
    return group == OBJECTIVES and rest != "" and rest.partition(".")[0] not in _objectives(run)


def _weights(run: RecordedRun) -> list[Any]:
    return [run.settings.get(f"{OBJECTIVES}.{objective}.weight") for objective in _objectives(run)]


def seed_of(run: RecordedRun) -> Any:
    """The seed of a run."""
    return run.settings.get("seed")


def rows_of(run: RecordedRun) -> Iterator[tuple[str, float | None, int | None, str, float | None]]:
    """Everything that a run has measured: split, epoch, step, metric, value; the final scores have no step."""
    for row in run.rows:
        for name, value in row.items():
            if name not in ("step", "split", "epoch") and not isinstance(value, str | bool | list | dict):
                yield str(row.get("split")), row.get("epoch"), row.get("step"), name, value
    for name, value in run.scores.items():
        split, _, metric = name.rpartition(".")
        yield split or _own_split(run), None, None, metric, value


def _data(run: RecordedRun) -> list[str]:
    """Content of what a run is scored on; the path if the content is not recorded."""
    recorded = run.config.get("data")
    if run.kind == "pretraining":
        return [key_of(content) for name, content in run.inputs.items() if name.startswith("dev ")]
    if run.kind == "finetuning" and isinstance(recorded, Mapping):
        return [name_and_content(str(recorded[name]))[1] for name in scored_files(run, recorded)]
    place = (run.status.get("files") or {}).get("data") or run.results.get("data") or run.results.get("gold")
    return [key_of(run.inputs.get("data") or str(place))] if place else []
