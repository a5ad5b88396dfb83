"""Estimate of a run's cost from a few measured micro-steps; nothing is written."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.held_out import HeldOut, open_held_out
from loreweave.pretraining.micro_steps import MicroSteps, build_stream, check_weights, to_device
from loreweave.pretraining.model import PretrainingModel, freeze
from loreweave.pretraining.start import start
from loreweave.training.accelerators import forget_peak_memory
from loreweave.training.devices import autocast, training_device
from loreweave.training.optimizers import build_optimizer
from loreweave.training.precision import with_settled_precision
from loreweave.training.quiet import quiet
from loreweave.training.runs.resources import peak_device_memory_gib, peak_memory_gib

_WARM_UP = 2


@dataclass(frozen=True)
class Estimate:
    """Measurements on one process of this machine, and their consequences for the whole run.

    Attributes:
        device: device of the measurement.
        updates: number of updates of the run.
        micro_steps: number of micro-steps of the run, over all processes.
        seconds_per_micro_step: median, without the first two; batches are prepared in the same process.
        seconds_of_the_optimizer_per_update: the part of an update that follows its micro-steps.
        seconds_per_update: the micro-steps of one process and the optimizer.
        measurements: number of measurements on held-out texts (`dev`).
        seconds_per_measurement: all of its batches on one process, from the mean of a few.
        peak_memory_gib: peak memory of the process (CPU) or of the device.
        processes: number of processes that `hours` assumes.
        hours: duration of the whole run with that many processes like this one: updates and measurements, without the
            communication of the processes.
        device_hours: hours x processes.
    """

    device: str
    updates: int
    micro_steps: int
    seconds_per_micro_step: float
    seconds_of_the_optimizer_per_update: float
    seconds_per_update: float
    measurements: int
    seconds_per_measurement: float
    peak_memory_gib: float
    processes: int
    hours: float
    device_hours: float

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain values."""
        return asdict(self)


def estimate(config: PretrainingConfig, processes: int = 1, micro_steps: int = 5) -> Estimate:
    """Measure `micro_steps` micro-steps and one update of the run with `config`, for `processes` processes.

    Raises:
        ConfigurationError: data, model and settings do not match.
    """
    device = training_device(config.device)
    config = with_settled_precision(config, device)
    torch.manual_seed(config.seed)
    sets = [open_pretraining_set(path) for path in config.data]
    with quiet():
        begun = start(config, sets)
    stream = build_stream(config, sets, begun, processes)
    held_out, _ = open_held_out(config, sets, begun)
    check_weights(stream.objectives)
    module = PretrainingModel(begun.model, stream.objectives).to(device).train()
    freeze(module, config, begun.new_modules)
    optimizer = build_optimizer(module.parameters_by_part(), config.optimizer)
    forget_peak_memory(device)
    count = min(_WARM_UP + micro_steps, len(stream))
    times = [_micro_step(config, stream, module, item, device) for item in range(count)]
    began = time.perf_counter()
    optimizer.step()
    _wait(device)
    optimizing = time.perf_counter() - began
    measuring = 0.0 if held_out is None else _measurement(held_out, module, count, device)
    return _whole_run(config, len(stream), times, optimizing, measuring, processes, device)


def _micro_step(
    config: PretrainingConfig, stream: MicroSteps, module: PretrainingModel, item: int, device: torch.device
) -> float:
    began = time.perf_counter()
    batch = to_device(stream[item], device)
    with autocast(device, config.precision):
        targets = {o.name: o.count_targets(batch[o.name]).clamp_min(1) for o in stream.objectives}
        sums = module(**batch)
    total: Tensor = sum(
        (o.weight * sums[o.name]["loss"] / targets[o.name] for o in stream.objectives),
        torch.zeros((), device=device),
    )
    total.backward()
    _wait(device)
    return time.perf_counter() - began


def _measurement(held_out: HeldOut, module: PretrainingModel, count: int, device: torch.device) -> float:
    """Seconds of a measurement on held-out texts, from its first `count` batches."""
    count = min(count, held_out.batches)
    began = time.perf_counter()
    held_out.measure(module, device, count)
    _wait(device)
    return (time.perf_counter() - began) / count * held_out.batches


def _whole_run(
    config: PretrainingConfig,
    micro_steps: int,
    times: Sequence[float],
    optimizing: float,
    measuring: float,
    processes: int,
    device: torch.device,
) -> Estimate:
    seconds = statistics.median(times[_WARM_UP:] or times)
    steps = config.accumulation_steps(processes)
    updates = micro_steps // (steps * processes)
    update = steps * seconds + optimizing
    measurements = config.measurements(updates)
    hours = (updates * update + measurements * measuring / processes) / 3600
    return Estimate(
        device=str(device),
        updates=updates,
        micro_steps=micro_steps,
        seconds_per_micro_step=seconds,
        seconds_of_the_optimizer_per_update=optimizing,
        seconds_per_update=update,
        measurements=measurements,
        seconds_per_measurement=measuring,
        peak_memory_gib=_peak_memory(device),
        processes=processes,
        hours=hours,
        device_hours=hours * processes,
    )


def _wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def _peak_memory(device: torch.device) -> float:
    """GiB of the device, or of this process."""
    on_device = peak_device_memory_gib(device)
    return peak_memory_gib() if on_device is None else on_device
