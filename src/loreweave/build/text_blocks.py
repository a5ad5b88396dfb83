"""Builds blocks of sub-words from plain text, for masked words only: KEPLER's word stream.

Each line becomes its sub-words and an end token, as fairseq binarises it; a blank line is a single end token. Blocks are
cut from that stream as fairseq's `--sample-break-mode` does:

- `none`: anywhere; all blocks are full;
- `complete`: between lines; as many whole lines as fit, also of different documents, separated by another end token;
- `complete_doc`: between lines, and no block crosses the end of a document;
- `eos`: after every line.

If a language is given, lines are first split into sentences, which are then the lines: the input of Sparse Latent Typing.
If blocks end between lines, a line that is longer than a block is dropped, as in fairseq, or split on request.
A block has at most `max_length` sub-words with the start token before it. Its last end token is not stored, because readers
of a pre-training set add start and end token to each row. In the mode `none`, fairseq's blocks have no end token, and are
one sub-word longer instead.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from tokenizers import Tokenizer

from loreweave.build.pretraining_store import ROWS_PER_SHARD, write_set
from loreweave.build.sentence_tokenizer import backend_of, unknown_id_of
from loreweave.build.sentences import split_sentences
from loreweave.build.windows import NO_PAGE, Window
from loreweave.corpus.exclusion import Exclusion
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.plain_text import Line, read_lines
from loreweave.errors import ConfigurationError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BreakMode = Literal["none", "complete", "complete_doc", "eos"]
BREAK_MODES: tuple[BreakMode, ...] = get_args(BreakMode)

_LINES_PER_BATCH = 1000


@dataclass
class TextBlockReport:
    """Counts of what was read, kept and left out. `sub_words` = `sub_words_kept` + `sub_words_dropped_long`.

    Attributes:
        documents: number of runs of lines between blank lines.
        documents_excluded: number of documents excluded by their id or title.
        excluded_names_not_found: number of ids and titles to exclude that no document has; lines of text have neither.
        blank_lines: number of blank lines in text files; each is an end token of the stream.
        blank_lines_dropped: number of blank lines inside documents of JSON Lines, where they do not separate documents.
        characters_replaced: number of unpaired surrogates, which became U+FFFD.
        sub_words: number of sub-words in all lines, without end tokens.
        sub_words_unknown: number of those that stand for characters which the tokenizer does not know.
        end_tokens_inside: number of end tokens stored inside blocks (those at the end of blocks are not stored).
        blocks: number of rows written.
        lines_split: number of lines longer than a block that became several blocks.
        blocks_dropped_long: number of such lines that were dropped.
        blocks_dropped_empty: number of blocks of blank lines only.
    """

    files: int = 0
    documents: int = 0
    documents_excluded: int = 0
    excluded_names_not_found: int = 0
    lines: int = 0
    blank_lines: int = 0
    blank_lines_dropped: int = 0
    characters: int = 0
    characters_replaced: int = 0
    sub_words: int = 0
    sub_words_unknown: int = 0
    sub_words_kept: int = 0
    sub_words_dropped_long: int = 0
    end_tokens_inside: int = 0
    lines_split: int = 0
    blocks: int = 0
    blocks_dropped_long: int = 0
    blocks_dropped_empty: int = 0

    def to_dict(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)


class TokenLine(NamedTuple):
    """A line as sub-words, without its end token; a blank line has none."""

    place: str
    ids: list[int]


class Block(NamedTuple):
    """Sub-words with the end tokens of their lines, and the source of the first line."""

    place: str
    ids: list[int]


@dataclass(frozen=True, slots=True)
class _Cutting:
    """Settings of building blocks from lines; see `build_text_blocks`."""

    break_mode: BreakMode
    max_length: int
    max_entities: int = 0
    split_long_lines: bool = False
    sentences: str | None = None
    unwrap: bool = False

    def __post_init__(self) -> None:
        if self.break_mode not in BREAK_MODES:
            raise ConfigurationError(f"--break-mode: found {self.break_mode!r}, expected one of {', '.join(BREAK_MODES)}")
        if self.max_length < 3:
            message = f"--max-length: found {self.max_length}, expected at least 3 (two special tokens and a sub-word)"
            raise ConfigurationError(message)


Progress = Callable[[TextBlockReport], Any]


def build_text_blocks(
    files: Iterable[Pathname],
    tokenizer: PreTrainedTokenizerBase,
    output: Pathname,
    *,
    break_mode: BreakMode = "complete",
    max_length: int = 512,
    split_long_lines: bool = False,
    sentences: str | None = None,
    unwrap: bool = False,
    exclude: Exclusion | None = None,
    rows_per_shard: int = ROWS_PER_SHARD,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> TextBlockReport:
    """Write a pre-training set without entities (`word_only`) from text files, atomically.

    Lines are tokenised separately, without special tokens. A literal `<mask>` in the text is split like any
    other characters.

    Args:
        files: text files, or JSON and tables with `text`; read in order (`loreweave.corpus.plain_text`).
        tokenizer: a fast tokenizer with an end (or separator) token.
        output: folder to write; the same input gives the same bytes.
        break_mode: places where blocks may be cut.
        max_length: maximum number of sub-words per block, including its start and end token.
        split_long_lines: split lines that are longer than a block into full blocks and a rest, instead of dropping them.
        sentences: language of the sentences that become the lines; None keeps the lines.
        unwrap: first join the lines up to a blank line.
        exclude: `id` or `title` of documents to exclude, if they are rows.
        progress: called with the counts so far after each batch of lines.

    Raises:
        ConfigurationError: unsuitable tokenizer, unknown mode, or the output folder exists.
        DataError: a file cannot be read, or there is no block.
    """
    cutting = _Cutting(break_mode, max_length, split_long_lines=split_long_lines, sentences=sentences, unwrap=unwrap)
    report = TextBlockReport()
    rows = _make_rows(files, tokenizer, cutting, exclude, report, progress)
    write_set(output, rows, tokenizer, None, asdict(cutting), report, rows_per_shard=rows_per_shard, overwrite=overwrite)
    return report


def _make_rows(
    files: Iterable[Pathname],
    tokenizer: PreTrainedTokenizerBase,
    cutting: _Cutting,
    exclude: Exclusion | None,
    report: TextBlockReport,
    progress: Progress | None,
) -> Iterator[Window]:
    end_id = _end_token(tokenizer)
    counts, size = Counter[str](), cutting.max_length - 1
    read = read_lines(files, exclude, counts, unwrap=cutting.unwrap)
    wanted = read if cutting.sentences is None else _sentences(read, cutting.sentences)
    lines = _tokenised(wanted, tokenizer, report, progress)
    if cutting.split_long_lines and cutting.break_mode != "none":
        lines = _split_long(lines, size - 1, report)
    yield from _rows(cut_blocks(lines, cutting.break_mode, size, end_id), size, end_id, report)
    for name, count in counts.items():
        setattr(report, name, count)
    report.excluded_names_not_found = 0 if exclude is None else len(exclude.not_found())


def cut_blocks(lines: Iterable[TokenLine], mode: BreakMode, size: int, end_id: int) -> Iterator[Block]:
    """Cut the stream of lines, each closed by `end_id`, into blocks.

    A block has at most `size` ids if the last one is `end_id`, otherwise at most `size - 1`. A single line that is longer
    becomes a longer block (except in the mode `none`).
    """
    if mode == "none":
        return _cut_anywhere(lines, size, end_id)
    if mode == "eos":
        return (Block(line.place, [*line.ids, end_id]) for line in lines)
    return _cut_between_lines(lines, size, end_id, by_document=mode == "complete_doc")


def _cut_between_lines(lines: Iterable[TokenLine], size: int, end_id: int, by_document: bool) -> Iterator[Block]:
    """As many whole lines as fit; `by_document` ends a block at a blank line, which is then in no block."""
    block = Block("", [])
    for line in lines:
        separates = by_document and not line.ids
        if block.ids and (separates or len(block.ids) + len(line.ids) + 1 > size):
            yield block
            block = Block("", [])
        if separates:
            continue
        if not block.ids:
            block = Block(line.place, [])
        block.ids.extend(line.ids)
        block.ids.append(end_id)
    if block.ids:
        yield block


def _cut_anywhere(lines: Iterable[TokenLine], size: int, end_id: int) -> Iterator[Block]:
    """Full blocks; the end token of a line ends a block that the line fills exactly."""
    place, waiting = "", list[int]()
    for line in lines:
        place = place if waiting else line.place
        waiting += [*line.ids, end_id]
        start = 0
        while len(waiting) - start >= size:
            end = start + size - (waiting[start + size - 1] != end_id)
            yield Block(place, waiting[start:end])
            place, start = line.place, end
        del waiting[:start]
    if waiting:
        yield Block(place, waiting)


def _split_long(lines: Iterable[TokenLine], room: int, report: TextBlockReport) -> Iterator[TokenLine]:
    """Split lines of more than `room` sub-words into parts of `room` and a rest, as if each were a line."""
    for line in lines:
        report.lines_split += len(line.ids) > room
        for start in range(0, max(1, len(line.ids)), room):
            yield TokenLine(line.place, line.ids[start : start + room])


def _sentences(lines: Iterable[Line], language: str) -> Iterator[Line]:
    """Each sentence as a line; blank lines are kept."""
    for line in lines:
        if not line.text:
            yield line
        for start, end in split_sentences(line.text, language):
            yield Line(line.place, line.text[start:end])


def _tokenised(
    lines: Iterable[Line], tokenizer: PreTrainedTokenizerBase, report: TextBlockReport, progress: Progress | None
) -> Iterator[TokenLine]:
    state = backend_of(tokenizer).to_str()
    backend, unknown = Tokenizer.from_str(state), unknown_id_of(json.loads(state))
    backend.no_truncation()
    backend.no_padding()
    backend.encode_special_tokens = True
    stream, inside = iter(lines), False
    while batch := list(islice(stream, _LINES_PER_BATCH)):
        encodings = backend.encode_batch_fast([line.text for line in batch], add_special_tokens=False)
        for line, encoding in zip(batch, encodings, strict=True):
            report.documents += bool(line.text) and not inside
            inside = bool(line.text)
            report.lines += inside
            report.blank_lines += not inside
            report.characters += len(line.text)
            report.sub_words += len(encoding.ids)
            report.sub_words_unknown += 0 if unknown is None else encoding.ids.count(unknown)
            yield TokenLine(line.place, encoding.ids)
        if progress is not None:
            progress(report)


def _rows(blocks: Iterable[Block], size: int, end_id: int, report: TextBlockReport) -> Iterator[Window]:
    """Blocks that a row can hold, without their last end token."""
    for block in blocks:
        ids = block.ids[:-1] if block.ids[-1] == end_id else block.ids
        ends = ids.count(end_id)
        if len(ids) >= size:
            report.blocks_dropped_long += 1
            report.sub_words_dropped_long += len(ids) - ends
        elif len(ids) == ends:
            report.blocks_dropped_empty += 1
        else:
            report.blocks += 1
            report.sub_words_kept += len(ids) - ends
            report.end_tokens_inside += ends
            yield Window(block.place, NO_PAGE, ids)


def _end_token(tokenizer: PreTrainedTokenizerBase) -> int:
    """Id that readers of pre-training sets put at the end of each row."""
    found: Sequence[int | None] = (tokenizer.sep_token_id, tokenizer.eos_token_id)
    end_id = next((id for id in found if id is not None), None)
    if end_id is None:
        raise ConfigurationError(f"{type(tokenizer).__name__} has no separator and no end token to end lines with")
    return end_id
