"""`loreweave predict`: JSON Lines in, JSON Lines out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from loreweave.tasks.registry import TASKS


def command(
    task: Annotated[str, typer.Argument(help=f"The task: {', '.join(TASKS)}.")],
    model: Annotated[
        Path, typer.Option("--model", help="A fine-tuned checkpoint: of a run, of Hugging Face, or a released file.")
    ],
    file: Annotated[str, typer.Argument(help="JSON Lines to answer; - is standard input.")] = "-",
    base: Annotated[
        str | None, typer.Option("--base", help="Folder of the encoder that a released old file was made from.")
    ] = None,
    device: Annotated[str | None, typer.Option("--device", help="cpu, cuda, cuda:1, mps.")] = None,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Queries a batch.")] = 32,
    precision: Annotated[str, typer.Option("--precision", help="fp32, bf16 or fp16.")] = "fp32",
) -> None:
    """Predict with a fine-tuned checkpoint, one JSON object a line in and out, in the same order.

    For entity typing a line has "text", "start" and "end" (characters, end exclusive); the answer has "labels" with
    probabilities.

    Example: echo '{"text": "Ann lives in Oslo.", "start": 13, "end": 17}' | loreweave predict entity-typing --model
    runs/typing
    """
    from loreweave.tasks.jobs import load_checkpoint_of, predict_rows, read_queries
    from loreweave.tasks.registry import load_task
    from loreweave.training.devices import choose_device
    from loreweave.training.inference import move

    chosen = load_task(task)
    loaded = load_checkpoint_of(chosen, model, base)
    move(loaded.model, choose_device(device))
    queries = read_queries(file, sys.stdin)
    for answer in predict_rows(chosen, loaded, queries, batch_size=batch_size, precision=precision):
        print(json.dumps(answer, ensure_ascii=False), flush=True)
