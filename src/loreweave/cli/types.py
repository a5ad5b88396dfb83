"""`loreweave types`: the words that a model selects, their latent types, and the reconstructed sentence."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from loreweave.cli.console import progress, say, show_json, show_table
from loreweave.cli.options import Device, SkipBad, TagNamesOption
from loreweave.cli.precision import PrecisionOption, settled
from loreweave.corpus.counts import counted
from loreweave.corpus.files.writing import json_text
from loreweave.models.head_settings import DecodingMethod

if TYPE_CHECKING:
    from rich.text import Text

    from loreweave.corpus.annotated_text import AnnotatedText
    from loreweave.tasks.contract import Execution
    from loreweave.tasks.latent_types.record import TypedText


Model = Annotated[str, typer.Option("--model", help="Checkpoint or run that was trained with latent typing.")]
Sentences = Annotated[list[str] | None, typer.Argument(metavar="SENTENCE", help="Sentences, each in quotes.")]
File = Annotated[
    list[str] | None,
    typer.Option(
        "--file",
        help="Read a file instead: lines of text, rows with 'text', or annotated sentences in any format of "
        "docs/formats.md; can be repeated.",
    ),
]
Format = Annotated[
    str | None,
    typer.Option("--format", help="Format of the files, as in docs/formats.md, or 'text'. Default: recognised."),
]
Rebuild = Annotated[bool, typer.Option("--rebuild/--no-rebuild", help="Rebuild the sentence from the selected words.")]
CommandMethod = Annotated[str, typer.Option("--method", help="Method of rebuilding sentences: greedy, beam or sample.")]
Beams = Annotated[int, typer.Option("--beams", min=1, help="Number of beams of --method beam.")]
Temperature = Annotated[float, typer.Option("--temperature", help="Temperature of --method sample.")]
FullLength = Annotated[
    bool, typer.Option("--full-length", help="Rebuild as many words as the sentence has, as the released demonstration does.")
]
MaxLength = Annotated[int, typer.Option("--max-length", min=3, help="Maximum number of sub-words per sentence.")]
BatchSize = Annotated[int, typer.Option("--batch-size", min=1, help="Number of sentences per batch.")]
Report = Annotated[
    Path | None,
    typer.Option("--report", help="Write an analysis of all sentences to this HTML page, and its numbers to a .json file."),
]
Points = Annotated[
    int, typer.Option("--points", min=0, help="Maximum number of sub-words in the figure of --report; 0: no figure.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Random seed of --method sample and --report.")]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json", help="Print one JSON object per sentence on standard output; with --report, the numbers of the report."
    ),
]


def command(
    model: Model,
    sentences: Sentences = None,
    file: File = None,
    format: Format = None,
    skip_bad: SkipBad = False,
    tag_names: TagNamesOption = None,
    rebuild: Rebuild = True,
    method: CommandMethod = "greedy",
    beams: Beams = 4,
    temperature: Temperature = 1.0,
    full_length: FullLength = False,
    max_length: MaxLength = 128,
    device: Device = None,
    batch_size: BatchSize = 32,
    precision: PrecisionOption = "fp32",
    report: Report = None,
    points: Points = 4000,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Show the latent types of sentences: a number in brackets after each selected sub-word, in colour on terminals.

    Example: loreweave types "Marie Curie was born in Warsaw." --model runs/sparse-lt/pretraining

    Example: loreweave types --file gum_dev.conllu --model runs/sparse-lt/pretraining --report types.html

    --report analyses a corpus. The page shows the selected words, the words of each type, the accuracy of rebuilt sentences, a
    figure, and the agreement of types with labels of mentions and parts of speech, if the file has them.
    """
    from transformers import set_seed

    from loreweave.errors import ConfigurationError
    from loreweave.models.reconstruction import DecodingConfig
    from loreweave.tasks.contract import Execution
    from loreweave.tasks.latent_types.model import TypePredictor

    if bool(sentences) == bool(file):
        raise ConfigurationError("give sentences, or --file FILE")
    if method not in get_args(DecodingMethod):
        raise ConfigurationError(f"--method: found {method!r}, expected greedy, beam or sample")
    if report is not None and (method != "greedy" or full_length):
        raise ConfigurationError("--report rebuilds greedily to the end token; leave --method and --full-length out")
    execution = Execution(device=device, precision=settled(precision, device), batch_size=batch_size)
    left_out: Counter[str] = Counter()
    texts = _texts(sentences or [], file or [], left_out, format, skip_bad, tag_names)
    if report is not None:
        settings = {"rebuild": rebuild, "points": points, "seed": seed}
        _write_report(report, model, file or [], texts, left_out, execution, max_length, settings, as_json)
        return
    how = DecodingConfig(
        method=cast("DecodingMethod", method), beams=beams, temperature=temperature, stop_at_end=not full_length
    )
    if method == "sample":
        set_seed(seed)
    predictor = TypePredictor(model, execution, max_length=max_length)
    _show_all(
        predictor.predict((text.text for text in texts), how if rebuild else None), left_out, predictor.max_length, as_json
    )


def _show_all(sentences: Iterator[TypedText], left_out: Counter[str], max_length: int, as_json: bool) -> None:
    """Print each sentence as soon as it is typed, and what was not read."""
    cut = 0
    for typed in sentences:
        cut += typed.cut
        if as_json:
            print(json_text(typed.to_dict()), flush=True)
        else:
            _show(typed)
    if empty := left_out["empty lines"]:
        say(f"{counted(empty, 'empty line')} left out")
    if cut:
        say(f"{counted(cut, 'sub-word was', 'sub-words were')} not read: beyond the first {max_length} of a sentence")


def _texts(
    sentences: list[str],
    files: list[str],
    left_out: Counter[str],
    format: str | None,
    skip_bad: bool,
    tag_names: Path | None,
) -> Iterator[AnnotatedText]:
    from loreweave.corpus.annotated_text import AnnotatedText
    from loreweave.corpus.class_labels import read_label_names
    from loreweave.tasks.latent_types.reader import read_texts

    for number, sentence in enumerate(sentences, 1):
        if sentence.strip():
            yield AnnotatedText(str(number), sentence.strip())
        else:
            left_out["empty lines"] += 1
    names = None if tag_names is None else read_label_names(tag_names)
    yield from read_texts(files, left_out, format=format, skip_bad=skip_bad, names=names, report=say)


def _write_report(
    path: Path,
    model: str,
    files: list[str],
    texts: Iterator[AnnotatedText],
    left_out: Counter[str],
    execution: Execution,
    max_length: int,
    settings: dict[str, Any],
    as_json: bool,
) -> None:
    from loreweave.tasks.latent_types.model import TypePredictor
    from loreweave.tasks.latent_types.report import AnalysisConfig, analyse_texts, numbers_path_of, write_report

    numbers_path_of(path)  # report a wrong name before the work
    with progress("typing") as advance:
        predictor = TypePredictor(model, replace(execution, advance=advance), max_length=max_length)
        report = analyse_texts(predictor, texts, AnalysisConfig(**settings), left_out)
    source = {"model": model, "files": files}
    numbers = write_report(path, report, source)
    if as_json:
        show_json({**source, **report.numbers})
    else:
        show_table(("what", "value"), report.summary, title="latent types")
    say(f"wrote {path} and {numbers}")


def _show(typed: TypedText) -> None:
    """Print the sentence with its types, its reconstruction, and counts."""
    words = typed.words
    selected = sum(token.type != 0 for token in words)
    kinds = len({token.type for token in words} - {0})
    if sys.stdout.isatty():
        from rich.console import Console

        Console(highlight=False).print(_coloured(typed))
    else:
        print(typed.marked())
    if typed.reconstruction is not None:
        print(f"  rebuilt: {typed.reconstruction}")
    print(f"  {selected} of {counted(len(words), 'sub-word')} selected, {counted(kinds, 'type')}")


def _coloured(typed: TypedText) -> Text:
    """`TypedText.marked` with a background colour for each type."""
    from rich.text import Text

    shown, end = Text(), 0
    for token in typed.words:
        shown.append(typed.text[end : token.start])
        shown.append(typed.text[token.start : token.end], style=_colour(token.type))
        if token.type:
            shown.append(f"({token.type})", style="dim")
        end = token.end
    return shown.append(typed.text[end:])


def _colour(kind: int) -> str:
    """A style for each type; the golden ratio separates the colours of neighbouring numbers."""
    from colorsys import hls_to_rgb

    if kind == 0:
        return "dim"
    red, green, blue = (round(255 * part) for part in hls_to_rgb(kind * 0.618 % 1, 0.75, 0.7))
    return f"black on rgb({red},{green},{blue})"
