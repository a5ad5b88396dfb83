"""Option `--tag-names`, shared by all commands that read tags."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

TagNamesOption = Annotated[
    Path | None,
    typer.Option("--tag-names", help="File with the names of tags that are numbers in the data: one name per line, or JSON."),
]


def read_tag_names(file: Path | None) -> tuple[str, ...]:
    """Names in the file of `--tag-names`; empty without the option.

    Raises:
        DataError: the file has no names.
    """
    from loreweave.corpus.class_labels import read_label_names

    return () if file is None else tuple(read_label_names(file))
