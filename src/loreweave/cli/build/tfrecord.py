"""`loreweave build tfrecord`: a pre-training set of the original LUKE repository as one of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loreweave.cli.console import progress, show_counts
from loreweave.cli.options import CountsAsJson, OutputFolder, Overwrite

Folder = Annotated[Path, typer.Argument(help="The set: dataset.tf, metadata.json and an entity vocabulary.")]
Tokenizer = Annotated[
    str | None,
    typer.Option(
        "--tokenizer", help="Folder or Hub name of the encoder for which the set was made. Default: the files in the set."
    ),
]
Check = Annotated[bool, typer.Option("--check", help="Verify the checksum of every record (slow).")]


def tfrecord(
    folder: Folder,
    output: OutputFolder,
    tokenizer: Tokenizer = None,
    check: Check = False,
    overwrite: Overwrite = False,
    as_json: CountsAsJson = False,
) -> None:
    """Convert a pre-training set of the original LUKE repository (one TFRecord file).

    The command checks every id against the tokenizer and the entity vocabulary, and every window against the limits of the set.

    Example: loreweave build tfrecord luke_pretraining_dataset --tokenizer FacebookAI/roberta-base --output build/wikipedia
    """
    from loreweave.build.tfrecord import convert_tfrecord_set, number_of_windows
    from loreweave.checkpoints.word_tokenizers import has_tokenizer, read_word_tokenizer
    from loreweave.errors import ConfigurationError

    total = number_of_windows(folder)
    if tokenizer is None and not has_tokenizer(folder):
        raise ConfigurationError(f"{folder}: found no tokenizer files; give --tokenizer, the encoder that the set was made for")
    words = read_word_tokenizer(folder if tokenizer is None else tokenizer)
    with progress("converting windows", total) as advance:
        report = convert_tfrecord_set(folder, output, words, check=check, overwrite=overwrite, advance=advance)
    show_counts(vars(report), output, always=("windows",), as_json=as_json)
