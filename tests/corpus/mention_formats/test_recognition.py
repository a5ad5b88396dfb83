"""Each format is recognised by its own example and by nothing else; all say the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.mention_formats import MENTION_FORMATS, first_mention_row, mention_format, recognised_mentions
from loreweave.errors import DataError

OF_JSON = [name for name in MENTION_FORMATS if name not in ("spacy", "brat")]


def write(folder: Path, content: Any, name: str = "a.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def recognised(path: Path) -> str | None:
    return recognised_mentions(path, first_mention_row(path))


@pytest.mark.parametrize("name", OF_JSON)
def test_the_example_of_a_format_is_recognised_and_read(tmp_path: Path, name: str) -> None:
    format = MENTION_FORMATS[name]
    path = write(tmp_path, format.example)
    assert recognised(path) == name
    texts = [item for _, row in format.rows(path) for item in format.texts(row, "1") if isinstance(item, AnnotatedText)]
    (text,) = texts
    assert text.text.startswith("Mia") and text.surface(text.mentions[0]) in ("Mia", "Mia Brandt")


ROWS: dict[str, tuple[Any, str]] = {
    "doccano without mentions": ({"id": 1, "text": "Mia", "label": []}, "doccano"),
    "doccano of before": ({"id": 1, "text": "Mia", "labels": [[0, 3, "PER"]], "meta": {}}, "doccano"),
    "doccano with data": ({"id": 1, "data": "Mia", "label": [[0, 3, "PER"]]}, "doccano"),
    "doccano with relations": ({"text": "Mia", "entities": [], "relations": [], "Comments": []}, "doccano"),
    "Label Studio": ({"id": 1, "data": {"text": "Mia"}, "annotations": []}, "label-studio"),
    "Label Studio of before": ({"id": 1, "data": {"text": "Mia"}, "completions": [{"result": []}]}, "label-studio"),
    "JSON-MIN of another key": ({"review": "Mia", "ner": [{"start": 0, "end": 3, "labels": ["PER"]}]}, "label-studio"),
    "Prodigy without spans": ({"text": "Mia", "_input_hash": 1, "answer": "reject"}, "prodigy"),
    "GLiNER with tokens": ({"tokens": ["Mia", "left"], "ner": [[0, 0, "PER"]]}, "gliner"),
    "tokens with ner": ({"tokens": ["Mia", "left"], "ner": [[0, 2, "PER"]]}, "tokens"),
    "tags under ner": ({"tokens": ["Mia", "left"], "ner": ["B-PER", "O"]}, "tokens"),
    "tokens beside the text": ({"text": "Mia left", "tokens": ["Mia", "left"], "ner_tags": [1, 0]}, "tokens"),
    "words and tags": ({"words": ["Mia", "left"], "labels": ["B-PER", "O"]}, "tokens"),
    "plain text": ({"text": "Mia"}, "annotated-text"),
    "spans": ({"text": "Mia", "spans": [{"start": 0, "end": 3, "label": "PER"}]}, "entities"),
    "spaCy's Doc.to_json": ({"text": "Mia", "ents": [{"start": 0, "end": 3, "label": "PER"}], "sents": []}, "entities"),
    "the same with tokens": ({"text": "Mia", "ents": [], "tokens": [{"id": 0, "start": 0, "end": 3}]}, "prodigy"),
    "pairs with null first": ([None, ["Mia", {"entities": []}]], "spacy-pairs"),
}


@pytest.mark.parametrize("case", ROWS)
def test_rows_of_every_kind(tmp_path: Path, case: str) -> None:
    row, name = ROWS[case]
    assert recognised(write(tmp_path, row if isinstance(row, list) else [row])) == name


def test_pairs_wrapped_by_an_annotator(tmp_path: Path) -> None:
    assert recognised(write(tmp_path, {"classes": ["PER"], "annotations": [None, ["Mia", {"entities": [[0, 3, "PER"]]}]]})) == (
        "spacy-pairs"
    )


def test_a_file_that_may_be_either_asks(tmp_path: Path) -> None:
    row = {"text": "Mia left", "tokens": ["Mia", "left"], "entities": [{"start": 0, "end": 1, "type": "PER"}]}
    with pytest.raises(DataError, match="whose format can be tokens or entities; choose one, such as --format tokens"):
        recognised(write(tmp_path, [row]))


def test_ends_that_nothing_shows_to_be_included_or_not_are_nobodys(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="use --format gliner .they are. or --format tokens .they are not."):
        recognised(write(tmp_path, [{"tokens": ["Mia", "B", "left"], "ner": [[0, 1, "PER"]]}]))
    assert recognised(write(tmp_path, [{"tokens": ["Mia"], "ner": []}])) == "tokens", "without any span they are one"
    rows = [{"tokens": ["Mia", "B"], "ner": [[0, 0, "PER"]]}, {"tokens": ["Mia", "B"], "ner": [[0, 2, "PER"]]}]
    with pytest.raises(DataError, match=r"end included \(record 1\) and one with its end excluded \(record 2\), expected one"):
        recognised(write(tmp_path, rows))


def test_nothing_else_is_recognised(tmp_path: Path) -> None:
    assert recognised(write(tmp_path, [{"question": "Who?"}])) is None
    assert recognised(write(tmp_path, [3])) is None


def test_names_with_utf16() -> None:
    assert mention_format("entities:utf16") is not None and mention_format("brat") is MENTION_FORMATS["brat"]
    assert mention_format("tokens:utf16") is None and mention_format("other:utf16") is None
