"""Sentences with typed mentions, whatever the form of the file."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from loreweave.corpus.entity_annotations import FORMATS, read_entity_annotations
from loreweave.corpus.tokens import tagged_sentence
from loreweave.errors import ConfigurationError, DataError

TOKENS = ["Ann", "Hill", "sang"]
ROWS: dict[str, str] = {
    "columns": "Ann\tB-PER\nHill\tI-PER\nsang\tO\n",
    "tokens": json.dumps({"tokens": TOKENS, "entities": [{"start": 0, "end": 2, "type": "PER"}]}),
    "annotated-text": json.dumps({"id": "1", "text": "Ann Hill sang", "mentions": [{"start": 0, "end": 8, "label": "PER"}]}),
}


def file_of(folder: Path, format: str) -> Path:
    path = folder / f"{format}{'.txt' if format == 'columns' else '.jsonl'}"
    path.write_text(ROWS[format])
    return path


@pytest.mark.parametrize("format", ROWS)
def test_each_format_is_recognised_and_says_the_same(tmp_path: Path, format: str) -> None:
    (text,) = read_entity_annotations(file_of(tmp_path, format))
    sentence = tagged_sentence(text, Counter())
    assert list(sentence.tokens) == TOKENS and sentence.spans == ((0, 2, "PER"),)
    assert read_entity_annotations(tmp_path / file_of(tmp_path, format).name, format) == [text]


def test_tags_of_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"tokens": TOKENS, "ner_tags": ["B-PER", "I-PER", "O"], "id": 7, "doc": "d"}))
    (text,) = read_entity_annotations(path)
    assert text.id == "7" and text.metadata["doc"] == "d" and text.surface(text.mentions[0]) == "Ann Hill"


def test_a_folder_of_brat_is_one_data_set_and_what_is_lost_is_counted(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ann Hill sang")
    (tmp_path / "a.ann").write_text("T1\tPER 0 8\tAnn Hill\nT2\tPER 0 3;9 13\tAnn sang\n")
    dropped = Counter[str]()
    (text,) = read_entity_annotations(tmp_path, dropped=dropped)
    assert text.id == "a" and text.surface(text.mentions[0]) == "Ann Hill" and dropped == {"mentions of several parts": 1}
    assert set(FORMATS) > {"brat", "gliner", "spacy"}


def test_a_folder_is_all_its_files(tmp_path: Path) -> None:
    for format in ROWS:
        file_of(tmp_path, format)
    (tmp_path / "README.md").write_text("not data")
    assert len(read_entity_annotations(tmp_path)) == 3


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"tokens": TOKENS}, "field 'entities': found nothing, expected a list"),
        ({"tokens": TOKENS, "tags": ["O"]}, "field 'tags': found 1 tag for 3 tokens"),
        ({"tokens": "Ann", "tags": ["O"]}, "found the keys tokens, tags, expected columns or tokens or"),
        ({"tokens": TOKENS, "entities": [{"start": 0}]}, "field 'end': found nothing, expected an integer"),
        ({"tokens": TOKENS, "entities": [{"start": 2, "end": 4, "type": "x"}]}, "span (2, 4) in 3 tokens"),
        ({"support": {}, "query": {}}, "found episodes (support and query), expected annotated sentences"),
        ({"words": TOKENS}, "found the keys words, expected columns or tokens or annotated-text"),
    ],
)
def test_a_broken_record_is_named(tmp_path: Path, row: dict[str, object], message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row))
    with pytest.raises(DataError) as caught:
        read_entity_annotations(path)
    assert message in str(caught.value) and "a.jsonl, line 1" in str(caught.value)


def test_unknown_formats_and_empty_places(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="unknown format 'xml'"):
        read_entity_annotations(tmp_path, "xml")
    with pytest.raises(DataError, match="found no file"):
        read_entity_annotations(tmp_path)
    (tmp_path / "a.txt").write_text("\n")
    with pytest.raises(DataError, match="found no sentence"):
        read_entity_annotations(tmp_path / "a.txt")


def test_nested_mentions_of_real_text_are_counted(shared_data: Path) -> None:
    texts, dropped = read_entity_annotations(shared_data / "entity_gum" / "dev.jsonl.gz"), Counter[str]()
    sentences = [tagged_sentence(text, dropped) for text in texts]
    kept = sum(len(sentence.spans) for sentence in sentences)
    assert len(texts) == 438 and kept + dropped.total() == sum(len(text.mentions) for text in texts)
    assert set(dropped) <= {"mentions inside or across another"} and dropped.total() > 0
