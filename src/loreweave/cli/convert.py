"""`loreweave convert`: a checkpoint from one format to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loreweave.cli.console import say


def command(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A file, folder, archive or run, or a name on the Hub.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="Where the converted checkpoint goes.")],
    from_: Annotated[
        str | None, typer.Option("--from", help="The source's format, where it is not recognised.")
    ] = None,
    to: Annotated[
        str, typer.Option("--to", help="hugging-face, luke-original, paddle, fairseq, sparse-lt or encoder.")
    ] = "hugging-face",
    base: Annotated[
        str | None, typer.Option(help="The model that the source was made from: its words, tables.")
    ] = None,
    lite: Annotated[bool, typer.Option("--lite", help="Keep the special entities only.")] = False,
    entity_aware_attention: Annotated[
        bool | None, typer.Option(help="Switch the own query matrices for word-entity pairs on or off.")
    ] = None,
    classification_head: Annotated[
        str | None, typer.Option("--classification-head", help="Of a fairseq file: make the classifier with this head.")
    ] = None,
    fairseq_version: Annotated[
        str | None,
        typer.Option("--fairseq-version", help="Which fairseq shall load TARGET: 0.8 (and KEPLER), 0.9, 0.10 (taken) or 0.12."),
    ] = None,
    lossy: Annotated[
        bool, typer.Option("--lossy", help="Write TARGET also where it answers otherwise than SOURCE, and say how.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is at TARGET.")] = False,
) -> None:
    """Convert a checkpoint from one format to another and say what changed on the way.

    A RoBERTa of fairseq becomes a Hugging Face folder, with KEPLER's heads over knowledge graphs in side files, and back; so
    does a full model of Sparse Latent Typing. --to encoder leaves out all heads that lie beside the encoder.

    What is written is read again and must give the same outputs as SOURCE, to 1e-5, on two sentences with entities;
    otherwise nothing is written and the message says what would be lost.

    Example: loreweave convert luke_large_500k.tar.gz luke-large --base FacebookAI/roberta-large
    """
    from loreweave.checkpoints import convert

    report = convert(
        source,
        target,
        to,
        from_,
        lite=lite,
        entity_aware_attention=entity_aware_attention,
        base=base,
        classification_head=classification_head,
        fairseq_version=fairseq_version,
        lossy=lossy,
        overwrite=overwrite,
    )
    for line in report.lines():
        say(line)
    say(f"wrote {target} ({to})")
