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
    processes: Annotated[
        int, typer.Option("--processes", min=1, help="Number of processes that --estimate assumes (GPUs of all machines).")
    ] = 1,
) -> None:
    """Pre-train an encoder by a recipe.

    To use several processes: torchrun --nproc_per_node 4 -m loreweave pretrain ... (docs/launching.md).

    Example: loreweave pretrain minilm/pretraining-1 data=build/pages output=runs/stage-1 optimizer.learning_rate=5e-4

    Example: loreweave pretrain kepler-wiki/pretraining data=build/wikipedia --estimate --processes 64
    """
    settings = [*(overrides or []), *([f"device={device}"] if device else [])]
    if estimate:
        from loreweave.cli.console import show_table
        from loreweave.pretraining.by_recipe import configuration_of
        from loreweave.pretraining.estimate import estimate as measure
        from loreweave.training.runs.resuming import check_resume

        check_resume(resume, overwrite)
        cost = measure(configuration_of(recipe, settings), processes)
        show_table(("what", "value"), [(name.replace("_", " "), value) for name, value in cost.to_dict().items()])
        return
    from loreweave.pretraining.by_recipe import pretrain

    pretrain(recipe, *settings, resume=resume, overwrite=overwrite)
