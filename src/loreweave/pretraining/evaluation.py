"""Evaluation of a model on the pre-training objectives, with windows that it was not trained on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.errors import ConfigurationError
from loreweave.objectives import LeftOut, ObjectivesConfig, objectives
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.metrics import metric_name
from loreweave.pretraining.micro_steps import to_device
from loreweave.pretraining.model import PretrainingModel
from loreweave.pretraining.run import build_stream
from loreweave.pretraining.start import start
from loreweave.training.devices import autocast, training_device
from loreweave.training.precision import with_settled_precision
from loreweave.training.progress import say_line
from loreweave.training.quiet import quiet


@torch.inference_mode()
def evaluate_objectives(config: PretrainingConfig, report: Callable[[str], None] = say_line) -> dict[str, float]:
    """Loss and accuracy of each objective over one pass of `config.data`, masked by `config.seed`.

    The masks are those of the first epoch of a run with that seed, so two models are compared on the same targets.
    Windows at the end that do not fill a micro-batch are left out; their number is in `windows_left_out`. Objectives whose head
    the model lacks are left out too, because the metrics of a random head have no meaning: `report` is called with their names.

    Raises:
        ConfigurationError: no objective is left, or fewer windows than fill a micro-batch.
    """
    config = replace(config, objectives=_with_heads(config, report))
    torch.manual_seed(config.seed)
    sets = [open_pretraining_set(path) for path in config.data]
    rows = sum(len(data.dataset) for data in sets)
    micro_batches = rows // config.micro_batch_size
    if not micro_batches:
        raise ConfigurationError(f"found {rows} windows, expected at least micro_batch_size={config.micro_batch_size}")
    # A pool would extend beyond the end of the pass.
    config = replace(config, batch_size=config.micro_batch_size, steps=micro_batches, sampling_smoothing=1.0, pool=1)
    device = training_device(config.device)
    config = with_settled_precision(config, device)
    with quiet():
        begun = start(config, sets)
    stream = build_stream(config, sets, begun, processes=1)
    module = PretrainingModel(begun.model, stream.objectives).to(device).eval()
    sums = {objective.name: defaultdict[str, float](float) for objective in stream.objectives}
    targets = Counter[str]()
    for item in range(len(stream)):
        batch = to_device(stream[item], device)
        with autocast(device, config.precision):
            found = module(**batch)
        for objective in stream.objectives:
            targets[objective.name] += int(objective.count_targets(batch[objective.name]))
        for name, parts in found.items():
            for key, value in parts.items():
                sums[name][key] += float(value)
    results = {"windows": float(micro_batches * config.micro_batch_size)}
    results["windows_left_out"] = rows - results["windows"]
    for name, parts in sums.items():
        results |= {metric_name(name, key): value / max(1, targets[name]) for key, value in parts.items()}
    return results


def _with_heads(config: PretrainingConfig, report: Callable[[str], None]) -> ObjectivesConfig:
    """Objectives that can be evaluated on the model, with their settings."""
    left_out: dict[str, str] = {}
    kept: dict[str, Any] = {}
    known = objectives()
    for name, asked in config.objectives.items():
        found = known[name].for_evaluation(asked, config.model)
        if isinstance(found, LeftOut):
            left_out[name] = found.reason
            report(f"objective {name} is left out: {found.reason}")
        else:
            kept[name] = found
    if left_out and not kept:
        raise ConfigurationError(f"found no objective to evaluate: {'; '.join(f'{n}: {r}' for n, r in left_out.items())}")
    return ObjectivesConfig(**kept)
