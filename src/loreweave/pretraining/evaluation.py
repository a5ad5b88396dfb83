"""Evaluation of a model on the pre-training objectives, with windows that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.objectives import objectives
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.held_out import HeldOut, measurable
from loreweave.pretraining.model import PretrainingModel
from loreweave.pretraining.start import start
from loreweave.training.devices import training_device
from loreweave.training.precision import with_settled_precision
from loreweave.training.progress import say_line
from loreweave.training.quiet import quiet


def evaluate_objectives(config: PretrainingConfig, report: Callable[[str], None] = say_line) -> dict[str, float]:
    """Loss and accuracy of each objective over one pass of `config.data`.

    The masks are always the same, so two models are compared on the same targets. `report` is called with the names of the
    objectives that are left out because the model lacks their heads, or because the windows have no target, and of those that
    predict with a head of the encoder that is still random. It also says that `config.dev` is not read.

    Raises:
        ConfigurationError: no objective is left, or no window.
    """
    known = objectives()
    kept, left_out = measurable(config, lambda name, asked: known[name].for_evaluation(asked, config.model))
    for name, reason in left_out.items():
        report(f"objective {name} is left out: {reason}")
    if config.dev:
        report(f"dev is not read ({', '.join(config.dev)}): measured on data ({', '.join(config.data)})")
    torch.manual_seed(config.seed)
    sets = [open_pretraining_set(path) for path in config.data]
    device = training_device(config.device)
    config = with_settled_precision(replace(config, objectives=kept), device, report)
    with quiet():
        begun = start(config, sets)
    held_out = HeldOut(config, sets, begun)
    if held_out.cut:
        report(f"left out: {held_out.cut}")
    module = PretrainingModel(begun.model, held_out.objectives).to(device)
    for objective in held_out.objectives:
        if module.has_new_head(objective, begun.new_modules):
            report(f"objective {objective.name}: the model has no trained head for it; the numbers are those of a random head")
    found = held_out.measure(module, device)
    for line in held_out.without_targets(found):
        report(line)
    return {"windows": float(held_out.windows)} | found
