"""`loreweave convert`: a checkpoint from one format to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loreweave.checkpoints.formats.registry import TARGETS
from loreweave.cli.console import say

Source = Annotated[
    str, typer.Argument(metavar="SOURCE", help="Checkpoint to convert: a file, folder, archive, run or Hub name.")
]
Target = Annotated[Path, typer.Argument(metavar="TARGET", help="File or folder to write.")]
From = Annotated[str | None, typer.Option("--from", help="Format of SOURCE. Default: recognised.")]
To = Annotated[str, typer.Option("--to", help=f"Format of TARGET: {', '.join(TARGETS[:-1])} or {TARGETS[-1]}.")]
Base = Annotated[
    str | None, typer.Option(help="Model from which SOURCE was trained. It provides a tokenizer and tables that SOURCE lacks.")
]
Lite = Annotated[bool, typer.Option("--lite", help="Keep only the special entities, such as [MASK], of the entity embeddings.")]
EntityAwareAttention = Annotated[
    bool | None, typer.Option(help="Use LUKE's query matrices for pairs of words and entities. Default: as in SOURCE.")
]
ClassificationHead = Annotated[
    str | None, typer.Option("--classification-head", help="Name of the classification head to convert (fairseq).")
]
FairseqVersion = Annotated[
    str | None,
    typer.Option(
        "--fairseq-version",
        help="Version of fairseq that will load TARGET: 0.8 (and KEPLER), 0.9, 0.10 (the default) or 0.12.",
    ),
]
Lossy = Annotated[bool, typer.Option("--lossy", help="Write TARGET even if its outputs differ from SOURCE, and report how.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing TARGET.")]


def command(
    source: Source,
    target: Target,
    from_: From = None,
    to: To = "hugging-face",
    base: Base = None,
    lite: Lite = False,
    entity_aware_attention: EntityAwareAttention = None,
    classification_head: ClassificationHead = None,
    fairseq_version: FairseqVersion = None,
    lossy: Lossy = False,
    overwrite: Overwrite = False,
) -> None:
    """Convert a checkpoint from one format to another and report what changed.

    fairseq's RoBERTa (with KEPLER's heads for knowledge graphs, which are stored in separate files) and full models of Sparse
    Latent Typing can be converted to a Hugging Face folder and back. --to encoder writes the encoder without any heads.

    The command reads TARGET again and compares its outputs with those of SOURCE on two texts with entities. They must be
    equal within 1e-5. Otherwise nothing is written, and the message says what would be lost.

    Example: loreweave convert luke_large_500k.tar.gz luke-large --base FacebookAI/roberta-large
    """
    from loreweave.checkpoints.conversion import convert

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
