"""How well a model solves the pre-training objectives on windows that it was not trained on."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import torch

from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.errors import ConfigurationError
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.model import PretrainingModel
from loreweave.pretraining.run import build_stream
from loreweave.pretraining.start import start
from loreweave.pretraining.trainer import logged_name
from loreweave.training.devices import autocast, training_device
from loreweave.training.precision import with_settled_precision
from loreweave.training.quiet import quiet


@torch.inference_mode()
def evaluate_objectives(config: PretrainingConfig) -> dict[str, float]:
    """Loss and accuracy of each objective over one pass of `config.data`, masked by `config.seed`.

    The masks are those of the first epoch of a run with that seed, so that two models are compared on the same targets.
    Windows at the end that fill no micro-batch are left out; their number is in `windows_left_out`.
    """
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
