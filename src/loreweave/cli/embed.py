"""`loreweave embed`: writes the vectors of a graph's entities and relations to files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loreweave.cli.console import progress, say, show_json, show_table
from loreweave.cli.options import Device, ManifestAsJson, OutputFolder, Overwrite
from loreweave.cli.precision import PrecisionOption, settled

Model = Annotated[Path, typer.Option("--model", help="Checkpoint that was trained on a graph: a run or a folder.")]
Data = Annotated[Path, typer.Option("--data", help="Folder of the graph, from 'loreweave build graph'.")]
Settings = Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Settings, see below.")]
BatchSize = Annotated[int, typer.Option("--batch-size", min=1, help="Number of full-length texts per batch.")]


def command(
    model: Model,
    data: Data,
    output: OutputFolder,
    settings: Settings = None,
    device: Device = None,
    batch_size: BatchSize = 32,
    precision: PrecisionOption = "fp32",
    overwrite: Overwrite = False,
    as_json: ManifestAsJson = False,
) -> None:
    """Write the embeddings of a graph's entities and relations as NumPy files with lists of ids, and as safetensors.

    The settings are those of 'loreweave evaluate link-prediction' about the model: objective, block_size, untrained, scorer,
    pooling, max_length, text and relation_text. cache=FOLDER stores embeddings, so that an interrupted command can continue.

    Example: loreweave embed --model runs/kepler --data graphs/wn18rr --output embeddings cache=cache
    """
    from loreweave.tasks.contract import Execution
    from loreweave.tasks.link_prediction.export import export
    from loreweave.tasks.link_prediction.settings import ModelSettings
    from loreweave.training.devices import close_process_group
    from loreweave.training.settings.configuration import fill

    asked = fill(ModelSettings, {}, settings or [])
    with progress("embedding texts") as advance:
        how = Execution(device=device, precision=settled(precision, device), batch_size=batch_size, report=say, advance=advance)
        manifest = export(model, data, output, asked, how, overwrite=overwrite)
    close_process_group()
    if as_json:
        show_json(manifest)
        return
    show_table(("what", "rows", "columns"), [(name, *shape) for name, shape in sorted(manifest["shapes"].items())])
    say(f"wrote {output}")
