"""Options that several commands have, so that an option reads the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print only JSON on standard output.")]
Base = Annotated[str | None, typer.Option("--base", help="Encoder from which a released file in an older format was trained.")]
Checkpoint = Annotated[Path, typer.Option("--model", help="Checkpoint: a run, a Hugging Face folder or a released file.")]
CountsAsJson = Annotated[bool, typer.Option("--json", help="Print only the counts, as JSON, on standard output.")]
Device = Annotated[
    str | None, typer.Option("--device", help="Device: cpu, cuda, cuda:1, xpu or mps. Default: an accelerator if there is one.")
]
EpisodeCount = Annotated[int, typer.Option("--count", min=1, help="Number of episodes.")]
FileFormat = Annotated[str | None, typer.Option("--format", help="Format of the files. Default: recognised.")]
Labels = Annotated[
    Path | None,
    typer.Option("--labels", help="File with the names of the model's classes in their order: one name per line, or JSON."),
]
ManifestAsJson = Annotated[bool, typer.Option("--json", help="Print only the manifest, as JSON, on standard output.")]
OutputFolder = Annotated[Path, typer.Option("--output", help="Folder to write.")]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Settings. They override those of the recipe.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing output.")]
OverwriteResults = Annotated[bool, typer.Option("--overwrite", help="Replace the results in the output folder.")]
OverwriteRun = Annotated[bool, typer.Option("--overwrite", help="Replace the run in the output folder.")]
ResultsAsJson = Annotated[bool, typer.Option("--json", help="Print only the results, as JSON, on standard output.")]
ResultsFolder = Annotated[Path | None, typer.Option("--output", help="Folder for results.json and predictions/.")]
Resume = Annotated[bool, typer.Option("--resume", help="Resume the run in the output folder, or begin it.")]
Seed = Annotated[int, typer.Option("--seed", help="Random seed. Equal seeds give equal files.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave out bad records, which are then counted and listed.")]
TagNamesOption = Annotated[
    Path | None,
    typer.Option("--tag-names", help="File with the names of tags that are numbers in the data: one name per line, or JSON."),
]
TaskSettings = Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Settings, see 'loreweave tasks TASK'.")]
Tokenizer = Annotated[str, typer.Option("--tokenizer", help="The encoder's folder or Hub name, or minilm.")]


def read_tag_names(file: Path | None) -> tuple[str, ...]:
    """Names in the file of `--tag-names`; empty without the option.

    Raises:
        DataError: the file has no names.
    """
    from loreweave.corpus.class_labels import read_label_names

    return () if file is None else tuple(read_label_names(file))
