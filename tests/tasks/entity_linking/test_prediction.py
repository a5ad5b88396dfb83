"""Queries and answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from linking_world import ENTITIES, ROWS, write
from task_jobs import evaluate, silent

import loreweave
from loreweave.errors import DataError
from loreweave.tasks.entity_linking import evaluation
from loreweave.tasks.registry import load_task

TASK = load_task("entity-linking")


def test_prediction_finds_names_or_takes_mentions(run: Any) -> None:
    predictor = run.predictor(device="cpu")
    found, given, none = predictor.predict(
        ["Ann lives in Oslo's centre. Paris", "ann lives in Oslo .", "he lives ."], mentions=[[], [(4, 9)], []]
    )
    assert [(one["start"], one["end"], one["mention"]) for one in found] == [(13, 17, "Oslo"), (28, 33, "Paris")]
    assert found[1]["entity"] == "Q3" and 0 < found[1]["probability"] <= 1
    assert found[0]["entity"] in ("Q1", "Q2") and len(found[0]["candidates"]) == 2
    assert given[0]["mention"] == "lives" and none == []


def test_a_new_entity_can_be_linked_at_once(run: Any, tmp_path: Path) -> None:
    new = write(tmp_path / "new.jsonl", [{"id": "Q9", "label": "Bonn", "description": "a long river"}])
    row = {"text": "ann lives in Bonn ."}
    before = loreweave.load(tmp_path / "run", device="cpu").predict_rows([row])
    after = loreweave.load(tmp_path / "run", device="cpu", settings={"added_entities": str(new)}).predict_rows([row])
    assert before[0]["predicted"] == []
    assert [(one["entity"], one["qid"], one["start"]) for one in after[0]["predicted"]] == [("Q9", "Q9", 13)]


def test_an_added_entity_needs_a_new_id(run: Any, tmp_path: Path) -> None:
    again = write(tmp_path / "again.jsonl", [ENTITIES[0]])
    with pytest.raises(DataError, match=r"again.jsonl, field 'id': found 1 id that the checkpoint has too \(Q1\), expected"):
        loreweave.load(tmp_path / "run", device="cpu", settings={"added_entities": str(again)})


def test_a_text_without_mentions_is_refused_on_request(run: Any, tmp_path: Path) -> None:
    predictor = loreweave.load(tmp_path / "run", device="cpu", settings={"mentions": "given"})
    with pytest.raises(DataError, match="query 1: field 'mentions': found a text without mentions"):
        predictor.predict_rows([{"text": ROWS[0]["text"]}])


def test_the_score_of_nil_can_be_given(run: Any, data: Path, tmp_path: Path) -> None:
    rows = [{"text": ROWS[3]["text"], "mentions": [{"start": 13, "end": 17}]}]
    for nil, entities in ((1e6, {"NIL"}), (-1e6, {"Q1", "Q2"})):
        settings = {"nil": nil}
        (answer,) = loreweave.load(tmp_path / "run", device="cpu", settings=settings).predict_rows(rows)
        assert {one["entity"] for one in answer["predicted"]} <= entities
        scored, results = evaluate(TASK, tmp_path / "run", data, settings=[f"nil={nil}"])
        assert results["decision"]["nil"] == nil and (scored.metrics["accuracy"] == 0) == (nil > 0)


def test_a_checkpoint_of_ner_finds_the_mentions(
    run: Any, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = tmp_path / "ner.txt"
    columns.write_text("ann O\nlives O\nin O\noslo B-LOC\n. O\n\n" * 8)
    settings = {"epochs": 12, "batch_size": 4, "gradient_accumulation_steps": 1, "device": "cpu"}
    rate = {"optimizer": {"learning_rate": 1e-2}}
    loreweave.finetune("ner", tiny_bert, train=columns, output=tmp_path / "ner", report=silent, **settings, **rate)  # type: ignore[arg-type]
    row = {"text": "ann lives in oslo ."}
    assert loreweave.load(tmp_path / "run", device="cpu").predict_rows([row])[0]["predicted"] == []  # no capital letter
    opened = Mock(side_effect=evaluation.load)
    monkeypatch.setattr(evaluation, "load", opened)
    predictor = loreweave.load(tmp_path / "run", device="cpu", settings={"ner": str(tmp_path / "ner")})
    predictor.predict_rows([row])
    (answer,) = predictor.predict_rows([row])
    assert opened.call_count == 1  # not again for each block of queries
    assert [(one["start"], one["end"]) for one in answer["predicted"]] == [(13, 17)]
