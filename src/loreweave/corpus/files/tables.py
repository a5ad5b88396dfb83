"""Rows of tables: Parquet files, Arrow files, and folders of saved Hugging Face data sets.

Numbers of class labels become names, which come from the table's schema or `dataset_info.json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loreweave.corpus.class_labels import INFO_FILE, Features, features_of_folder, with_label_names
from loreweave.corpus.files.manifests import MANIFEST
from loreweave.corpus.files.missing import file_not_found
from loreweave.corpus.files.reading import content_suffix, read_json
from loreweave.errors import DataError

if TYPE_CHECKING:
    from pyarrow import RecordBatch, Schema

TABLE_SUFFIXES = (".parquet", ".arrow")
_STATE, _SPLITS = "state.json", "dataset_dict.json"
_DESCRIPTIONS = (INFO_FILE, "dataset_infos.json", _STATE, _SPLITS, MANIFEST)
"""Files that describe the data of a folder: of Hugging Face's library, and of our builders."""
_SPLIT = re.compile("(?:train|validation|valid|val|dev|test)(?![a-z])", re.IGNORECASE)
"""How the names of files begin that are a split or a part of one: `train-00000-of-00002.parquet`."""
_ROWS = 1000
_METADATA = b"huggingface"
"""Key of the schema's metadata under which the library stores the features."""


def is_table(path: Path) -> bool:
    """Whether the path is a table: by its suffix, or a folder that is a saved data set or has Parquet files only."""
    if not path.is_dir():
        return content_suffix(path) in TABLE_SUFFIXES
    return (path / _STATE).is_file() or (path / _SPLITS).is_file() or bool(_parts(path))


def is_description(file: Path) -> bool:
    """Whether a file of a folder describes its data or is hidden, so that it has no records: such as a README file."""
    return file.name.startswith((".", "README")) or file.name in _DESCRIPTIONS


def is_data_folder(path: Path) -> bool:
    """Whether a folder is one data set: a table, or documents of brat."""
    return path.is_dir() and (is_table(path) or next(path.rglob("*.ann"), None) is not None)


def table_rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Each row with its place ("row 3"); an error instead of a row whose class labels have no name.

    Raises:
        DataError: not such a table; or a folder of several splits, saved or as Parquet files, whose names are given.
    """
    number = 0
    for file in _files(path):
        for features, batch in _batches(file):
            for row in batch.to_pylist():
                number += 1
                # A column that only other rows need is null here, so the row lacks this key.
                row = {key: value for key, value in row.items() if value is not None}
                try:
                    yield f"row {number}", with_label_names(row, features)
                except DataError as error:
                    yield f"row {number}", error


def splits_of(path: Path) -> list[str]:
    """Splits of a folder that a dictionary of data sets was saved to; empty for other folders."""
    if not (path / _SPLITS).is_file():
        return []
    return [str(split) for split in read_json(path / _SPLITS).get("splits", [])]


def _parts(folder: Path) -> list[Path]:
    """Parquet files of a folder without other data."""
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and not file.name.startswith((".", "README"))]
    tables = [file for file in files if content_suffix(file) == ".parquet"]
    return tables if len(tables) == len([file for file in files if file.name != INFO_FILE]) else []


def _of_one_split(files: list[Path], folder: Path) -> list[Path]:
    """The files; those of several splits are no table.

    Raises:
        DataError: names the splits.
    """
    splits = {found[0].lower(): file for file in reversed(files) if (found := _SPLIT.match(file.name))}
    if len(splits) > 1:
        names = ", ".join(sorted(splits))
        expected = f"files of one of them; name a file, such as {splits[min(splits)]}"
        raise DataError(f"found files of the splits {names}, expected {expected}", path=folder)
    return files


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    if splits := splits_of(path):
        raise DataError(f"found the splits {', '.join(splits)}, expected one of them, as in {path / splits[0]}", path=path)
    if not (path / _STATE).is_file():
        return _of_one_split(_parts(path), path)
    state = read_json(path / _STATE)
    try:
        return [path / str(file["filename"]) for file in state["_data_files"]]
    except (KeyError, TypeError):
        raise DataError("found no list _data_files", path=path / _STATE) from None


def _batches(file: Path) -> Iterator[tuple[Features, RecordBatch]]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        if content_suffix(file) == ".parquet":
            table = parquet.ParquetFile(file)
            features = _features(table.schema_arrow, file)
            yield from ((features, batch) for batch in table.iter_batches(_ROWS))
            return
        # The library writes the stream format; files of the random-access format begin with its name.
        with pa.OSFile(str(file)) as source:
            if source.read(6) == b"ARROW1":
                opened = pa.ipc.open_file(source)
                batches = (opened.get_batch(number) for number in range(opened.num_record_batches))
                yield from ((_features(opened.schema, file), batch) for batch in batches)
            else:
                source.seek(0)
                stream = pa.ipc.open_stream(source)
                features = _features(stream.schema, file)
                yield from ((features, batch) for batch in stream)
    except FileNotFoundError:
        raise file_not_found(file) from None
    except pa.ArrowException as error:
        raise DataError(f"found no {content_suffix(file)[1:].capitalize()} file ({error})", path=file) from None


def _features(schema: Schema, file: Path) -> Features:
    """Class labels in the schema's metadata, or otherwise in `dataset_info.json` in the same folder."""
    kept = (schema.metadata or {}).get(_METADATA)
    if kept is None:
        return features_of_folder(file)
    try:
        features = json.loads(kept)["info"]["features"]
    except (ValueError, KeyError, TypeError):
        raise DataError("found metadata of Hugging Face without features", path=file, field="huggingface") from None
    return features if isinstance(features, dict) else {}
