"""Files of sentences with typed mentions, in any of the usual forms, as annotated text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.column_formats.columns import read_columns
from loreweave.corpus.column_formats.conllu import is_conllu, read_conllu
from loreweave.corpus.files.reading import content_suffix
from loreweave.corpus.files.rows import LeftOut
from loreweave.corpus.files.tables import TABLE_SUFFIXES, is_data_folder
from loreweave.corpus.mention_formats import MENTION_FORMATS, first_mention_row, format_of_file, recognised_mentions
from loreweave.corpus.mention_formats.foreign import foreign_tool
from loreweave.corpus.mention_formats.marked import MentionFormat
from loreweave.errors import ConfigurationError, DataError

_COLUMNS = "columns"


def read_entity_annotations(
    path: Path,
    format: str | None = None,
    dropped: Counter[str] | None = None,
    notes: list[str] | None = None,
    names: Sequence[str] | None = None,
) -> list[AnnotatedText]:
    """The sentences of a file, or of all files of a folder in order of name.

    Args:
        path: plain, .gz, .xz or .bz2; hidden files and README files of a folder are passed over. A folder that is one data
            set (saved by Hugging Face's library, of brat) is read as that.
        format: one of `FORMATS`; None recognises it by the suffix and the first record.
        dropped: gets what texts lost, such as blank tokens.
        notes: gets what was found otherwise than usual, a line each.
        names: of tags that are numbers, from 0.

    Raises:
        DataError: names the file, the line and the field.
        ConfigurationError: an unknown format.
    """
    if format is not None and format not in FORMATS:
        raise ConfigurationError(f"unknown format {format!r} of entity annotations; known: {', '.join(FORMATS)}")
    texts = []
    dropped, notes = Counter() if dropped is None else dropped, [] if notes is None else notes
    for file in _files(path, format):
        said = list[str]()
        chosen = format or recognised_format(file)
        if chosen == _COLUMNS:
            found = list(read_conllu(file, dropped, said)) if is_conllu(file) else read_columns(file, None, dropped, said)
        else:
            layout, said = format_of_file(chosen, file, names)
            found = list(_texts(file, layout, dropped))
        notes += [f"{file.name}: {note}" if path.is_dir() else note for note in said]
        if not found:
            raise DataError("found no sentence", path=file)
        texts += found
    return texts


def recognised_format(path: Path) -> str:
    """JSON, tables and folders by their first row; anything else is taken for columns.

    Raises:
        DataError: it is none of `FORMATS`, or may be either of several.
    """
    if not path.is_dir() and content_suffix(path) not in _SUFFIXES:
        return _COLUMNS
    row = first_mention_row(path)
    found = recognised_mentions(path, row)
    if found is None and (foreign := foreign_tool(row)) is not None:
        raise DataError(foreign, path=path)
    if found is None:
        if isinstance(row, Mapping) and {"support", "query"} <= row.keys():
            way_out = "'loreweave evaluate few-shot-ner' and 'loreweave score' read them"
            raise DataError(f"found episodes (support and query), expected annotated sentences; {way_out}", path=path, line=1)
        keys = ", ".join(map(str, row)) if isinstance(row, Mapping) else type(row).__name__
        raise DataError(f"found the keys {keys or 'nothing'}, expected {' or '.join(FORMATS)}", path=path, line=1)
    return found


_SUFFIXES = (".jsonl", ".json", ".spacy", *TABLE_SUFFIXES)

FORMATS: dict[str, str] = {
    _COLUMNS: "a token and its tag (IOB1, IOB2, BIOES, BILOU, BMES, bare labels) a line, blank lines between; or CoNLL-U",
    **{name: format.summary for name, format in MENTION_FORMATS.items()},
}
"""Format name -> a line of help."""


def _texts(path: Path, format: MentionFormat, dropped: Counter[str]) -> Iterator[AnnotatedText]:
    """The texts of a file; those without an id of their own are called by the file and their number."""
    name = path.name.partition(".")[0]
    for number, (place, row) in enumerate(format.rows(path), 1):
        if isinstance(row, DataError):
            raise row if row.path is not None else DataError(row.message, path=path, record=place, field=row.field)
        try:
            for item in format.texts(row, f"{name}:{number}"):
                if isinstance(item, LeftOut):
                    dropped[item.reason] += 1
                else:
                    yield item
        except DataError as error:
            raise DataError(error.message, path=path, record=place, field=error.field) from None


def _files(path: Path, format: str | None) -> list[Path]:
    """The file, the files of a folder, or a folder that is one data set."""
    if not path.is_dir() or format == "brat" or is_data_folder(path):
        return [path]
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith((".", "README")))
    if not files:
        raise DataError("found no file", path=path)
    return files
