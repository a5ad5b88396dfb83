"""What each trial of a search trains: a task is fine-tuned, or a recipe of pre-training is run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Protocol

from loreweave.encoding.model_names import resolve
from loreweave.errors import ConfigurationError
from loreweave.experiments.runs.run_settings import OBJECTIVES
from loreweave.experiments.search.space import MODEL, Setting, factors_of
from loreweave.experiments.search.sweep import Sweep
from loreweave.objectives import LeftOut, objectives
from loreweave.pretraining import run as pretraining
from loreweave.pretraining.by_recipe import configuration_of
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.metrics import metric_name, metrics_of
from loreweave.tasks.jobs.by_name import data_files, finetuning_config
from loreweave.tasks.jobs.finetune import finetune_task
from loreweave.tasks.jobs.options import reading_of
from loreweave.tasks.registry import load_task, training_of
from loreweave.training.settings.configuration import unknown_name
from loreweave.training.settings.fields import written
from loreweave.training.settings.recipes import load_recipe

Report = Callable[[str], None]
Watch = Callable[[int, float], None]
"""Called with a step (an epoch, or an update of pre-training) and the metric; it may raise `Pruned`."""
Direction = Literal["maximize", "minimize"]
_FRACTION = "train_fraction"
_DEV = "dev."
"""Start of the names of metrics on the held-out texts of pre-training."""
_ALIKE = 0.9
"""Similarity above which a number of an objective is a misspelled loss or accuracy. Other names may be its further parts."""


class Target(Protocol):
    """A job with settings, which is run once per trial."""

    @property
    def kind(self) -> str:
        """`finetuning` or `pretraining`."""

    @property
    def name(self) -> str:
        """The task or the recipe."""

    @property
    def metric(self) -> str:
        """Name of the metric that is optimised."""

    @property
    def direction(self) -> Direction:
        """Whether larger or smaller is better."""

    @property
    def config_type(self) -> type:
        """Class of the settings of a run."""

    def check(self) -> None:
        """Raise an error that all trials would have: missing files, a metric that does not exist, no dev data."""

    def config(self, settings: Sequence[Setting], output: Path) -> Any:
        """The settings of a run.

        Raises:
            ConfigurationError: a wrong setting.
        """

    def run(self, settings: Sequence[Setting], output: Path, watch: Watch, report: Report) -> dict[str, Any]:
        """Train in this process, or resume the run in the folder; returns the content of `results.json`."""

    def command(self, settings: Sequence[Setting], output: Path) -> list[str]:
        """Arguments of `loreweave` that do the same."""

    def value(self, results: Mapping[str, Any]) -> float:
        """The metric of a run that is done; NaN if it has none."""

    def step_of(self, row: Mapping[str, Any]) -> tuple[int, float] | None:
        """Step and metric of a line of `metrics.jsonl`; None for lines without."""

    def scores(self, results: Mapping[str, Any]) -> dict[str, float]:
        """All numbers of a run that is done: `dev_micro_f1`, `test_micro_f1`, `best_epoch`, `last_epoch`."""

    def recipe(self, settings: Sequence[Setting], summary: str) -> dict[str, Any]:
        """The settings as a recipe for `loreweave finetune --recipe` or `loreweave pretrain`."""

    def kept(self, settings: Sequence[Setting]) -> dict[str, Any]:
        """Settings of the recipe that do not vary and only make the trials cheaper, such as a fraction of the data."""


def target_of(sweep: Sweep) -> Target:
    """The job of a sweep.

    Raises:
        ConfigurationError: an unknown task or recipe.
    """
    return PretrainingTarget(sweep) if sweep.pretrain is not None else FinetuningTarget(sweep)


@dataclass
class FinetuningTarget:
    """Fine-tuning of a task."""

    sweep: Sweep
    kind = "finetuning"

    def __post_init__(self) -> None:
        assert self.sweep.task is not None
        self.task = load_task(self.sweep.task)
        self.name = self.task.name
        training = training_of(self.task)
        self.config_type: type = training.config
        self.metric = self.sweep.metric or str(self.sweep.settings.get("metric") or training.metric)
        self.direction: Direction = self.sweep.direction or "maximize"

    def check(self) -> None:
        """See `Target.check`."""
        training, sweep = training_of(self.task), self.sweep
        if training.score is None:
            raise ConfigurationError(f"{self.name} has no scores during training, so that there is no metric to optimise")
        if self.metric not in training.metrics:
            where = "test scores are not optimised" if self.metric.startswith("test") else f"not a metric of {self.name}"
            raise ConfigurationError(f"metric: {self.metric!r}: {where}{unknown_name(self.metric, training.metrics)}")
        if self.direction == "minimize":
            raise ConfigurationError(f"direction: larger is better for all metrics of {self.name}; leave it out")
        if sweep.model is None and MODEL not in sweep.vary:
            raise ConfigurationError("model: found none, expected the encoder to fine-tune (or several under vary)")
        if sweep.model is not None:
            resolve(sweep.model, weights=False)
        files = self._files()
        for path in (files.train, *files.more, files.dev, files.test):
            if path is not None and not path.exists():
                raise ConfigurationError(f"{path}: found no such file")
        varied = {**sweep.settings, **sweep.vary}
        if files.dev is None and varied.get("dev_fraction") is None and not self._recipe_config().get("dev_fraction"):
            raise ConfigurationError("dev: found no dev data to optimise on; give dev: FILE, or settings: {dev_fraction: 0.1}")

    def _recipe_config(self) -> dict[str, Any]:
        return {} if self.sweep.recipe is None else load_recipe(self.sweep.recipe).config

    def _files(self) -> Any:
        sweep = self.sweep
        if len(sweep.data) > 1:
            raise ConfigurationError(f"data: found {', '.join(sweep.data)}, expected one folder")
        return data_files(self.task, [*sweep.train] or None, sweep.dev, sweep.test, next(iter(sweep.data), None))

    def _overrides(self, settings: Sequence[Setting]) -> list[Setting]:
        """Settings of a trial, without the model."""
        given = dict([*self.sweep.settings.items(), *settings])
        if self.sweep.metric is not None:
            given["metric"] = self.sweep.metric
        if self.sweep.device is not None:
            given["device"] = self.sweep.device
        return [(name, value) for name, value in given.items() if name != MODEL]

    def _model(self, settings: Sequence[Setting]) -> str:
        return str(dict(settings).get(MODEL, self.sweep.model))

    def config(self, settings: Sequence[Setting], output: Path) -> Any:
        """See `Target.config`."""
        return finetuning_config(self.task, self.sweep.recipe, self._overrides(settings))

    def run(self, settings: Sequence[Setting], output: Path, watch: Watch, report: Report) -> dict[str, Any]:
        """See `Target.run`."""

        def after_epoch(row: Mapping[str, Any]) -> None:
            if row["epoch"] > 0 and "dev" in row:
                watch(int(row["epoch"]), _number(row["dev"].get(self.metric)))

        sweep = self.sweep
        return finetune_task(
            self.task, self._model(settings), self._files(), self.config(settings, output), output,
            reading=reading_of(sweep.format, sweep.skip_bad, sweep.tag_names), resume=True, report=report,
            after_epoch=after_epoch, command=["loreweave", *self.command(settings, output)],
        )  # fmt: skip

    def command(self, settings: Sequence[Setting], output: Path) -> list[str]:
        """See `Target.command`."""
        sweep = self.sweep
        command = ["finetune", self.name, "--model", self._model(settings), "--output", str(output)]
        command += [part for path in sweep.train for part in ("--train", path)]
        options = ("dev", "test", "recipe", "format")
        given: dict[str, str | None] = {name: getattr(sweep, name) for name in options}
        given["data"] = next(iter(sweep.data), None)
        command += [part for name, value in given.items() if value for part in (f"--{name}", value)]
        command += ["--tag-names", sweep.tag_names] if sweep.tag_names else []
        command += ["--skip-bad"] if sweep.skip_bad else []
        return command + [f"{name}={written(value)}" for name, value in self._overrides(settings)]

    def value(self, results: Mapping[str, Any]) -> float:
        """See `Target.value`."""
        return _number((results.get("dev") or {}).get(self.metric))

    def step_of(self, row: Mapping[str, Any]) -> tuple[int, float] | None:
        """See `Target.step_of`."""
        if row.get("split") != "dev" or not row.get("epoch"):
            return None
        return int(row["epoch"]), _number(row.get(self.metric))

    def scores(self, results: Mapping[str, Any]) -> dict[str, float]:
        """See `Target.scores`."""
        found = {f"{split}_{name}": value for split in ("dev", "test") for name, value in (results.get(split) or {}).items()}
        epochs = {"best_epoch": results["best_epoch"], "last_epoch": max(row["epoch"] for row in results["epochs"])}
        return epochs | found

    def recipe(self, settings: Sequence[Setting], summary: str) -> dict[str, Any]:
        """See `Target.recipe`."""
        base = {} if self.sweep.recipe is None else load_recipe(self.sweep.recipe).config_for(self._overrides(settings))
        found: dict[str, Any] = {"kind": self.kind, "task": self.name, "summary": summary, "paper": "none; a search"}
        found["notes"] = [f"The encoder was {self._model(settings)}."]
        for name, value in self.kept(settings).items():
            found["notes"].append(f"{name}={written(value)} is that of the search; {name}=1 uses all data.")
        return found | {"config": _merged(base, _portable(self._overrides(settings)))}

    def kept(self, settings: Sequence[Setting]) -> dict[str, Any]:
        """See `Target.kept`."""
        fraction = self.config(settings, Path("run")).train_fraction
        varied = any(name == _FRACTION for name, _ in settings)
        return {_FRACTION: fraction} if fraction < 1 and not varied else {}


@dataclass
class PretrainingTarget:
    """A recipe of pre-training."""

    sweep: Sweep
    kind = "pretraining"
    config_type = PretrainingConfig

    def __post_init__(self) -> None:
        assert self.sweep.pretrain is not None
        self.name = self.sweep.pretrain
        self.metric = self.sweep.metric or "loss"
        self.direction: Direction = self.sweep.direction or "minimize"
        self.on_dev = self.metric.startswith(_DEV)

    def check(self) -> None:
        """See `Target.check`."""
        config = self.config([], Path("run"))
        if self.on_dev and not config.dev:
            raise ConfigurationError(
                f"metric: found {self.metric}, but no held-out texts; expected them in settings: {{dev: [FOLDER]}}"
            )
        for path in [*self.sweep.data, *config.dev]:
            if not Path(path).exists():
                raise ConfigurationError(f"{path}: found no such pre-training set")
        names = [name for factor in factors_of(self.sweep.vary) for name in factor.names()]
        self._check_metric(config, [name.split(".")[1] for name in names if name.startswith(f"{OBJECTIVES}.")])
        summed = next(filter(_changes_the_sum, names), None)
        if self.metric.removeprefix(_DEV) == "loss" and summed is not None:
            raise ConfigurationError(
                f"vary: {summed}: the loss is the weighted sum of the losses of the objectives, so trials with other "
                "objectives or weights cannot be compared by it; name another number, such as 'metric: masked_words_loss'"
            )

    def _check_metric(self, config: PretrainingConfig, varied: Sequence[str]) -> None:
        """Refuse a metric that no trial can have; `varied` are the objectives with settings that vary."""
        asked, given = self.metric.removeprefix(_DEV), dict(config.objectives.items())
        named = [*dict.fromkeys([*given, *varied])]
        usual = ["loss", *(metric_name(name, key) for name in named for key in ("loss", "accuracy"))]
        own = next((name for name in named if metrics_of(name, {asked: 0.0})), None)
        is_misspelled = asked not in usual and bool(get_close_matches(asked, usual, n=1, cutoff=_ALIKE))
        if is_misspelled or (own is None and asked != "loss"):
            known = [f"{_DEV}{name}" for name in usual] if self.on_dev else usual
            raise ConfigurationError(
                f"metric: found {self.metric!r}, expected a number of this run{unknown_name(self.metric, known)}"
            )
        if self.on_dev and own in given:
            measured = objectives()[own].for_held_out(given[own])
            if isinstance(measured, LeftOut):
                raise ConfigurationError(
                    f"metric: found {self.metric!r}, a number that is not measured on held-out texts: {measured.reason}"
                )

    def _overrides(self, settings: Sequence[Setting]) -> list[Setting]:
        sweep = self.sweep
        given = {name: getattr(sweep, name) for name in ("model", "data", "device") if getattr(sweep, name)}
        return list({**given, **sweep.settings, **dict(settings)}.items())

    def config(self, settings: Sequence[Setting], output: Path) -> PretrainingConfig:
        """See `Target.config`."""
        return configuration_of(self.name, [*self._overrides(settings), ("output", str(output))])

    def run(self, settings: Sequence[Setting], output: Path, watch: Watch, report: Report) -> dict[str, Any]:
        """See `Target.run`."""

        def after_log(step: int, values: Mapping[str, float]) -> None:
            if self.metric in values:  # a line has no metrics of objectives without targets
                watch(step, _number(values[self.metric]))

        return pretraining.run(
            self.config(settings, output), resume=True, after_log=after_log,
            command=["loreweave", *self.command(settings, output)],
        ).results  # fmt: skip

    def command(self, settings: Sequence[Setting], output: Path) -> list[str]:
        """See `Target.command`."""
        given = [*self._overrides(settings), ("output", str(output))]
        return ["pretrain", self.name, *(f"{name}={written(value)}" for name, value in given)]

    def value(self, results: Mapping[str, Any]) -> float:
        """See `Target.value`."""
        return _number(self.scores(results).get(self.metric))

    def step_of(self, row: Mapping[str, Any]) -> tuple[int, float] | None:
        """See `Target.step_of`."""
        split, name = "dev" if self.on_dev else "train", self.metric.removeprefix(_DEV)
        return (int(row["step"]), _number(row[name])) if row.get("split") == split and name in row else None

    def scores(self, results: Mapping[str, Any]) -> dict[str, float]:
        """See `Target.scores`."""
        named = {**results} | {f"{_DEV}{name}": value for name, value in (results.get("dev") or {}).items()}
        return {name: value for name, value in named.items() if isinstance(value, (int, float)) and name != "seconds"}

    def recipe(self, settings: Sequence[Setting], summary: str) -> dict[str, Any]:
        """See `Target.recipe`."""
        base = load_recipe(self.name).config_for(self._overrides(settings))
        found = {"kind": self.kind, "summary": summary, "paper": "none; a search"}
        return found | {"config": _merged(base, _portable(self._overrides(settings)))}

    def kept(self, settings: Sequence[Setting]) -> dict[str, Any]:
        """See `Target.kept`."""
        return {}


def _changes_the_sum(name: str) -> bool:
    """Whether a setting turns an objective on or off, or is its weight."""
    group, *parts = name.split(".")
    return group == OBJECTIVES and (len(parts) < 2 or parts[1:] == ["weight"])


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan


def _portable(settings: Sequence[Setting]) -> list[Setting]:
    """Settings without those of a machine."""
    return [(name, value) for name, value in settings if name != "device"]


def _merged(config: Mapping[str, Any], settings: Sequence[Setting]) -> dict[str, Any]:
    """A nested configuration with the settings by their dotted names."""
    merged = {name: dict(value) if isinstance(value, Mapping) else value for name, value in config.items()}
    for name, value in settings:
        *groups, last = name.split(".")
        node: dict[str, Any] = merged
        for group in groups:
            inner = node.get(group)
            node[group] = dict(inner) if isinstance(inner, Mapping) else {}
            node = node[group]
        node[last] = value
    return merged
