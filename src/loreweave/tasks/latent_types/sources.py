"""The texts that are typed: lines of plain text, annotated text, CoNLL-U and column files, each a line at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from loreweave.corpus.annotated_text import AnnotatedText, Mention, read_annotated_texts
from loreweave.corpus.column_formats.columns import read_columns
from loreweave.corpus.column_formats.conllu import read_conllu
from loreweave.corpus.files.reading import Pathname, content_suffix, read_json_lines
from loreweave.corpus.plain_text import read_lines
from loreweave.corpus.tokens import POS, TOKENS, pos_of, token_offsets
from loreweave.errors import DataError

COLUMN_SUFFIXES = (".conll", ".bio", ".iob", ".iob2", ".tsv")
_ANNOTATED = {"id", "text", "mentions", "language", "metadata"}


def read_texts(files: Iterable[Pathname], counts: Counter[str] | None = None) -> Iterator[AnnotatedText]:
    """Stream the texts of all files, one a line; a text of several lines is split, and blank lines are left out.

    `.conllu` has words, part-of-speech tags and perhaps mentions; `.conll`, `.bio`, `.iob`, `.iob2` and `.tsv` a token and its
    tag a line; `.jsonl` and `.parquet` annotated text, where the first row has `mentions` or nothing but fields of annotated
    text, else rows whose `text` alone is read; any other file is plain text. A folder is one of `.conllu` files, or a data set.

    Args:
        counts: gets `empty lines`, `mentions across lines` and blank tokens, which are left out, in words.

    Raises:
        DataError: a file is missing or not what its suffix says; names the file and the line.
    """
    counts = Counter() if counts is None else counts
    for file in files:
        for text in _texts(Path(file), counts):
            for line in lines_of(text, counts):
                if line.text.strip():
                    yield line
                else:
                    counts["empty lines"] += 1


def _texts(path: Path, counts: Counter[str]) -> Iterable[AnnotatedText]:
    suffix = content_suffix(path)
    inside = sorted(path.glob("*.conllu*")) if path.is_dir() else []
    if inside or suffix == ".conllu":
        return (text for file in inside or [path] for text in read_conllu(file, counts))
    if suffix in COLUMN_SUFFIXES:
        return read_columns(path, None, counts)
    if suffix in (".jsonl", ".parquet") and _is_annotated(path, suffix):
        return read_annotated_texts(path)
    lines = (line for line in read_lines([path]) if line.place)  # without what separates documents
    return (AnnotatedText(line.place, line.text) for line in lines)


def _is_annotated(path: Path, suffix: str) -> bool:
    if path.is_dir():
        return False
    keys = _parquet_columns(path) if suffix == ".parquet" else next((set(row) for _, row in read_json_lines(path)), set())
    return "mentions" in keys or ({"id", "text"} <= keys <= _ANNOTATED)


def _parquet_columns(path: Path) -> set[str]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return set(parquet.ParquetFile(path).schema_arrow.names)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"found no Parquet file that can be read ({error})", path=path) from None


def lines_of(text: AnnotatedText, counts: Counter[str]) -> Iterator[AnnotatedText]:
    """The lines of a text, each with its mentions and tokens; itself where it has one.

    Args:
        counts: gets `mentions across lines`, which are left out.
    """
    if "\n" not in text.text:
        yield text
        return
    given = TOKENS in text.metadata or POS in text.metadata
    tokens, tags = (token_offsets(text), pos_of(text)) if given else (None, None)
    start, kept = 0, 0
    for number, content in enumerate(text.text.split("\n"), 1):
        end = start + len(content)
        mentions = [
            Mention(one.start - start, one.end - start, one.entity, one.label, one.labels)
            for one in text.mentions
            if start <= one.start and one.end <= end
        ]
        kept += len(mentions)
        metadata: dict[str, Any] = {}
        if tokens is not None:
            inside = [place for place, token in enumerate(tokens) if start <= token[0] and token[1] <= end]
            metadata[TOKENS] = [[tokens[place][0] - start, tokens[place][1] - start] for place in inside]
            metadata |= {POS: [tags[place] for place in inside]} if tags is not None else {}
        yield AnnotatedText(f"{text.id}:{number}", content, tuple(mentions), text.language, metadata)
        start = end + 1
    counts["mentions across lines"] += len(text.mentions) - kept
