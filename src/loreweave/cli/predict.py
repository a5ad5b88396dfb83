"""`loreweave predict`: JSON Lines in, JSON Lines out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from loreweave.cli.console import say
from loreweave.cli.evaluate import Base, Labels
from loreweave.corpus.files import json_text
from loreweave.tasks.registry import ALL_TASKS, PRETRAINED_TASKS


def command(
    task: Annotated[str, typer.Argument(help=f"The task: {', '.join(ALL_TASKS)}.")],
    model: Annotated[Path, typer.Option("--model", help="A checkpoint: of a run, of Hugging Face, or a released file.")],
    file: Annotated[str, typer.Argument(help="JSON Lines to answer; - is standard input.")] = "-",
    settings: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Settings of link-prediction and the few-shot tasks, see below."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="link-prediction: the graph's folder; few-shot tasks: the support.")
    ] = None,
    base: Base = None,
    labels: Labels = None,
    device: Annotated[str | None, typer.Option("--device", help="cpu, cuda, cuda:1, mps.")] = None,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Queries (or full-length texts) a batch.")] = 32,
    precision: Annotated[str, typer.Option("--precision", help="fp32, bf16 or fp16.")] = "fp32",
) -> None:
    """Predict with a checkpoint, one JSON object a line in and out, in the same order.

    Lines of standard input are answered a batch at a time (with --batch-size 1: every line before the next is read),
    those of a terminal one by one.

    For entity typing a line has "text", "start" and "end" (characters, end exclusive); the answer has "predicted", a
    list of types, and the "probabilities" of all.

    For relation classification a line has "text", "head" and "tail", each {"start": ..., "end": ...}; the answer has
    "predicted", its "probability", and the "probabilities" of all labels.

    For ner a line has "text", or "tokens" as a list; "before" and "after" may hold the text around it, which is read with it.
    The answer has "predicted", mentions with characters (of tokens joined by spaces), label and probability.

    For link prediction a line has "head", "relation" and "tail", one end of them null; ends and relation are ids or labels,
    or an end is {"label": ..., "description": ...} of an entity that is not in the graph. The answer has "predicted",
    entities with scores, and whether the graph knows each. Settings: top=10; cache=FOLDER keeps embeddings; block_size,
    objective, untrained, scorer, pooling, max_length, text and relation_text as in 'loreweave evaluate'.

    Example: echo '{"text": "Ann lives in Oslo.", "start": 13, "end": 17}' | loreweave predict entity-typing --model
    runs/typing

    For few-shot-ner --data is the support, a few annotated sentences, and a line has "text" or "tokens"; the answer has
    "predicted", mentions of the support's types. Settings as in 'loreweave evaluate'.

    For few-shot-relation --data is the support, a few sentences of each relation in any file of relation classification; lines
    and answers are as for relation classification, with the support's relations.

    Example: loreweave predict link-prediction --model runs/kepler --data graphs/wn18rr questions.jsonl top=5 cache=cache
    """
    from loreweave.errors import ConfigurationError
    from loreweave.tasks.class_names import read_class_names
    from loreweave.tasks.jobs import is_writer, load_checkpoint_of
    from loreweave.tasks.pretrained import open_pretrained
    from loreweave.tasks.queries import block_size, predict_rows, read_queries
    from loreweave.tasks.registry import Execution, load_pretrained_task, load_task
    from loreweave.training.devices import choose_device, close_process_group
    from loreweave.training.inference import move

    if "=" in file and not Path(file).exists():  # a setting, and no file: standard input
        file, settings = "-", [file, *(settings or [])]
    loaded = None
    queries, block = read_queries(file, sys.stdin), block_size(file, sys.stdin, batch_size)
    if task in PRETRAINED_TASKS:
        if data is None:
            raise ConfigurationError(f"{task} needs --data, what the model is asked about; see --help")
        if base is not None or labels is not None:
            raise ConfigurationError(f"{task} has no --base and no --labels")
        how = Execution(device=device, precision=precision, batch_size=batch_size, report=say)
        answers = open_pretrained(load_pretrained_task(task), model, data, settings or [], how)(queries, block)
    else:
        if data is not None or settings:
            raise ConfigurationError(f"{task} has no --data and no settings")
        chosen = load_task(task)
        loaded = load_checkpoint_of(chosen, model, base, None if labels is None else read_class_names(labels))
        move(loaded.model, choose_device(device))
        answers = predict_rows(chosen, loaded, queries, block=block, batch_size=batch_size, precision=precision)
    if is_writer():
        for answer in answers:
            print(json_text(answer), flush=True)
    if loaded is not None and loaded.encoding.report():
        say(f"encoding: {loaded.encoding.report()}")
    close_process_group()
