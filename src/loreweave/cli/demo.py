"""`loreweave demo`: the whole way on the bundled mini-world."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loreweave.cli.console import say, show_table


def command(
    output: Annotated[Path, typer.Option("--output", help="Folder for the data, the runs and the models.")] = Path("runs/demo"),
    seed: Annotated[int, typer.Option("--seed", help="Of new parameters, masks and orders.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier demo in the same folder.")] = False,
) -> None:
    """Build data from bundled pages, make MiniLM a LUKE, continue its pre-training, fine-tune entity typing, compare.

    Takes a few minutes on two CPU cores, and prints each step's command for your own files.

    Example: loreweave demo --output runs/demo
    """
    from loreweave.miniworld.demo import run_demo

    result = run_demo(output, seed, overwrite=overwrite, report=say)
    rows = [(what, f"{before:.3f}", f"{after:.3f}") for what, before, after in result.rows]
    show_table(("measured on held-out examples", "before", "after continued pre-training"), rows, title="mini-world")
    say(f"{result.seconds:.0f} seconds. Everything is in {result.output}: the data, the runs (config, metrics, TensorBoard),")
    say(f"the continued LUKE in {result.output / 'pretraining-2'} and the typing model in {result.output / 'typing-after'}.")
    say(
        f'Try it: echo \'{{"text": "Ann lives in Oslo.", "start": 13, "end": 17}}\' | '
        f"loreweave predict entity-typing --model {result.output / 'typing-after'}"
    )
