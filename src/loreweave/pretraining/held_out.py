"""Loss and accuracy of the objectives on held-out windows, which are not trained on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from loreweave.build.pretraining_set import PretrainingSet
from loreweave.errors import ConfigurationError
from loreweave.objectives import LeftOut, Objective, ObjectivesConfig, objectives
from loreweave.objectives.gathering import process, processes
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.metrics import metric_name
from loreweave.pretraining.micro_steps import build_stream, to_device
from loreweave.pretraining.model import PretrainingModel
from loreweave.pretraining.start import Start
from loreweave.training.devices import autocast


class HeldOut:
    """One pass over held-out windows.

    The masks are those of the first epoch of a run with the seed of the settings, so all measurements have the same targets.

    Args:
        config: settings of the run, with the objectives that are measured. They have the heads of the trained objectives with
            the same names.
        sets: the held-out sets.
        begun: the model, for which the sets were built.

    Attributes:
        objectives: the objectives that are measured.
        windows: number of windows that are read.
        windows_left_out: number of windows at the end, too few for a micro-batch of each process.

    Raises:
        ConfigurationError: fewer windows than a micro-batch of each process has.
    """

    def __init__(self, config: PretrainingConfig, sets: Sequence[PretrainingSet], begun: Start) -> None:
        rows, together = sum(len(data.dataset) for data in sets), config.micro_batch_size * processes()
        count = rows // together * processes()
        if not count:
            each = f"micro_batch_size={config.micro_batch_size}" + (f" x {processes()} processes" if processes() > 1 else "")
            raise ConfigurationError(f"found {rows} windows, expected at least {each}")
        # A pool would extend beyond the end of the pass.
        one_pass = replace(config, batch_size=config.micro_batch_size, steps=count, sampling_smoothing=1.0, pool=1)
        self._stream = build_stream(one_pass, sets, begun, processes=1)
        self._precision = config.precision
        self.objectives: list[Objective] = self._stream.objectives
        self.windows = count * config.micro_batch_size
        self.windows_left_out = rows - self.windows

    @torch.inference_mode()
    def measure(self, module: PretrainingModel, device: torch.device) -> dict[str, float]:
        """Mean of each metric over the targets, without the metrics of objectives that have no target."""
        training = module.training
        module.eval()
        sums = {objective.name: defaultdict[str, float](float) for objective in self.objectives}
        targets = Counter[str]()
        for item in range(process(), len(self._stream), processes()):
            batch = to_device(self._stream[item], device)
            for objective in self.objectives:
                targets[objective.name] += int(objective.count_targets(batch[objective.name]))
            with autocast(device, self._precision):
                found = module.sums(self.objectives, batch)
            for name, parts in found.items():
                for key, value in parts.items():
                    sums[name][key] += float(value)
        module.train(training)
        names = [(objective, key) for objective, parts in sums.items() for key in parts]
        own = [*(sums[objective][key] for objective, key in names), *(targets[name] for name in sums)]
        totals = _over_processes(own, device)
        counts = dict(zip(sums, totals[len(names) :], strict=True))
        means = zip(names, totals, strict=False)
        return {metric_name(name, key): total / counts[name] for (name, key), total in means if counts[name]}

    def without_targets(self, measured: Mapping[str, float]) -> list[str]:
        """Lines about the objectives for which a measurement has found no target."""
        lacking = [each.name for each in self.objectives if metric_name(each.name, "loss") not in measured]
        return [f"objective {name} is left out: the windows have no target" for name in lacking]


def _over_processes(numbers: Sequence[float], device: torch.device) -> list[float]:
    """The sums of numbers over all processes."""
    if processes() == 1:
        return list(numbers)
    summed = torch.tensor(numbers, dtype=torch.float64, device=device)
    torch.distributed.all_reduce(summed)
    return list(summed.tolist())


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


def held_out_of_run(config: PretrainingConfig, sets: Sequence[PretrainingSet], begun: Start) -> tuple[HeldOut, dict[str, str]]:
    """The held-out windows of a run, and the objectives that are not measured on them with the reasons.

    Raises:
        ConfigurationError: nothing can be measured on `config.dev`.
    """
    known = objectives()
    try:
        kept, left_out = measurable(config, lambda name, asked: known[name].for_held_out(asked))
        return HeldOut(replace(config, data=config.dev, objectives=kept), sets, begun), left_out
    except ConfigurationError as error:
        raise ConfigurationError(f"dev: {error}") from error


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
