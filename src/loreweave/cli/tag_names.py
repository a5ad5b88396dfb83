"""The option `--tag-names`, which is the same in all commands that read tags."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

TagNamesOption = Annotated[
    Path | None,
    typer.Option("--tag-names", help="Names of tags that are numbers in the data: a file with one per line, or JSON."),
]
