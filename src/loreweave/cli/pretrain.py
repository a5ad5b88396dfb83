"""`loreweave pretrain`: one stage of pre-training with a recipe."""

from __future__ import annotations

from typing import Annotated

import typer

from loreweave.cli.options import Device, Overrides, OverwriteRun, Resume


def command(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="Name of a recipe (see 'loreweave recipes'), or a YAML file.")
    ],
    overrides: Overrides = None,
    device: Device = None,
    resume: Resume = False,
    overwrite: OverwriteRun = False,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Measure a few steps, print the estimated cost of the whole run, and stop.")
    ] = False,
    evaluate: Annotated[
        bool,
        typer.Option(
            "--evaluate", help="Measure the objectives of the recipe on 'data' without training, print the numbers, and stop."
        ),
    ] = False,
    processes: Annotated[
        int, typer.Option("--processes", min=1, help="Number of processes that --estimate assumes (GPUs of all machines).")
    ] = 1,
) -> None:
    """Pre-train an encoder by a recipe.

    To use several processes: torchrun --nproc_per_node 4 -m loreweave pretrain ... (docs/launching.md).

    Example: loreweave pretrain minilm/pretraining-1 data=build/pages output=runs/stage-1 optimizer.learning_rate=5e-4

    Example: loreweave pretrain kepler-wiki/pretraining data=build/wikipedia --estimate --processes 64

    Example: loreweave pretrain minilm/knowledge --evaluate model=runs/knowledge data=build/held-out
    """
    settings = [*(overrides or []), *([f"device={device}"] if device else [])]
    if estimate or evaluate:
        from loreweave.cli.console import show_table
        from loreweave.errors import ConfigurationError
        from loreweave.pretraining.by_recipe import configuration_of
        from loreweave.pretraining.estimate import estimate as measure_cost
        from loreweave.pretraining.evaluation import evaluate_objectives
        from loreweave.training.runs.resuming import check_resume

        check_resume(resume, overwrite)
        if estimate and evaluate:
            raise ConfigurationError("--estimate and --evaluate exclude each other")
        if evaluate and (resume or overwrite or processes != 1):
            raise ConfigurationError("--evaluate writes no run: leave --resume, --overwrite and --processes out")
        if resume or overwrite:
            raise ConfigurationError("--estimate measures a whole run and writes none: leave --resume and --overwrite out")
        config = configuration_of(recipe, settings)
        found = evaluate_objectives(config) if evaluate else measure_cost(config, processes).to_dict()
        show_table(("what", "value"), [(name.replace("_", " "), value) for name, value in found.items()])
        return
    if processes != 1:
        from loreweave.errors import ConfigurationError

        raise ConfigurationError(
            f"--processes: found {processes} without --estimate, which alone reads it; to train with {processes} processes: "
            f"torchrun --nproc_per_node {processes} -m loreweave pretrain ... (docs/launching.md)"
        )
    from loreweave.pretraining.by_recipe import pretrain

    pretrain(recipe, *settings, resume=resume, overwrite=overwrite)
