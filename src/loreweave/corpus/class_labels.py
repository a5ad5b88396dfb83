"""Class labels of Hugging Face data sets: numbers that stand for names, in each way of storing the names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loreweave.corpus.counts import counted
from loreweave.corpus.files.reading import open_text, read_json
from loreweave.corpus.files.strict_json import in_json
from loreweave.errors import DataError

Features = Mapping[str, Any]
"""Column -> its type, as the library writes it: {"names": [...], "_type": "ClassLabel"}, alone or in a list."""

NO_LABEL = -1
"""Number for a missing class, in splits whose labels are not published."""
INFO_FILE = "dataset_info.json"
_BRACKETED = re.compile(r"\[[^\W\d]\w*\]")
"""Name of a class of special tokens, such as [PAD]; it is not a JSON list."""


def names_of(feature: Any) -> list[str] | None:
    """Names of a column of class labels, or of lists of them; None for any other column."""
    while isinstance(feature, Mapping | list):
        if isinstance(feature, list):
            feature = feature[0] if len(feature) == 1 else None
        elif isinstance(names := feature.get("names"), list) and feature.get("_type") == "ClassLabel":
            return [str(name) for name in names]
        else:
            feature = feature.get("feature")
    return None


def features_of_list(features: Sequence[Any]) -> dict[str, Any]:
    """The features in the format of the data set server: [{"name", "type"}]."""
    return {str(each["name"]): each["type"] for each in features if isinstance(each, Mapping) and {"name", "type"} <= set(each)}


def info_file_of(path: Path) -> Path | None:
    """`dataset_info.json` in the file's folder; None if there is none."""
    file = path.parent / INFO_FILE
    return file if file.is_file() else None


def features_of_folder(path: Path) -> Features:
    """The features in `dataset_info.json` in the file's folder; empty if there is none."""
    file = info_file_of(path)
    if file is None:
        return {}
    info = read_json(file)
    features = info.get("features") if isinstance(info, Mapping) else None
    return features if isinstance(features, Mapping) else {}


def with_label_names(row: dict[str, Any], features: Features) -> dict[str, Any]:
    """The row with names instead of the numbers of its class labels; `NO_LABEL` alone becomes null.

    Raises:
        DataError: a number has no name.
    """
    names = {column: found for column in row if (found := names_of(features.get(column))) is not None}
    if not names:
        return row
    return row | {
        column: None if row[column] == NO_LABEL else _named(row[column], found, column) for column, found in names.items()
    }


def _named(value: Any, names: Sequence[str], column: str) -> Any:
    if isinstance(value, list):
        return [_named(each, names, column) for each in value]
    if type(value) is not int:
        return value
    return name_of(value, names, column)


UNUSED_NAMES = "--tag-names is not used: the labels of the file are names already, not numbers"
"""Note about a file that is read with names of numbers and has no numbers."""


def name_of(number: int, names: Sequence[str], column: str) -> str:
    """Name of a class by its number.

    Raises:
        DataError: the number is outside the names.
    """
    if number == NO_LABEL:
        raise DataError(
            f"found {NO_LABEL}, which stands for 'no label' where labels are not published; read a split that has labels, or "
            "skip such records with --skip-bad",
            field=column,
        )
    if not 0 <= number < len(names):
        known = f"{counted(len(names), 'name')}: {', '.join(names)}"
        raise DataError(f"found the number {number}, expected that of one of {known}", field=column)
    return names[number]


def read_label_names(path: Path) -> list[str]:
    """Names of classes by number: a text file with one name per line, or JSON.

    JSON may be a list of names, an object of number -> name or name -> number, or an object with one of these under `names`,
    `id2label` or `label2id`, such as the `config.json` of a model.

    Raises:
        DataError: there are no names, a name is repeated, or the numbers are not 0, 1, 2, ....
    """
    with open_text(path) as file:
        lines = [line.strip() for line in file]
    while lines and not lines[-1]:
        lines.pop()
    head = next(filter(None, lines), "")
    is_json = head[:1] in ("[", "{") and not _BRACKETED.fullmatch(head)
    names = _names_of_json(read_json(path), path) if is_json else lines
    if not names:
        raise DataError("found no name of a label", path=path)
    for number, name in enumerate(names, 1):
        line = None if is_json else number
        if not name:
            raise DataError("found a blank line, expected the name of a label", path=path, line=line)
        if name in names[: number - 1]:
            raise DataError(f"found the label {name!r} a second time, expected each name once", path=path, line=line)
    return names


def _names_of_json(value: Any, path: Path) -> list[str]:
    if isinstance(value, Mapping):
        value = next((value[key] for key in ("id2label", "names", "label2id") if key in value), value)
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return list(value)
    if isinstance(value, Mapping) and all(type(number) is int for number in value.values()):
        value = {str(number): name for name, number in value.items()}
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value.values()):
        expected = [str(number) for number in range(len(value))]
        if set(map(str, value)) == set(expected):
            return [value[number] for number in expected]
        found = ", ".join(map(str, value))
        raise DataError(f"found the numbers {found}, expected 0 to {len(value) - 1}, each once", path=path)
    raise DataError(f"found {in_json(value)}, expected a list of names, or an object of number -> name", path=path)
