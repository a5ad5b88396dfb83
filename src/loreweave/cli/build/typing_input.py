"""`loreweave build typing-input`: a file of entity typing from sentences with mentions in angle brackets."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loreweave.cli.console import say, show_counts
from loreweave.cli.options import CountsAsJson, Overwrite, SkipBad
from loreweave.corpus.files.writing import check_free
from loreweave.errors import DataError

if TYPE_CHECKING:
    from loreweave.corpus.files.read_result import ReadResult
    from loreweave.tasks.entity_typing.reader import TypingRecord

STANDARD_INPUT = "-"

File = Annotated[
    str,
    typer.Argument(metavar="FILE", help="Text, JSON or a table with brackets (see docs/formats.md). Default: standard input."),
]
Output = Annotated[
    Path, typer.Option("--output", help="File to write in the layout of Open Entity: JSON Lines, or a list (.json).")
]
Format = Annotated[
    str, typer.Option("--format", help="Format of the file: brackets, or another one of 'loreweave tasks entity-typing'.")
]


def typing_input(
    output: Output,
    file: File = STANDARD_INPUT,
    format: Format = "brackets",
    skip_bad: SkipBad = False,
    overwrite: Overwrite = False,
    as_json: CountsAsJson = False,
) -> None:
    """Write a file of entity typing: one row for each mention, with its characters and its labels, if it has some.

    Mentions are in angle brackets: "<He|person> spoke to <Ada>." The file is data for 'loreweave attention --data' and
    queries for 'loreweave predict entity-typing', and with labels data for all commands.

    Example: loreweave build typing-input probes.txt --output probes.jsonl

    Example: echo "<Ada> wrote a program." | loreweave build typing-input --output probe.jsonl
    """
    from loreweave.corpus.files.records import describe_skipped
    from loreweave.tasks.entity_typing.writing import write_records

    check_free(output, overwrite)
    read, called = _read(file, format, skip_bad), "standard input" if file == STANDARD_INPUT else file
    for line in describe_skipped(read, Path(called)):
        say(line)
    if not read.records:
        raise DataError("found no mention, expected each in angle brackets, as in '<Ada> wrote a program.'", path=called)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_records(output, read.records)
    labelled = sum(bool(record.labels) for record in read.records)
    counts = {"mentions": len(read.records), "mentions_with_labels": labelled, "left_out": sum(read.skipped.values())}
    show_counts(counts, output, always=("mentions",), as_json=as_json)


def _read(file: str, format: str, skip_bad: bool) -> ReadResult[TypingRecord]:
    """The records of a file, or of standard input, which is lines of text.

    Raises:
        DataError: see `reader.read`.
    """
    from loreweave.tasks.entity_typing.reader import read

    if file != STANDARD_INPUT:
        return read(Path(file), format, skip_bad)
    if sys.stdin.isatty():
        say("one sentence per line, mentions in angle brackets; end with Ctrl-D")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "standard-input"
        path.write_bytes(sys.stdin.buffer.read())
        try:
            return read(path, format, skip_bad)
        except DataError as error:
            raise DataError(error.message, path="standard input", record=error.record, field=error.field) from None
