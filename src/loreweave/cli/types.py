"""`loreweave types`: which words a model selects, their latent types, and the sentence rebuilt from them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from loreweave.cli.console import say

if TYPE_CHECKING:
    from rich.text import Text

    from loreweave.models.reconstruction import Method
    from loreweave.tasks.latent_types.typist import TypedText


def command(
    model: Annotated[str, typer.Option("--model", help="A checkpoint that was trained with latent typing, or its run.")],
    sentences: Annotated[
        list[str] | None, typer.Argument(metavar="[SENTENCE]...", help="Sentences, each in quotes.")
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option("--file", help="Read lines of text files (or .jsonl with 'text') instead; may be given again."),
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild/--no-rebuild", help="Rebuild the sentence from what was selected.")
    ] = True,
    method: Annotated[str, typer.Option("--method", help="How it is rebuilt: greedy, beam or sample.")] = "greedy",
    beams: Annotated[int, typer.Option("--beams", min=1, help="Of --method beam.")] = 4,
    temperature: Annotated[float, typer.Option("--temperature", help="Of --method sample.")] = 1.0,
    full_length: Annotated[
        bool, typer.Option("--full-length", help="Rebuild as many words as were read, as the released demonstration does.")
    ] = False,
    max_length: Annotated[int, typer.Option("--max-length", min=3, help="Sub-words that are read of a sentence.")] = 128,
    device: Annotated[str | None, typer.Option("--device", help="cpu, cuda, cuda:1, mps.")] = None,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Sentences a batch.")] = 32,
    precision: Annotated[str, typer.Option("--precision", help="fp32, bf16 or fp16.")] = "fp32",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a sentence on standard output.")] = False,
) -> None:
    """Show the latent types of sentences: coloured on a terminal, type numbers in brackets behind each selected sub-word.

    Example: loreweave types "Marie Curie was born in Warsaw." --model runs/sparse-lt/pretraining
    """
    from loreweave.errors import ConfigurationError
    from loreweave.models.reconstruction import DecodingConfig
    from loreweave.tasks.latent_types.typist import Typist
    from loreweave.tasks.registry import Execution

    if bool(sentences) == bool(file):
        raise ConfigurationError("give sentences, or --file FILE")
    if method not in ("greedy", "beam", "sample"):
        raise ConfigurationError(f"--method: found {method!r}, expected greedy, beam or sample")
    decoding = None
    if rebuild:
        decoding = DecodingConfig(
            method=cast("Method", method), beams=beams, temperature=temperature, stop_at_end=not full_length
        )
    typist = Typist(model, Execution(device=device, precision=precision, batch_size=batch_size), max_length=max_length)
    lines = list(_lines(file)) if file else [sentence.strip() for sentence in sentences or []]
    filled = [line for line in lines if line]
    empty, cut = len(lines) - len(filled), 0
    for typed in typist.type(filled, decoding):
        cut += typed.cut
        if as_json:
            print(json.dumps(typed.to_dict(), ensure_ascii=False), flush=True)
        else:
            _show(typed)
    if empty:
        say(f"{empty} empty line{'s' if empty > 1 else ''} left out")
    if cut:
        say(f"{cut} sub-words beyond --max-length {max_length} were not read")


def _lines(files: list[str]) -> Iterator[str]:
    from loreweave.corpus.plain_text import read_lines

    return (line.text for path in files for line in read_lines([Path(path)]))


def _show(typed: TypedText) -> None:
    """The sentence with its types, what it was rebuilt to, and counts."""
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
    print(f"  {selected} of {len(words)} sub-words selected, {kinds} types")


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
    """A style of its own for each type; the golden ratio keeps the colours of neighbouring numbers apart."""
    from colorsys import hls_to_rgb

    if kind == 0:
        return "dim"
    red, green, blue = (round(255 * part) for part in hls_to_rgb(kind * 0.618 % 1, 0.75, 0.7))
    return f"black on rgb({red},{green},{blue})"
