"""`loreweave build text-blocks`: a pre-training set of plain text, for masked words only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from loreweave.cli.build.annotated_texts import say_not_found, say_unknown
from loreweave.cli.console import progress, show_counts, steps_from_count
from loreweave.cli.options import CountsAsJson, OutputFolder, Overwrite, Tokenizer

if TYPE_CHECKING:
    from loreweave.build.text_blocks import BreakMode


Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE",
        help="Text with blank lines between documents, or JSON, CSV, Parquet or a saved data set with 'text' in each row.",
    ),
]
TextBlocksBreakMode = Annotated[
    str, typer.Option("--break-mode", help="Where blocks may end, as in fairseq: none, complete, complete_doc or eos.")
]
MaxLength = Annotated[
    int, typer.Option("--max-length", help="Maximum number of sub-words in a block, including special tokens.")
]
SplitLongLines = Annotated[
    bool,
    typer.Option("--split-long-lines", help="Split lines that are longer than a block. Default: drop them, as fairseq does."),
]
Sentences = Annotated[
    str | None, typer.Option("--sentences", help="First split lines into sentences of this language (en, de, ...).")
]
Unwrap = Annotated[
    bool, typer.Option("--unwrap", help="First join lines up to a blank line (for text with fixed line widths).")
]
Exclude = Annotated[
    Path | None,
    typer.Option("--exclude", help="File with titles or ids of rows to leave out, one per line. Lines of text have none."),
]


def text_blocks(
    files: Files,
    tokenizer: Tokenizer,
    output: OutputFolder,
    break_mode: TextBlocksBreakMode = "complete",
    max_length: MaxLength = 512,
    split_long_lines: SplitLongLines = False,
    sentences: Sentences = None,
    unwrap: Unwrap = False,
    exclude: Exclude = None,
    overwrite: Overwrite = False,
    as_json: CountsAsJson = False,
) -> None:
    """Make a pre-training set without entities: plain text in blocks of sub-words, as for KEPLER.

    Example: loreweave build text-blocks wiki.txt.xz books.jsonl --tokenizer FacebookAI/roberta-base --output build/words
    """
    from loreweave.build.text_blocks import build_text_blocks
    from loreweave.checkpoints.word_tokenizers import read_word_tokenizer
    from loreweave.corpus.exclusion import Exclusion
    from loreweave.corpus.wikispeedia import read_reserved_titles

    exclusion = None if exclude is None else Exclusion(read_reserved_titles(exclude))
    words = read_word_tokenizer(tokenizer)
    with progress("lines cut into blocks") as advance:
        report = build_text_blocks(
            files,
            words,
            output,
            break_mode=cast("BreakMode", break_mode),
            max_length=max_length,
            split_long_lines=split_long_lines,
            sentences=sentences,
            unwrap=unwrap,
            exclude=exclusion,
            overwrite=overwrite,
            progress=steps_from_count(advance, lambda report: report.lines + report.blank_lines),
        )
    if exclusion is not None:
        say_not_found(exclude, exclusion)
    say_unknown(report.sub_words_unknown, report.sub_words, tokenizer)
    show_counts(report.to_dict(), output, always=("documents", "lines", "blocks"), as_json=as_json)
