"""`loreweave demo`: the whole way on the bundled data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loreweave.cli.console import say, show_json, show_table


def command(
    output: Annotated[
        Path, typer.Option("--output", help="Folder for the data, the runs and the models.")
    ] = Path("runs/demo"),
    seed: Annotated[int, typer.Option("--seed", help="Of new parameters, masks and orders.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write into a folder that holds something else than an earlier demo.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results alone on standard output.")] = False,
) -> None:
    """Pre-train, evaluate and report on the bundled sample data: minutes on a CPU, no download.

    Each step is shown as the command that does the same, to repeat on your own files.

    Example: loreweave demo --output runs/demo
    """
    say("Loading PyTorch and transformers ...")
    from loreweave.miniworld.demo import run_demo

    result = run_demo(output, seed, overwrite=overwrite, report=say)
    if as_json:
        show_json(result.to_dict())
        return
    show_table(("measured", "before", "after"), result.rows, title="MiniLM as a LUKE, continued pre-training")
    scores = ", ".join(f"{task} {value:.3f}" for task, value in result.tests.items())
    print(f"\nNames and relations in three new sentences (micro F1 on the test files: {scores}):")
    for sentence in result.names:
        print(f"  {sentence}")
    print("\nLatent types of the same sentences (the number behind a word that was selected):")
    for sentence in result.types:
        print(f"  {sentence}")
    say(f"Done in {result.seconds:.0f} s. Everything is in {result.output}: the data, the pre-trained model in")
    say("pretraining-2/model, the typing models in typing-before/model and typing-after/model, those of names and")
    say("relations in ner/model and relation-classification/model, the latent typer in latent-typing/model, the numbers in")
    say("demo.json.")
    say("The same on your own files: the lines above that begin with $.")
