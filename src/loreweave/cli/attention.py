"""`loreweave attention`: one page that shows the attention between the words and entities of texts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loreweave.cli.console import say
from loreweave.cli.options import Base, Device

if TYPE_CHECKING:
    from loreweave.attention.summary import SummarySettings

_PAGE = Path("attention.html")
Texts = Annotated[
    list[str] | None, typer.Argument(metavar="TEXT", help="Texts, each in quotes, or files with a text per line.")
]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", help="Folder, run, 'minilm' or Hub name; can be repeated, for several models on one page."),
]
Mentions = Annotated[
    list[str] | None,
    typer.Option(
        "--mention",
        help="A mention in the text (in every one, if there are several), by its words or its characters (17-28); can be "
        "repeated. A LUKE reads it as an entity.",
    ),
]
Entities = Annotated[
    list[str] | None,
    typer.Option("--entity", help="For a LUKE: title of each mention's entity, in the order of --mention. Default: [MASK]."),
]
Pair = Annotated[str | None, typer.Option("--pair", help="Second text, for encoders of pairs.")]
Target = Annotated[str | None, typer.Option("--target", help="Text of the decoder of an encoder-decoder.")]
TaskName = Annotated[
    str | None, typer.Option("--task", help="Task of --data, or of the predictions to show. Default: that of the checkpoint.")
]
Data = Annotated[Path | None, typer.Option("--data", help="Data file of the task, instead of TEXT.")]
Examples = Annotated[
    int | None,
    typer.Option("--examples", min=1, help="Maximum number of records of --data. Default: 10; with --summary: all."),
]
_ON_A_PAGE = 10
"""Number of records of --data without --examples, unless a summary is written."""
Ids = Annotated[
    list[str] | None,
    typer.Option("--id", help="Id of a record of --data or --from; can be repeated. Default: the first ones (--from: all)."),
]
Format = Annotated[str | None, typer.Option("--format", help="Format of --data. Default: recognised.")]
Captured = Annotated[
    Path | None,
    typer.Option("--from", help="Captured attention instead of a model: a folder, or a pickle (.p) of the LUKE thesis tools."),
]
Layers = Annotated[str | None, typer.Option("--layers", help="Layers to keep, counted from 0: 0-5 or 0,3,11. Default: all.")]
Heads = Annotated[str | None, typer.Option("--heads", help="Heads to keep, counted from 0. Default: all.")]
OutputPath = Annotated[
    Path, typer.Option("--output", help="Page (.html), pickle of the thesis tools (.p), or a folder for captured attention.")
]
Exact = Annotated[bool, typer.Option("--exact", help="Store weights in 16 bits instead of 8; the page is twice as large.")]
MostBytes = Annotated[float | None, typer.Option("--max-mb", min=0.1, help="Maximum size of the page in MB. Default: 25.")]
Explain = Annotated[
    int | None,
    typer.Option(
        "--explain", min=0, help="Number of most probable labels for which gradient x attention is shown. Default: 1."
    ),
]
SummaryFolder = Annotated[
    bool,
    typer.Option("--summary", help="Write tables and figures of means over all examples to the folder --output, not a page."),
]
Analyses = Annotated[
    list[str] | None,
    typer.Option(
        "--analysis",
        help="Analysis of --summary: class-flow, quadrants, grounding, mention, bins, heads, between or lengths; can be "
        "repeated. Default: all.",
    ),
]
Bins = Annotated[int | None, typer.Option("--bins", min=1, help="Number of bins of word positions. Default: 8.")]
BinRule = Annotated[
    str | None,
    typer.Option(
        "--bin-rule",
        help="Bins: 'equal' (equal widths), 'thesis' (the last bin takes the rest) or 'exact' (one token). Default: equal.",
    ),
]
Keys = Annotated[
    list[str] | None,
    typer.Option("--key", help="For the table 'between': word to which attention of mentions is measured; can be repeated."),
]
Groups = Annotated[
    Path | None,
    typer.Option(
        "--groups", help='Groups of mentions to compare in \'between\', as JSON: {"female": ["Ann"], "male": ["Bob"]}.'
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing file or folder.")]


def command(
    texts: Texts = None,
    model: Models = None,
    mention: Mentions = None,
    entity: Entities = None,
    pair: Pair = None,
    target: Target = None,
    task: TaskName = None,
    data: Data = None,
    examples: Examples = None,
    id: Ids = None,
    format: Format = None,
    captured: Captured = None,
    layers: Layers = None,
    heads: Heads = None,
    output: OutputPath = _PAGE,
    exact: Exact = False,
    max_mb: MostBytes = None,
    explain: Explain = None,
    summary: SummaryFolder = False,
    analysis: Analyses = None,
    bins: Bins = None,
    bin_rule: BinRule = None,
    key: Keys = None,
    groups: Groups = None,
    base: Base = None,
    device: Device = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a page that shows the attention between the words and entities of a text. It opens in any browser, offline too.

    Example: loreweave attention --model minilm "Beyoncé lives in Los Angeles." --mention "Beyoncé" --output page.html

    Example: loreweave attention --model runs/typing --data test.json --examples 5 --output page.html

    Example: loreweave attention --model runs/luke --model minilm "Ann lives in Oslo." --output page.html

    Example: loreweave attention --model runs/typing --data test.json --examples 500 --summary --output tables

    For a checkpoint of a task, the page shows the inputs of the task and what the model predicts. docs/attention.md describes
    the page.
    """
    from loreweave.attention.asked import Asked
    from loreweave.attention.given_texts import texts_of
    from loreweave.attention.outputs import Output, check_output, write_output
    from loreweave.attention.sources import captured_attention
    from loreweave.corpus.files.writing import check_free

    means = _summary(summary, analysis, bins, bin_rule, key, groups, explain)
    written = Output(path=output, summary=means, exact=exact, max_mb=max_mb, overwrite=overwrite)
    check_output(written)
    check_free(output, overwrite)
    number = _ON_A_PAGE if examples is None and data is not None and not summary else examples
    labels = 0 if summary and captured is None else explain  # a summary has no gradients
    given = texts_of(texts or [], say)
    asked = Asked(
        texts=given.texts, places=given.places, mentions=mention or [], entities=entity, pair=pair, target=target, task=task,
        data=data, examples=number, ids=id or [], format=format, captured=captured, explain=labels, base=base, device=device,
        layers=_numbers(layers, "--layers"), heads=_numbers(heads, "--heads"), report=say,
    )  # fmt: skip
    say(write_output(captured_attention(model or [], asked), written))


def _summary(
    wanted: bool,
    analysis: list[str] | None,
    bins: int | None,
    rule: Any,
    keys: list[str] | None,
    groups: Path | None,
    explain: int | None,
) -> SummarySettings | None:
    """Settings of the summary, if one is wanted.

    Raises:
        ConfigurationError: a wrong setting, settings without --summary, or gradients with it.
    """
    from loreweave.attention.between import read_groups
    from loreweave.attention.summary import SummarySettings
    from loreweave.errors import ConfigurationError

    names = None if analysis is None else [name.replace("-", "_") for name in analysis]
    given = {"analyses": names, "bins": bins, "rule": rule, "keys": keys, "groups": groups}
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if chosen and not wanted:
        option = _OPTIONS[next(iter(chosen))]
        raise ConfigurationError(f"found {option} without --summary, whose tables it is about; add --summary, or leave it out")
    if wanted and explain is not None:
        raise ConfigurationError("found --explain with --summary, whose tables have no gradients; leave it out")
    if groups is not None:
        chosen["groups"] = read_groups(groups)
    return SummarySettings(**chosen) if wanted else None


_OPTIONS = {"analyses": "--analysis", "bins": "--bins", "rule": "--bin-rule", "keys": "--key", "groups": "--groups"}
"""Setting of a summary -> its option."""


_MOST_NUMBERS = 10_000
"""No model has as many layers or heads."""


def _numbers(given: str | None, option: str) -> list[int] | None:
    """Numbers and ranges (0-5,11).

    Raises:
        ConfigurationError: something else.
    """
    from loreweave.errors import ConfigurationError

    if given is None:
        return None
    numbers: list[int] = []
    for part in given.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        if match is None:
            raise ConfigurationError(f"{option}: found {given!r}, expected numbers and ranges such as 0-5 or 0,3,11")
        first, last = int(match[1]), int(match[2] or match[1])
        if first > last:
            raise ConfigurationError(f"{option}: found the range {part.strip()}, but {first} is more than {last}")
        if last >= _MOST_NUMBERS:
            raise ConfigurationError(f"{option}: found {last}, expected numbers of layers or heads, below {_MOST_NUMBERS}")
        numbers += range(first, last + 1)
    return sorted(set(numbers))
