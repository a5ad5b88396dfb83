"""A record whose id is null or empty has none, in the files and the queries of every task."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from loreweave.tasks.contract import Reading
from loreweave.tasks.files.predictions import align, json_predictions
from loreweave.tasks.jobs.queries import Answerer
from loreweave.tasks.registry import load_training

MIA, ACME = {"start": 0, "end": 3}, {"start": 12, "end": 16}
TEXT, TOKENS = "Mia founded Acme.", ["Mia", "founded", "Acme"]
PASSAGE = {"text": "Mia left Oslo.", "entities": [{"start": 0, "end": 2}, {"start": 9, "end": 12}]}
SPANS = [{"start": 0, "end": 3}, {"start": 9, "end": 13}]
ENTITIES = [{"mentions": [MIA]}, {"mentions": [ACME]}]
VERTICES = [[{"name": "Mia", "sent_id": 0, "pos": [0, 1]}], [{"name": "Acme", "sent_id": 0, "pos": [2, 3]}]]
PLACES = {"subj_start": 0, "subj_end": 0, "obj_start": 2, "obj_end": 2}
RELATIONS = {"mentions": [MIA, ACME], "metadata": {"relations": [{"head": 0, "tail": 1, "label": "r"}]}}

CASES: list[tuple[str, str, str, Any]] = [
    ("relation-classification", "pairs", "2", {"text": TEXT, "head": MIA, "tail": ACME, "label": "r"}),
    ("relation-classification", "tacred", "2", {"token": TOKENS, "relation": "r", **PLACES}),
    ("relation-classification", "kepler", "2", {"token": TOKENS, "h": {"pos": [0, 1]}, "t": {"pos": [2, 3]}, "relation": "r"}),
    ("relation-classification", "knowledgenet", "2", {"text": TEXT, "subject": MIA, "object": ACME, "property": "r"}),
    ("relation-classification", "annotated-text", "2:0", {"text": TEXT, **RELATIONS}),
    ("relation-classification", "documents", "2", {"text": TEXT, "entities": ENTITIES, "relations": []}),
    ("relation-classification", "docred", "2", {"title": None, "sents": [TOKENS], "vertexSet": VERTICES, "labels": []}),
    ("entity-typing", "ernie", "2", {"text": TEXT, **MIA, "labels": ["person"]}),
    ("ner", "annotated-text", "2", {"text": TEXT, "mentions": [MIA | {"label": "PER"}]}),
    ("ner", "entities", "2", {"text": TEXT, "entities": [MIA | {"label": "PER"}]}),
    ("ner", "tokens", "2", {"tokens": TOKENS, "tags": ["B-PER", "O", "O"]}),
    ("entity-linking", "annotated-text", "2", {"text": TEXT, "mentions": [MIA | {"entity": "Mia"}]}),
    ("entity-linking", "elevant", "2", {"text": TEXT, "labels": [{"id": 0, "span": [0, 3], "entity_id": "Q1"}]}),
    ("text-classification", "json", "2", {"text": TEXT, "label": "x"}),
    ("extractive-qa", "questions", "2", {"question": "Who?", "context": TEXT, "answers": ["Mia"]}),
    (
        "cloze-qa",
        "cloze",
        "2",
        {"text": "Mia left Oslo.", "query": "@placeholder went.", "candidates": SPANS, "answers": ["Mia"]},
    ),
    ("cloze-qa", "record", "2/1", {"passage": PASSAGE, "qas": [{"query": "@placeholder went.", "id": None, "answers": []}]}),
]


@pytest.mark.parametrize("id", [None, ""])
@pytest.mark.parametrize(("task", "format", "expected", "row"), CASES, ids=[f"{task}-{format}" for task, format, *_ in CASES])
def test_records_without_an_id_have_their_number(
    task: str, format: str, expected: str, row: dict[str, Any], id: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in (row, {"id": id} | row)), encoding="utf-8")
    read = load_training(task).records(path, Reading(format=format))
    assert [record.id for record in read.records] == [expected.replace("2", "1", 1), expected]


@pytest.mark.parametrize(
    ("module", "row"),
    [
        ("ner.reader", {"text": TEXT}),
        ("entity_typing.reader", {"text": TEXT, **MIA}),
        ("entity_linking.reader", {"text": TEXT}),
        ("text_classification.prediction", {"text": TEXT}),
        ("relations.files", {"text": TEXT, "head": MIA, "tail": ACME}),
        ("extractive_qa.prediction", {"question": "Who?", "context": TEXT}),
        ("cloze_qa.reader", {"text": "Mia left Oslo.", "query": "@placeholder went.", "candidates": SPANS}),
    ],
)
def test_queries_without_an_id_have_their_number(module: str, row: dict[str, Any]) -> None:
    query = import_module(f"loreweave.tasks.{module}").query
    assert [record.id for record in query(row | {"id": None}, "7")] == ["7"]


def test_answers_to_queries_with_a_null_id_have_the_number_of_the_query() -> None:
    answerer = Answerer(lambda row, id: id, lambda asked: [[{"id": id, "predicted": "x"}] for id in asked])
    rows = [("line 1", {"id": 5}), ("line 2", {"id": None, "page": 3}), ("line 3", {"id": ""})]
    assert list(answerer(rows)) == [
        {"id": 5, "predicted": "x"}, {"id": "2", "predicted": "x", "page": 3}, {"id": "3", "predicted": "x"},
    ]  # fmt: skip


def test_predictions_whose_ids_are_null_are_in_the_order_of_the_records(tmp_path: Path) -> None:
    path = tmp_path / "predicted.jsonl"
    path.write_text('{"id": null, "predicted": "a"}\n{"id": null, "predicted": "b"}\n', encoding="utf-8")
    rows = json_predictions(path, lambda row: str(row["predicted"]))
    assert align(rows, ["1", "2"], path) == (["a", "b"], [])
