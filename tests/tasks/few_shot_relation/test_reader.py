"""What a source is: relations, without the sentences of none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loreweave.errors import DataError
from loreweave.tasks.few_shot_relation import reader


def test_sentences_of_no_relation_are_counted(tmp_path: Path) -> None:
    pair = {"text": "Ann lives in Oslo", "head": {"start": 0, "end": 3}, "tail": {"start": 13, "end": 17}}
    rows = [{**pair, "label": label} for label in ("lives", "no_relation", "works", "OTHER")]
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    found = reader.read(path)
    assert reader.labels_of(found.records) == ["lives", "works"] and found.places == ["line 1", "line 3"]
    assert found.skipped == {"of no relation (no_relation)": 1, "of no relation (OTHER)": 1} and not found.left_out
    assert found.lost == [
        ("unused", "line 2: of no relation (no_relation)"), ("unused", "line 4: of no relation (OTHER)")
    ]  # fmt: skip


def test_real_fewrel(shared_data: Path) -> None:
    path = shared_data / "re_fewrel" / "val_wiki.json.gz"
    if not path.is_file():
        pytest.skip(f"no {path}: the data set was left out of LOREWEAVE_DATA")
    found = reader.read(path)
    labels = reader.labels_of(found.records)
    assert len(labels) == 16 and all(sum(r.label == label for r in found.records) == 700 for label in labels)


def test_a_file_without_records(tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_text("  ")
    with pytest.raises(DataError, match="found an empty file"):
        reader.read(tmp_path / "empty.json")


def test_documents_give_their_pairs_with_one_relation(tmp_path: Path) -> None:
    named = (("Ann", 0), ("Oslo", 3), ("Bob", 5))
    entities = [[{"name": name, "sent_id": 0, "pos": [place, place + 1]}] for name, place in named]
    facts = [(0, 1, "P551"), (0, 1, "P551"), (2, 1, "P19"), (2, 1, "P20"), (0, 2, "P26")]
    labels = [{"h": head, "t": tail, "r": label} for head, tail, label in facts]
    sentence = ["Ann", "lives", "in", "Oslo", "with", "Bob"]
    document = {"title": "Ann", "sents": [sentence], "vertexSet": entities, "labels": labels}
    (tmp_path / "train.json").write_text(json.dumps([document]))
    found = reader.read(tmp_path / "train.json")
    assert [(record.id, record.label) for record in found.records] == [("Ann:0-1", "P551"), ("Ann:0-2", "P26")]
    assert found.skipped == {"pair with several relations": 1} and found.places == ["record 1"] * 2
    assert found.dropped == {"repeated relations of a pair": 1}
    assert [line for kind, line in found.lost if kind == "unused"] == ["record 1: pair with several relations"]
    with pytest.raises(DataError, match="found a document with entities, expected 'text'"):
        reader.query(document, "0")
