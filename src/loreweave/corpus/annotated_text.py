"""Annotated text: a text with mentions, and its files (JSON Lines, Parquet).

One JSON object per line (or in any layout of `corpus.files.json_rows`):
`{"id", "text", "mentions": [{"start", "end", "entity", "label", "labels"}], "language", "metadata"}`.
All fields but `id` and `text` are optional. A mention may also have its `text` (or `name`, `mention`, `surface`), which is
compared with the characters and not kept.
Parquet files have the same columns; `metadata` is a JSON string.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any

from loreweave.corpus.counts import counted
from loreweave.corpus.files.json_rows import Placed, json_rows
from loreweave.corpus.files.missing import file_not_found
from loreweave.corpus.files.reading import COMPRESSIONS, Pathname, read_json_lines
from loreweave.corpus.files.rows import as_row
from loreweave.corpus.files.strict_json import DECODER, NotJsonError, broken_json, in_json, kind_of
from loreweave.corpus.files.tables import is_description
from loreweave.corpus.files.writing import atomic_path, write_json_lines
from loreweave.corpus.surfaces import SURFACE_KEYS, UTF16_HINT, check_given_surface, from_utf16
from loreweave.corpus.wikispeedia_layout import WIKISPEEDIA, is_wikispeedia
from loreweave.errors import DataError

TEXT_SUFFIXES = (*(f"{kind}{packed}" for kind in (".jsonl", ".json") for packed in ("", *COMPRESSIONS)), ".parquet")
KEYS = {"id", "text", "mentions", "language", "metadata"}
"""Keys of an annotated text in JSON."""
PARAGRAPHS = "paragraphs"
_OF_METADATA = ("title", "categories", PARAGRAPHS)
"""Keys that have a meaning in the metadata of a text."""
_PARQUET_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Mention:
    """A mention: the characters `text[start:end]`, the title of the entity, and a type label; the last two are optional.

    `labels` are all types of a mention with several; `label` is then the first one.

    Raises:
        DataError: an empty span, or an empty label or entity.
    """

    start: int
    end: int
    entity: str | None = None
    label: str | None = None
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an empty span, and store several labels in one way, whichever field they were given in."""
        self._check_span()
        if self.entity is not None and not self.entity.strip():
            expected = "a title; if the entity is not known, leave the field out (or null)"
            raise DataError(f"found {self.entity!r}, expected {expected}", field="entity")
        if not self.labels and self.label is None:
            return
        types = tuple(dict.fromkeys(self.labels if self.label is None else (self.label, *self.labels)))
        if not all(label.strip() for label in types):
            raise DataError(f"found the labels {', '.join(map(repr, types))}, expected names", field="label")
        object.__setattr__(self, "label", types[0])
        object.__setattr__(self, "labels", types if len(types) > 1 else ())

    @property
    def types(self) -> tuple[str, ...]:
        """All labels; none if they are unknown."""
        return self.labels or (() if self.label is None else (self.label,))

    def _check_span(self) -> None:
        for name in ("start", "end"):
            if type(getattr(self, name)) is not int:
                raise DataError(
                    f"found {in_json(getattr(self, name))}, expected an integer (a character offset from 0)", field=name
                )
        if not 0 <= self.start < self.end:
            raise DataError(f"found the span ({self.start}, {self.end}), expected 0 <= start < end", field="mentions")


@dataclass(frozen=True, slots=True)
class AnnotatedText:
    """A text and its mentions, in character offsets of Python strings (Unicode code points).

    Mentions may overlap and be in any order. `metadata` is free; two keys have a meaning for the builders:
    `paragraphs`, a list of [start, end] or [start, end, kind], and `title`, the entity that the text describes
    (default: the `id`).

    Raises:
        DataError: a mention or a paragraph ends after the text, or the paragraphs are malformed or out of order.
    """

    id: str
    text: str
    mentions: tuple[Mention, ...] = ()
    language: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the types, which a reader cannot guarantee, and that the mentions lie in the text."""
        for name, optional in (("id", False), ("text", False), ("language", True)):
            value = getattr(self, name)
            if not isinstance(value, str) and not (optional and value is None):
                raise DataError(f"found {in_json(value)}, expected a string", field=name)
        object.__setattr__(self, "mentions", tuple(self.mentions))
        for mention in self.mentions:
            if mention.end > len(self.text):
                span = f"({mention.start}, {mention.end})"
                raise DataError(f"found the span {span} in a text of {counted(len(self.text), 'character')}", field="mentions")
        _check_paragraphs(self.metadata.get(PARAGRAPHS), len(self.text))

    @property
    def title(self) -> str:
        """Title of the entity that the text describes: `metadata["title"]`. Default: the id."""
        title = self.metadata.get("title")
        return self.id if title is None else str(title)

    def surface(self, mention: Mention) -> str:
        """The characters of a mention."""
        return self.text[mention.start : mention.end]

    def inside_mentions(self) -> bytearray:
        """For each character 1 if it is in a mention, otherwise 0."""
        inside = bytearray(len(self.text))
        for mention in self.mentions:
            inside[mention.start : mention.end] = b"\1" * (mention.end - mention.start)
        return inside

    def to_dict(self) -> dict[str, Any]:
        """The text as a JSON object; fields without a value are left out."""
        row: dict[str, Any] = {"id": self.id, "text": self.text}
        if self.mentions:
            row["mentions"] = [_mention_to_dict(mention) for mention in self.mentions]
        if self.language is not None:
            row["language"] = self.language
        if self.metadata:
            row["metadata"] = self.metadata
        return row

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> AnnotatedText:
        """Create a text from its JSON object; unknown or missing keys are errors.

        Raises:
            DataError: names the field; the file and the line are added by `read_annotated_texts`.
        """
        _check_keys(row, known=("id", "text", "mentions", "language", "metadata"), required=("id", "text"))
        mentions, metadata = row.get("mentions"), row.get("metadata")
        mentions, metadata = () if mentions is None else mentions, {} if metadata is None else metadata
        if isinstance(metadata, str):
            metadata = _metadata_of(metadata)
        if not isinstance(mentions, list | tuple):
            raise DataError(f"found {kind_of(mentions)}, expected a list", field="mentions")
        if not isinstance(metadata, dict):
            raise DataError(f"found {kind_of(metadata)}, expected an object", field="metadata")
        spans = tuple(_mention_from_dict(mention, row["text"]) for mention in mentions)
        return cls(row["id"], row["text"], spans, row.get("language"), metadata)


def read_annotated_texts(path: Pathname, utf16: bool = False) -> Iterator[AnnotatedText]:
    """Stream the texts of a JSON file (plain, .gz, .xz, .bz2), a Parquet file, or a folder of such files by name.

    JSON Lines are streamed. A list, an object over several lines and a list inside an object (`{"data": [...]}`) are read
    as a whole. A pipe, which cannot be read twice, must have JSON Lines.

    Args:
        path: file or folder.
        utf16: whether the offsets of mentions count UTF-16 code units.

    Raises:
        DataError: names the file, the line (the row in Parquet, the record of a list) and the field.
    """
    for _, _, found in placed_annotated_texts(path, utf16):
        if isinstance(found, DataError):
            raise found
        yield found


def placed_annotated_texts(path: Pathname, utf16: bool = False) -> Iterator[tuple[Path, str, AnnotatedText | DataError]]:
    """As `read_annotated_texts`, each text with its file and place; an error instead of a text that cannot be read.

    Raises:
        DataError: a file cannot be read at all.
    """
    for file in text_files(Path(path)):
        for place, row in _rows(file):
            if isinstance(row, DataError):
                yield file, place, DataError(row.message, path=file, record=place)
                continue
            try:
                yield file, place, AnnotatedText.from_dict(in_code_points(row) if utf16 else row)
            except DataError as error:
                found = WIKISPEEDIA if is_wikispeedia(row) else str(error)
                if not utf16 and _fits_utf16(row):
                    found = f"{found.partition(f'; {UTF16_HINT}')[0]}; {UTF16_HINT}: give --format annotated:utf16"
                yield file, place, DataError(found, path=file, record=place)


def in_code_points(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a text with offsets in code points instead of UTF-16 code units, if they can be read at all.

    Raises:
        DataError: a mention is no object, or an offset is inside a character or outside the text.
    """
    text, mentions = row.get("text"), row.get("mentions")
    if not isinstance(text, str) or not isinstance(mentions, list):
        return dict(row)
    converted = []
    for mention in mentions:
        mention = dict(as_row(mention))
        for name in ("start", "end"):
            if type(mention.get(name)) is int:
                place = from_utf16(text, mention[name])
                if place is None:
                    expected = "a place between characters in UTF-16 code units"
                    raise DataError(f"found {mention[name]}, expected {expected}", field=f"mentions.{name}")
                mention[name] = place
        converted.append(mention)
    return {**row, "mentions": converted}


def _rows(file: Path) -> Iterator[Placed]:
    """Place and row of everything in a file; an error instead of a row that is broken or no object.

    Raises:
        DataError: the file cannot be read, or a line of a pipe is broken.
    """
    if file.suffix == ".parquet":
        yield from ((f"line {number}", row) for number, row in _read_parquet(file))
    elif not file.is_file():
        yield from ((f"line {number}", row) for number, row in read_json_lines(file))
    else:
        for place, row in json_rows(file):
            known = isinstance(row, dict | DataError)
            yield place, row if known else DataError(f"found {kind_of(row)}, expected an object")


def _fits_utf16(row: Mapping[str, Any]) -> bool:
    """Whether a wrong row is right if its offsets count UTF-16 code units."""
    try:
        AnnotatedText.from_dict(in_code_points(row))
    except DataError:
        return False
    return True


def write_annotated_texts(path: Pathname, texts: Iterable[AnnotatedText]) -> int:
    """Write texts as JSON Lines, or as Parquet if the name ends in .parquet, and return their number."""
    if Path(path).suffix == ".parquet":
        return _write_parquet(path, texts)
    return write_json_lines(path, (text.to_dict() for text in texts))


def text_files(path: Path) -> list[Path]:
    """The file itself, or the files of a folder that can have annotated texts, sorted by name.

    Raises:
        DataError: there is none in the folder.
    """
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if _can_have_texts(file))
    if not files:
        raise DataError(f"found no text file, expected names that end in {', '.join(TEXT_SUFFIXES)}", path=path)
    return files


def unread_files(path: Path) -> list[str]:
    """Names of what `text_files` leaves out of a folder, except files that describe it; none for a file."""
    files = sorted(path.iterdir()) if path.is_dir() else []
    left_out = [file for file in files if not (_can_have_texts(file) or is_description(file))]
    return [f"{file.name}/" if file.is_dir() else file.name for file in left_out]


def _can_have_texts(file: Path) -> bool:
    return file.name.lower().endswith(TEXT_SUFFIXES) and not is_description(file) and not file.is_dir()


def _mention_to_dict(mention: Mention) -> dict[str, Any]:
    row: dict[str, Any] = {"start": mention.start, "end": mention.end}
    if mention.entity is not None:
        row["entity"] = mention.entity
    if mention.label is not None:
        row["label"] = mention.label
    if mention.labels:
        row["labels"] = list(mention.labels)
    return row


def _mention_from_dict(row: Any, text: Any) -> Mention:
    if not isinstance(row, dict):
        raise DataError(f"found {in_json(row)}, expected an object with 'start' and 'end'", field="mentions")
    _check_keys(row, known=("start", "end", "entity", "label", "labels", *SURFACE_KEYS), required=("start", "end"))
    for name in ("entity", "label"):
        if row.get(name) is not None and not isinstance(row[name], str):
            raise DataError(f"found {in_json(row[name])}, expected a string", field=f"mentions.{name}")
    labels = row.get("labels")
    labels = () if labels is None else labels
    if not isinstance(labels, list | tuple) or not all(isinstance(label, str) for label in labels):
        raise DataError(f"found {in_json(labels)}, expected a list of strings, the names of types", field="mentions.labels")
    try:
        mention = Mention(row["start"], row["end"], row.get("entity"), row.get("label"), tuple(labels))
    except DataError as error:
        if error.field not in ("label", "entity"):
            raise
        raise DataError(error.message, field=f"mentions.{error.field}") from None
    if isinstance(text, str):
        check_given_surface(text, mention.start, mention.end, row, "mentions.")
    return mention


def _check_paragraphs(rows: Any, length: int) -> None:
    if rows is not None and not isinstance(rows, list | tuple):
        raise DataError(f"found {kind_of(rows)}, expected a list", field="metadata.paragraphs")
    before = 0
    for row in rows or ():
        match row:
            case [int(start), int(end)] | [int(start), int(end), str()] if before <= start <= end <= length:
                before = end
            case _:
                expected = f"[start, end] or [start, end, kind] between {before} and {length}, in order"
                raise DataError(f"found the paragraph {row!r}, expected {expected}", field="metadata.paragraphs")


def _check_keys(row: Mapping[str, Any], known: tuple[str, ...], required: tuple[str, ...]) -> None:
    for key in row:
        if key not in known:
            if key in _OF_METADATA and "metadata" in known:
                raise DataError(f'found the unknown key {key!r}; put it into \'metadata\': {{"metadata": {{"{key}": ...}}}}')
            close = get_close_matches(str(key), known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f", expected one of {', '.join(known)}"
            raise DataError(f"found the unknown key {key!r}{hint}")
    for key in required:
        if key not in row:
            raise DataError(f"found no {key!r}{', expected a string that names the text' if key == 'id' else ''}", field=key)


def _read_parquet(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    from pyarrow import ArrowInvalid, parquet

    try:
        file = parquet.ParquetFile(path)
    except FileNotFoundError:
        raise file_not_found(path) from None
    except ArrowInvalid as error:
        raise DataError(f"found no Parquet file ({error})", path=path) from None
    number = 0
    for batch in file.iter_batches(_PARQUET_ROWS):
        for row in batch.to_pylist():
            number += 1
            yield number, row


def _metadata_of(text: str) -> Any:
    """Metadata of a Parquet row: a JSON string."""
    try:
        return DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise DataError(f"found {broken_json(error)}", field="metadata") from None
    except NotJsonError as error:
        raise DataError(f"found {error}", field="metadata") from None


def _write_parquet(path: Pathname, texts: Iterable[AnnotatedText]) -> int:
    import pyarrow as pa
    from pyarrow import parquet

    strings = [("entity", pa.string()), ("label", pa.string()), ("labels", pa.list_(pa.string()))]
    mention = pa.struct([("start", pa.int32()), ("end", pa.int32()), *strings])
    fields = [("id", pa.string()), ("text", pa.large_string()), ("mentions", pa.list_(mention))]
    schema = pa.schema([*fields, ("language", pa.string()), ("metadata", pa.string())])
    count, stream = 0, iter(texts)
    with atomic_path(path) as temporary, parquet.ParquetWriter(temporary, schema) as writer:
        while chunk := list(islice(stream, _PARQUET_ROWS)):
            rows = [text.to_dict() for text in chunk]
            for row in rows:
                row["metadata"] = json.dumps(row["metadata"], ensure_ascii=False) if "metadata" in row else None
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            count += len(chunk)
    return count
