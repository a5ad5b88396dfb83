"""`loreweave rerun`: repeats a recorded run and compares the numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loreweave.cli.console import say, show_json
from loreweave.cli.options import Overrides, OverwriteRun, ResultsAsJson

_SHOWN = 20
"""Maximum number of differences that are shown."""


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run of finetune, pretrain or evaluate.")],
    output: Annotated[Path, typer.Option("--output", help="Folder of the new run.")],
    overrides: Overrides = None,
    file: Annotated[
        list[str] | None,
        typer.Option(
            "--file", help="train=PATH, dev=PATH, test=PATH or data=PATH: a data file that has been moved; can be repeated."
        ),
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option("--directory", help="Folder to which relative paths of the run refer. Default: its working directory."),
    ] = None,
    overwrite: OverwriteRun = False,
    as_json: ResultsAsJson = False,
) -> None:
    """Repeat a run from its record alone: with its settings, data and number of threads.

    The data and the model must have the same content as in the recorded run. On the same machine and with the same versions,
    the results are equal bit by bit. Differences are reported.

    Example: loreweave rerun runs/ner --output runs/ner-again

    Example: loreweave rerun runs/ner --output runs/ner-seed-1 seed=1

    Example: loreweave rerun runs/ner --output runs/ner-again --file train=data/train.conll
    """
    from loreweave.errors import ConfigurationError
    from loreweave.experiments.runs.rerun import rerun

    files = {}
    for given in file or []:
        name, sign, path = given.partition("=")
        if not (name and sign and path):
            raise ConfigurationError(f"--file: found {given!r}, expected NAME=PATH, such as train=data/train.conll")
        files[name] = path
    found = rerun(run, *(overrides or []), output=output, files=files, directory=directory, overwrite=overwrite, report=say)
    if as_json:
        show_json(dict(found.results))
    if not found.differences:
        say(f"All numbers are the same as those of {run}, bit by bit.")
        return
    say(f"Differences from {run}{' (with other settings)' if overrides else ''}:")
    for line in found.differences[:_SHOWN]:
        say(f"  {line}")
    if len(found.differences) > _SHOWN:
        say(f"  and {len(found.differences) - _SHOWN} more")
