"""Names of class labels in each way that files say them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loreweave.corpus.class_labels import names_of, read_label_names
from loreweave.errors import DataError

LABEL = {"names": ["O", "B"], "_type": "ClassLabel"}


@pytest.mark.parametrize(
    "feature", [LABEL, {"feature": LABEL, "_type": "Sequence"}, {"feature": LABEL, "_type": "List"}, [LABEL]]
)
def test_names_of_a_column(feature: object) -> None:
    assert names_of(feature) == ["O", "B"]
    assert names_of({"dtype": "int64", "_type": "Value"}) is None


@pytest.mark.parametrize(
    "content",
    ["O\nB-PER\n\n", json.dumps(["O", "B-PER"]), json.dumps({"1": "B-PER", "0": "O"}), json.dumps({"O": 0, "B-PER": 1}),
     json.dumps({"id2label": {"0": "O", "1": "B-PER"}, "hidden_size": 3}, indent=2), json.dumps({"names": ["O", "B-PER"]})],
)  # fmt: skip
def test_label_files(tmp_path: Path, content: str) -> None:
    (tmp_path / "labels").write_text(content)
    assert read_label_names(tmp_path / "labels") == ["O", "B-PER"]


def test_a_class_in_brackets_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "labels").write_text("[PAD]\r\nO\r\nB-PER \r\n")  # CoNLL-2003 of many old BERT scripts
    assert read_label_names(tmp_path / "labels") == ["[PAD]", "O", "B-PER"]


@pytest.mark.parametrize(
    ("content", "message"),
    [("O\n\nB\n", "line 2: found a blank line"), ("O\nB\nO\n", "line 3: found the label 'O' a second time"),
     ('["O", "O"]', "labels: found the label 'O' a second time"), ("\n", "found no name of a label"),
     ('{"1": "O", "2": "B"}', "found the numbers 1, 2, expected 0 to 1"), ("[1, 2]", "expected a list of names")],
)  # fmt: skip
def test_files_that_name_no_labels(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "labels").write_text(content)
    with pytest.raises(DataError, match=message):
        read_label_names(tmp_path / "labels")
