"""Parquet files, Arrow files and saved data sets, with the names of their class labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from loreweave.corpus.files.tables import is_table, splits_of, table_rows
from loreweave.errors import DataError

ROWS: list[dict[str, Any]] = [{"tokens": ["Mia", "left"], "ner_tags": [1, 0]}, {"tokens": ["Leo"], "ner_tags": [1]}]
NAMED = [{"tokens": ["Mia", "left"], "ner_tags": ["B-PER", "O"]}, {"tokens": ["Leo"], "ner_tags": ["B-PER"]}]


def data_set() -> Any:
    from datasets import ClassLabel, Dataset, Features, Sequence, Value

    features = Features({"tokens": Sequence(Value("string")), "ner_tags": Sequence(ClassLabel(names=["O", "B-PER"]))})
    return Dataset.from_list(ROWS, features=features)


def rows_of(path: Path) -> list[Any]:
    return [row for _, row in table_rows(path)]


def test_what_the_library_itself_writes(tmp_path: Path) -> None:
    from datasets import DatasetDict

    data = data_set()
    data.save_to_disk(str(tmp_path / "saved"))
    data.to_parquet(str(tmp_path / "a.parquet"))
    DatasetDict({"train": data, "test": data}).save_to_disk(str(tmp_path / "splits"))
    arrow = next((tmp_path / "saved").glob("*.arrow"))
    for path in (tmp_path / "saved", tmp_path / "a.parquet", tmp_path / "splits" / "test", arrow):
        assert is_table(path) and rows_of(path) == NAMED, path
    assert splits_of(tmp_path / "splits") == ["train", "test"] and splits_of(tmp_path / "saved") == []
    with pytest.raises(DataError, match="found the splits train, test, expected one of them"):
        rows_of(tmp_path / "splits")


def test_a_table_without_names_keeps_numbers_and_names_beside_it_count(tmp_path: Path) -> None:
    table = pa.Table.from_pylist(ROWS)
    parquet.write_table(table, tmp_path / "a.parquet")
    assert rows_of(tmp_path / "a.parquet") == ROWS
    feature = {"feature": {"names": ["O", "B-PER"], "_type": "ClassLabel"}, "_type": "Sequence"}
    (tmp_path / "dataset_info.json").write_text(json.dumps({"features": {"ner_tags": feature}}))
    assert rows_of(tmp_path / "a.parquet") == NAMED
    assert is_table(tmp_path) and rows_of(tmp_path) == NAMED, "a folder of Parquet files alone"


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["train-00000-of-00002", "train-00001-of-00002"], None),
        (["0000", "0001"], None),
        (["testing", "trainer"], None),
        (["train-00000-of-00001", "test-00000-of-00001", "validation-00000-of-00001"], "test, train, validation"),
        (["Dev", "train_1", "train_2"], "dev, train"),
    ],
)
def test_a_folder_of_parquet_files_is_one_split(names: list[str], splits: str | None, tmp_path: Path) -> None:
    for name in names:
        data_set().to_parquet(str(tmp_path / f"{name}.parquet"))
    assert is_table(tmp_path)
    if splits is None:
        assert rows_of(tmp_path) == NAMED * len(names)
    else:
        with pytest.raises(DataError, match=rf"found files of the splits {splits}, expected files of one of them; name a file"):
            rows_of(tmp_path)


def test_the_random_access_format(tmp_path: Path) -> None:
    table = pa.Table.from_pylist(ROWS)
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    assert rows_of(tmp_path / "a.arrow") == ROWS


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    for name in ("a.parquet", "a.arrow"):
        (tmp_path / name).write_text("Mia B-PER\n")
        with pytest.raises(DataError, match=f"{name}: found no"):
            rows_of(tmp_path / name)
    with pytest.raises(DataError, match="file not found"):
        rows_of(tmp_path / "b.parquet")
    assert not is_table(tmp_path / "a.txt")
