"""Options that several commands have, so that an option reads the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CountsAsJson = Annotated[bool, typer.Option("--json", help="Print only the counts, as JSON, on standard output.")]
Device = Annotated[str | None, typer.Option("--device", help="Device: cpu, cuda, cuda:1 or mps.")]
EpisodeCount = Annotated[int, typer.Option("--count", min=1, help="Number of episodes.")]
FileFormat = Annotated[str | None, typer.Option("--format", help="Format of the files. Default: recognised.")]
ManifestAsJson = Annotated[bool, typer.Option("--json", help="Print only the manifest, as JSON, on standard output.")]
OutputFolder = Annotated[Path, typer.Option("--output", help="Folder to write.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing output.")]
Seed = Annotated[int, typer.Option("--seed", help="Random seed. Equal seeds give equal files.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave out bad records; count and list them.")]
Tokenizer = Annotated[str, typer.Option("--tokenizer", help="The encoder's folder or Hub name, or minilm.")]
