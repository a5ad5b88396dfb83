"""`loreweave predict`: predicts with a checkpoint; texts or JSON Lines in, JSON Lines out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from loreweave.cli.console import say
from loreweave.cli.help import AnyTask
from loreweave.cli.options import Base, Checkpoint, Device, Labels
from loreweave.cli.precision import PrecisionOption
from loreweave.corpus.counts import counted
from loreweave.corpus.files.writing import json_text

Given = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE | KEY=VALUE",
        help="Files or folders of text (.txt, one text per line) or JSON Lines (.jsonl). Default, or with -: standard input. "
        "Settings: see 'loreweave tasks TASK'.",
    ),
]
Data = Annotated[
    Path | None, typer.Option("--data", help="Folder of the graph (link-prediction) or support file (few-shot tasks).")
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="Format of the files: text, jsonl, brackets (tasks with given mentions), table (text-classification), record "
        "(cloze-qa) or squad (extractive-qa). "
        "Default: recognised.",
    ),
]


def command(
    task: AnyTask,
    model: Checkpoint,
    given: Given = None,
    data: Data = None,
    format: Format = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out bad records of a support file.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first bad query.")] = False,
    base: Base = None,
    labels: Labels = None,
    device: Device = None,
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=1, help="Number of queries (or full-length texts) per batch.")
    ] = 32,
    precision: PrecisionOption = "fp32",
) -> None:
    """Predict with a checkpoint. The output has one JSON object per query, in the order of the queries.

    Example: loreweave predict ner --model runs/ner letters.txt

    Example: echo '{"text": "Ann ran.", "start": 0, "end": 3}' | loreweave predict entity-typing --model runs/typing

    Example: echo "<Ann> lives in <Oslo>." | loreweave predict entity-typing --model runs/typing

    Example: loreweave predict link-prediction --model runs/kepler --data graphs/wn18rr questions.jsonl top=5 cache=cache

    Example: echo "Oslo is the capital of [MASK]." | loreweave predict fact-probing --model roberta-base top=3

    An answer has "id", "text", "predicted" and the fields of its query. The answer to a bad query has "id", "line" and
    "error" instead. The command then answers the other queries, and its exit status is 1.

    Queries from standard input are answered batch by batch, or line by line on a terminal and with --batch-size 1.

    'loreweave tasks TASK' describes the queries and "predicted" for a task, and lists its settings.
    """
    from loreweave.tasks.files.queries import STANDARD_INPUT, block_size, read_queries
    from loreweave.tasks.jobs.evaluate import is_writer
    from loreweave.tasks.jobs.execution import execution_of
    from loreweave.tasks.jobs.options import reading_of
    from loreweave.tasks.jobs.predict import open_task
    from loreweave.tasks.registry import load_task
    from loreweave.training.devices import close_process_group

    settings = [part for part in given or [] if "=" in part and not Path(part).exists()]
    files = [part for part in given or [] if part not in settings] or [STANDARD_INPUT]
    chosen = load_task(task)
    queries = read_queries(
        files, sys.stdin, format=format, asks=chosen.asks, tables=chosen.query_files, marked=chosen.marked_rows, report=say
    )
    execution = execution_of(
        device=device, precision=precision, batch_size=batch_size, base=base, labels=labels,
        reading=reading_of(skip_bad=skip_bad), report=say,
    )  # fmt: skip
    answerer = open_task(chosen, model, data, settings=settings, execution=execution)
    size = block_size(files, sys.stdin, batch_size)
    source = "standard input" if files[0] == STANDARD_INPUT else files[0]
    bad = _print_all(answerer.answers(queries, size, strict=strict), source) if is_writer() else 0
    close_process_group()
    if bad:
        raise typer.Exit(1)


def _print_all(answers: Iterable[Mapping[str, Any]], called: str) -> int:
    """Print the answers to a file of that name, report how many of them are errors, and return their number."""
    from loreweave.tasks.files.predictions import PREDICTED
    from loreweave.tasks.jobs.queries import ERROR

    total, bad, first = 0, 0, ""
    for answer in answers:
        total += 1
        if ERROR in answer and PREDICTED not in answer:
            bad += 1
            first = first or _place_and_error(answer, called)
        try:
            print(json_text(answer), flush=True)
        except UnicodeEncodeError:  # an unpaired surrogate in an id, or a terminal that is not UTF-8
            print(json.dumps(answer, allow_nan=False), flush=True)
    if bad:
        say(f"{bad} of {counted(total, 'query', 'queries')} could not be answered (--strict stops at the first): {first}")
    return bad


def _place_and_error(answer: Mapping[str, Any], called: str) -> str:
    from loreweave.tasks.files.predictions import PLACES

    place = next((f"{kind} {answer[kind]}" for kind in PLACES if kind in answer), "")
    return f"{answer.get('file', called)}, {place}: {answer['error']}"
