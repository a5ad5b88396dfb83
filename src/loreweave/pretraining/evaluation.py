"""How well a model solves the pre-training objectives on windows that it was not trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.checkpoints import latent_typing
from loreweave.encoding.model_names import resolve
from loreweave.errors import ConfigurationError
from loreweave.objectives import OBJECTIVES, ClsEntity, LatentTyping, StreamObjective
from loreweave.pretraining.configuration import ObjectivesConfig, PretrainingConfig
from loreweave.pretraining.model import PretrainingModel
from loreweave.pretraining.run import build_stream
from loreweave.pretraining.start import start
from loreweave.pretraining.trainer import logged_name
from loreweave.training.devices import autocast, training_device
from loreweave.training.precision import with_settled_precision
from loreweave.training.progress import say_line
from loreweave.training.quiet import quiet

_GRAPHS = "link-prediction"


@torch.inference_mode()
def evaluate_objectives(config: PretrainingConfig, report: Callable[[str], None] = say_line) -> dict[str, float]:
    """Loss and accuracy of each objective over one pass of `config.data`, masked by `config.seed`.

    The masks are those of the first epoch of a run with that seed, so that two models are compared on the same targets.
    Windows at the end that fill no micro-batch are left out; their number is in `windows_left_out`. Objectives whose head the
    model does not have are left out too, because the numbers of a random head say nothing: `report` is told which.

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
    # A pool would reach over the end of the pass.
    config = replace(config, batch_size=config.micro_batch_size, steps=micro_batches, sampling_smoothing=1.0, pool=1)
    device = training_device(config.device)
    config = with_settled_precision(config, device)
    with quiet():
        begun = start(config, sets)
    stream = build_stream(config, sets, begun, processes=1)
    module = PretrainingModel(begun.model, stream.objectives).to(device).eval()
    sums: defaultdict[str, float] = defaultdict(float)
    for item in range(len(stream)):
        batch = {name: tensor.to(device) for name, tensor in stream[item].items()}
        with autocast(device, config.precision):
            found = module(**batch)
        for name, value in found.items():
            sums[name] += float(value)
        for objective in stream.objectives:
            sums[f"{objective.name}_targets"] += batch[f"{objective.name}_labels"].numel()
    results = {"windows": float(micro_batches * config.micro_batch_size)}
    results["windows_left_out"] = rows - results["windows"]
    for objective in stream.objectives:
        targets = max(1, sums.pop(f"{objective.name}_targets"))
        results |= {logged_name(key): sums[key] / targets for key in sums if key.startswith(f"{objective.name}_")}
    return results


def _with_heads(config: PretrainingConfig, report: Callable[[str], None]) -> ObjectivesConfig:
    """The objectives whose head is part of the model or saved beside it; latent typing takes up that of the model's folder."""
    asked = config.objectives
    left_out = {
        name: f"it reads a graph, not windows; 'loreweave evaluate {_GRAPHS}' scores it"
        for name, kind in OBJECTIVES.items()
        if issubclass(kind, StreamObjective) and getattr(asked, name) is not None
    }
    if asked.cls_entity is not None:
        left_out[ClsEntity.name] = "its head is not saved with a model"
    changes: dict[str, Any] = dict.fromkeys(left_out)
    if asked.latent_typing is not None and asked.latent_typing.head is None:
        if config.model is not None and latent_typing.recognises(resolve(config.model)):
            changes[LatentTyping.name] = replace(asked.latent_typing, head=config.model)
        else:
            changes[LatentTyping.name] = None
            left_out[LatentTyping.name] = "the model has no typer; objectives.latent_typing.head names a folder with one"
    for name, reason in left_out.items():
        report(f"objective {name} is left out: {reason}")
    kept = replace(asked, **changes)
    if left_out and all(getattr(kept, name) is None for name in OBJECTIVES):
        raise ConfigurationError(f"found no objective to evaluate: {'; '.join(f'{n}: {r}' for n, r in left_out.items())}")
    return kept
