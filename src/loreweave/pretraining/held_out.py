"""Loss and accuracy of the objectives on held-out windows, which are not trained on."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from loreweave.build.pretraining_set import PretrainingSet, open_pretraining_set
from loreweave.corpus.counts import counted
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.errors import ConfigurationError, LoreweaveError
from loreweave.objectives import LeftOut, Objective, ObjectivesConfig, objectives
from loreweave.objectives.gathering import process, processes
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.metrics import metric_name
from loreweave.pretraining.micro_steps import build_pass, cut_by_limits, to_device
from loreweave.pretraining.model import PretrainingModel
from loreweave.pretraining.start import Start, check_sets, common_vocabulary
from loreweave.training.devices import autocast

K = TypeVar("K")
_BATCH = 16
"""Number of windows per batch: losses over a batch as a whole do not depend on the settings of the run."""
_SEED = 0
"""Seed of the masks: runs with other seeds are measured on the same targets."""


class HeldOut:
    """One pass over all held-out windows, always with the same masks, so that all measurements have the same targets.

    Args:
        config: settings of the run, with the objectives that are measured. They have the heads of the trained objectives with
            the same names.
        sets: the held-out sets.
        begun: the model, for which the sets were built.
        links: entity vocabulary of the links, for sets of plain text. Default: that of the sets.

    Attributes:
        objectives: the objectives that are measured.
        windows: number of windows.
        cut: counts of what `max_words` and `max_entities` remove; empty if they remove nothing.

    Raises:
        ConfigurationError: there are none.
    """

    def __init__(
        self, config: PretrainingConfig, sets: Sequence[PretrainingSet], begun: Start, links: EntityVocabulary | None = None
    ) -> None:
        self.windows = sum(len(data.dataset) for data in sets)
        if not self.windows:
            raise ConfigurationError("found no window, expected some")
        self._stream = build_pass(config, sets, begun, _BATCH, _SEED, links)
        self.cut = cut_by_limits(config, sets, self._stream)
        self._precision = config.precision
        self.objectives: list[Objective] = self._stream.objectives

    @property
    def batches(self) -> int:
        """Number of batches of one measurement, over all processes."""
        return len(self._stream)

    @torch.inference_mode()
    def measure(self, module: PretrainingModel, device: torch.device, most: int | None = None) -> dict[str, float]:
        """Mean of each metric over the targets, without the metrics of objectives that have no target.

        Args:
            module: the model.
            device: its device.
            most: number of batches that are measured at most, for an estimate of the cost. Default: all.
        """
        training = module.training
        module.eval()
        sums = defaultdict[tuple[str, str], float](float)
        targets = Counter[str]()
        for item in range(process(), self.batches if most is None else min(most, self.batches), processes()):
            batch = to_device(self._stream[item], device)
            for objective in self.objectives:
                targets[objective.name] += int(objective.count_targets(batch[objective.name]))
            with autocast(device, self._precision):
                found = module.sums(self.objectives, batch)
            for name, parts in found.items():
                for key, value in parts.items():
                    sums[name, key] += float(value)
        module.train(training)
        whole, counts = _over_processes(sums), _over_processes(targets)
        return {metric_name(name, key): value / counts[name] for (name, key), value in whole.items() if counts[name]}

    def without_targets(self, measured: Mapping[str, float]) -> list[str]:
        """Lines about the objectives for which a measurement has found no target."""
        lacking = [each.name for each in self.objectives if metric_name(each.name, "loss") not in measured]
        return [f"objective {name} is left out: the windows have no target" for name in lacking]


def _over_processes(own: Mapping[K, float]) -> dict[K, float]:
    """The sums of the numbers of all processes, of which some may have none."""
    parts: list[Any] = [dict(own)]
    if processes() > 1:
        parts = [None] * processes()
        torch.distributed.all_gather_object(parts, dict(own))
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: sum(part.get(name, 0) for part in parts) for name in names}


def measurable(
    config: PretrainingConfig, settings: Callable[[str, Any], Any | LeftOut]
) -> tuple[ObjectivesConfig, dict[str, str]]:
    """The objectives of a run that can be measured, with their settings, and why the others cannot.

    Args:
        config: settings of the run.
        settings: name and settings of an objective -> the settings with which it is measured.

    Raises:
        ConfigurationError: none can be measured.
    """
    left_out: dict[str, str] = {}
    kept: dict[str, Any] = {}
    for name, asked in config.objectives.items():
        found = settings(name, asked)
        if isinstance(found, LeftOut):
            left_out[name] = found.reason
        else:
            kept[name] = found
    if left_out and not kept:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise ConfigurationError(f"found no objective to evaluate: {reasons}")
    return ObjectivesConfig(**kept), left_out


def _of_run(
    config: PretrainingConfig, sets: Sequence[PretrainingSet], begun: Start, links: EntityVocabulary | None
) -> tuple[HeldOut, dict[str, str]]:
    """The held-out windows, and the objectives that are not measured on them with the reasons."""
    known = objectives()
    try:
        kept, left_out = measurable(config, lambda name, asked: known[name].for_held_out(asked))
        return HeldOut(replace(config, data=config.dev, objectives=kept), sets, begun, links), left_out
    except ConfigurationError as error:
        raise ConfigurationError(f"dev: {error}") from error


def open_held_out(config: PretrainingConfig, sets: Sequence[PretrainingSet], begun: Start) -> tuple[HeldOut | None, list[str]]:
    """The held-out windows of a run, if there are any, and lines for the user about them.

    Raises:
        ConfigurationError: they are trained on, they do not match the model, or nothing can be measured on them.
    """
    if not config.dev:
        return None, []
    trained = [path for path in config.dev if Path(path).resolve() in {Path(other).resolve() for other in config.data}]
    if trained:
        raise ConfigurationError(f"dev: found {trained[0]}, which is also in data; expected windows that are not trained on")
    dev = [open_pretraining_set(path) for path in config.dev]
    trained_on = {str(data.manifest["files"]): data.path for data in sets}
    for data in dev:
        if (same := trained_on.get(str(data.manifest["files"]))) is not None:
            raise ConfigurationError(f"dev: {data.path} has the windows of {same}; expected windows that are not trained on")
    if config.model is not None:
        check_sets(config.model, begun, dev)
    held_out, left_out = _of_run(config, dev, begun, common_vocabulary([*sets, *dev]))
    lines = [f"dev: {', '.join(config.dev)} ({counted(held_out.windows, 'window')} for measurements)"]
    lines += [f"dev: left out: {held_out.cut}"] if held_out.cut else []
    return held_out, lines + [f"dev: {name} is not measured: {reason}" for name, reason in left_out.items()]


class HeldOutMeasurement(TrainerCallback):
    """Measures the model on held-out windows after every few updates, and after the last one.

    Args:
        held_out: the windows.
        module: the model that is trained.
        every: number of updates between two measurements; 0: only after the last one.
        log: called in the first process with the number of updates and the metrics.
        say: called in the first process with lines for the user.
    """

    def __init__(
        self,
        held_out: HeldOut,
        module: PretrainingModel,
        every: int,
        log: Callable[[int, dict[str, float]], None],
        say: Callable[[str], None],
    ) -> None:
        self.held_out = held_out
        self.module = module
        self.every = every
        self.log = log
        self.say = say
        self._said: list[str] = []

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Measure, if this update is one after which it is due."""
        step = state.global_step
        if step < state.max_steps and (not self.every or step % self.every):
            return
        found = self.held_out.measure(self.module, args.device)
        if not all(map(math.isfinite, found.values())):
            raise LoreweaveError(f"the loss on held-out texts is not finite at step {step}: {found}")
        if not state.is_world_process_zero:
            return
        for line in self.held_out.without_targets(found):
            if line not in self._said:
                self.say(f"dev: {line}")
                self._said.append(line)
        losses = ((each.weight, found.get(metric_name(each.name, "loss"))) for each in self.held_out.objectives)
        found = {"loss": sum(weight * loss for weight, loss in losses if loss is not None), **found}
        self.say(" | ".join([f"dev, step {step}/{state.max_steps}", *(f"{name} {value:.4g}" for name, value in found.items())]))
        self.log(step, found)
