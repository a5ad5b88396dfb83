"""Source sentences."""

from __future__ import annotations

import json
from pathlib import Path

from loreweave.tasks.few_shot_ner.reader import FORMATS, labels_of, read


def test_sentences_and_classes(source_file: Path) -> None:
    found = read(source_file)
    assert len(found.records) == 16 and not found.skipped and not found.dropped
    assert labels_of(found.records) == ["O", "group", "person", "place"]
    assert found.records[0].id == "train:1" and set(FORMATS) > {"columns", "tokens", "annotated-text"}


def test_nested_mentions_are_counted(tmp_path: Path) -> None:
    entities = [{"start": 0, "end": 2, "type": "a"}, {"start": 0, "end": 1, "type": "b"}]
    (tmp_path / "a.jsonl").write_text(json.dumps({"tokens": ["x", "y"], "entities": entities}))
    found = read(tmp_path / "a.jsonl")
    assert found.records[0].spans == ((0, 2, "a"),) and found.dropped == {"mentions inside or across another": 1}


def test_columns_are_found_and_checked_as_for_ner(tmp_path: Path) -> None:
    path = tmp_path / "source.txt"
    path.write_text("1 Mia B_PER\n2 Hill I_PER\n\n1 Oslo B_LOC\n")
    found = read(path)
    assert [(record.tokens, record.spans) for record in found.records] == [
        (("Mia", "Hill"), ((0, 2, "PER"),)), (("Oslo",), ((0, 1, "LOC"),)),
    ]  # fmt: skip
    assert found.notes == [
        "words are in column 1 (from 0), because column 0 is an index", "tags in another spelling: 'B_PER' as 'B-PER'",
    ]  # fmt: skip
    path.write_text("Mia B-PER\n \tO\nHill I-PER\n\n \tO\n")
    found = read(path)
    assert [record.tokens for record in found.records] == [("Mia", "Hill")]
    assert found.dropped == {"blank tokens": 2} and found.unused == {"sentences of blank tokens alone": 1}
    path.write_text("Mia O\n")
    assert read(path).notes[0].startswith("NO MENTION in 1 sentence:")


def test_conllu_is_read(tmp_path: Path) -> None:
    path = tmp_path / "source.conllu"
    path.write_text("\t".join(["1", "Oslo", *"_" * 7, "NER=B-LOC"]) + "\n")
    assert read(path).records[0].spans == ((0, 1, "LOC"),)


def test_what_conllu_and_json_lose_and_spell_otherwise_is_said(tmp_path: Path) -> None:
    path = tmp_path / "source.conllu"
    rows = [["1", "Oslo", *"_" * 7, "name=B_LOC"], ["2", " ", *"_" * 8], ["3", "x", *"_" * 7, "Entity=(1-x)"]]
    path.write_text("\n".join(map("\t".join, rows)) + "\n")
    found = read(path)
    assert found.dropped == {"blank tokens": 1, "mentions whose fields no '# global.Entity' declares": 1}
    assert found.notes == [
        "mentions are read from name= in the last column", "tags in another spelling: 'B_LOC' as 'B-LOC'",
    ]  # fmt: skip
    path = tmp_path / "source.jsonl"
    path.write_text(json.dumps({"tokens": ["Mia", " ", "Li"], "tags": ["B_PER", "I_PER", "I_PER"]}))
    found = read(path)
    assert found.records[0].spans == ((0, 2, "PER"),) and found.dropped == {"blank tokens": 1}
    assert found.notes == ["tags in another spelling: 'B_PER' as 'B-PER'"]
