"""`loreweave probe`: what the frozen states of encoders are worth for relations and types."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from loreweave.cli.console import progress, say, show_json, show_table
from loreweave.cli.options import Device, OverwriteResults, ResultsAsJson
from loreweave.cli.precision import PrecisionOption
from loreweave.errors import ConfigurationError

Arguments = Annotated[
    list[str],
    typer.Argument(metavar="MODEL|KEY=VALUE", help="Encoders (folders, runs, minilm or Hub names) and settings, see below."),
]
Base = Annotated[
    str | None,
    typer.Option("--base", help="Model whose tokenizer is used for checkpoints without one (in a run, or in an old format)."),
]

_TEXTS_IN_A_BATCH = 32
Output = Annotated[Path | None, typer.Option("--output", help="Folder for results.json, scores.csv and predictions.")]
Bias = Annotated[
    Path | None,
    typer.Option(
        "--bias",
        help="YAML file with templates and groups of names, or 'example': compare these groups instead.",
    ),
]
BatchSize = Annotated[
    int | None, typer.Option("--batch-size", min=1, help=f"Number of texts per batch. Default: {_TEXTS_IN_A_BATCH}.")
]
Paired = Annotated[bool, typer.Option("--paired", help="With --bias: compare names at equal places in two groups as pairs.")]

_SCORES = "Scores in %, with ± standard deviation over draws of labels, or [95 % interval over the test]"
_SETTING = re.compile(r"[a-z_]+(\.[^=/]+)?=")


def command(
    arguments: Arguments,
    output: Output = None,
    bias: Bias = None,
    paired: Paired = False,
    base: Base = None,
    device: Device = None,
    batch_size: BatchSize = None,
    precision: PrecisionOption = "fp32",
    overwrite: OverwriteResults = False,
    as_json: ResultsAsJson = False,
) -> None:
    """Compare encoders without fine-tuning: how well their hidden states of mentions predict relations and types.

    The encoders stay as they are. A few-shot relation is predicted by the nearest mean vector of its support sentences. Types
    are predicted by a logistic regression that is trained on 10, 50, ... labelled mentions.

    The data are your own files (few_shot.NAME=FILE, typing.NAME=TRAIN,TEST, ...), or by default the data sets in the folder
    that the environment variable LOREWEAVE_DATA names. If it is not set, they are the small bundled data.

    --bias compares groups of names in the same sentences: attention from a name to words of interest, and the probabilities of
    labels for a checkpoint, with tests and effect sizes.

    docs/probing.md describes the probes.

    Example: loreweave probe minilm runs/knowledge

    Example: loreweave probe minilm runs/luke typing.mine=train.json,test.json states=words,entities --output probes
    """
    from loreweave.experiments.probes.run import probe

    models, settings = split_arguments(arguments)
    if bias is not None:
        _refuse(settings, precision, batch_size)
        _bias(models, bias, paired=paired, output=output, base=base, device=device, overwrite=overwrite, as_json=as_json)
        return
    if paired:
        raise ConfigurationError("found --paired without --bias; leave it out")
    with progress("encoding texts") as advance:
        found = probe(
            models, *settings, output=output, base=base, device=device,
            batch_size=batch_size or _TEXTS_IN_A_BATCH, precision=precision,
            overwrite=overwrite, report=say, advance=advance,
        )  # fmt: skip
    if output is not None:
        say(f"The numbers are in {output / 'results.json'}, those of each draw in {output / 'scores.csv'}.")
        say(f"The predictions for the test are in {output / 'predictions'}.")
    if as_json:
        show_json(found.results)
        return
    columns, rows = found.table()
    show_table(columns, rows, title=_SCORES, always_titled=True)
    columns, rows = found.differences()
    if rows:
        first = next(iter(found.results["models"]))
        show_table(columns, rows, title=f"Difference to {first} in points, with 95 % interval", always_titled=True)


def _refuse(settings: Sequence[str], precision: str, batch_size: int | None) -> None:
    """Refuse what has no effect on a bias probe."""
    if settings:
        raise ConfigurationError(f"found {settings[0]!r} with --bias, whose settings are in its file; leave it out")
    if precision not in ("fp32", "auto"):
        raise ConfigurationError(f"found --precision {precision} with --bias, which computes in fp32; leave it out")
    if batch_size is not None:
        raise ConfigurationError("found --batch-size with --bias, which reads one text at a time; leave it out")


def _bias(models: list[str], design: Path, *, output: Path | None, as_json: bool, **options: Any) -> None:
    """Compare groups of names, and show the tests."""
    from loreweave.attention.bias.run import probe_bias

    with progress("sentences read") as advance:
        found = probe_bias(models, design, output=output, report=say, advance=advance, **options)
    if output is not None:
        say(f"The numbers are in {output / 'results.json'}, those of each name in {output / 'values.csv'}.")
    if as_json:
        show_json(found.results)
        return
    columns, rows = found.table()
    show_table(columns, rows, title="Differences between groups of names", always_titled=True)


def split_arguments(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names of models, and settings: what looks like `key=value` and does not exist as a path."""
    settings = [part for part in arguments if _SETTING.match(part) and not Path(part).exists()]
    return [part for part in arguments if part not in settings], settings
