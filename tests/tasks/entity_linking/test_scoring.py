"""Metrics of entity linking, counted by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from task_jobs import silent

from loreweave.corpus.knowledge.entity_table import DescribedEntity, EntityTable
from loreweave.errors import DataError
from loreweave.experiments.report.prediction_rows import is_right
from loreweave.metrics.linking.cases import Label
from loreweave.tasks.contract import Execution
from loreweave.tasks.entity_linking.decision import Decision
from loreweave.tasks.entity_linking.reader import read
from loreweave.tasks.entity_linking.record import LinkingRecord
from loreweave.tasks.entity_linking.scoring import KnowledgeBase, score_found, score_outputs
from loreweave.tasks.jobs.evaluate import score_task
from loreweave.tasks.registry import load_task

TABLE = EntityTable(
    [DescribedEntity("Q1", "Oslo", title="Oslo", wikidata="Q585"), DescribedEntity("Q2"), DescribedEntity("Q3")]
)
RECORDS = [
    LinkingRecord("a", "oslo paris bonn rome", (Label(0, 4, "Q1"), Label(5, 10, "Q2"), Label(11, 15), Label(16, 20, "Q9"))),
    LinkingRecord("b", "oslo", (Label(0, 4, "oslo"),)),
    LinkingRecord("c", "nothing here"),
]


def test_accuracy_with_its_baselines() -> None:
    first = np.array([
        [0, 0, 0.9, 0.2], [0, 1, 0.1, 0.8],  # right by similarity, wrong by prior
        [1, 0, 0.9, 0.0], [1, 2, 0.5, 0.0],  # no name, and the right one is no candidate
        [3, 2, 0.5, 1.0],  # its entity is not in the table: NIL would be right
    ])  # fmt: skip
    second = np.array([[0, 0, 0.3, 0.6], [0, 1, 0.5, 0.4]])  # right by prior, wrong by similarity
    evaluation = score_outputs(RECORDS, [first, second], TABLE, Decision(similarity_weight=0, prior_weight=1))
    metrics = evaluation.metrics
    assert metrics["candidate_recall"] == pytest.approx(2 / 3)
    assert metrics["prior_accuracy"] == metrics["accuracy"] == pytest.approx(1 / 3)
    assert metrics["similarity_accuracy"] == pytest.approx(1 / 3)
    assert metrics["macro_accuracy"] == pytest.approx((0 / 2 + 1 / 1) / 2)
    assert metrics["accuracy_with_nil"] == pytest.approx(2 / 5)  # the right one, and the mention without candidates
    assert evaluation.tables["counts"] == [{"mentions": 5, "in_knowledge_base": 3, "unknown_entities": 1, "nil": 1}]
    assert "1 mention has no candidate and therefore no entity" in evaluation.notes
    assert any("1 mention has an entity outside the knowledge base" in note for note in evaluation.notes)
    row = evaluation.predictions[0]
    assert [(one["entity"], one["id"]) for one in row["gold"]] == [("Q1", "Q1"), ("Q2", "Q2"), ("NIL", None), ("Q9", None)]
    assert [(one["entity"], one["id"]) for one in evaluation.predictions[1]["gold"]] == [("oslo", "Q1")]
    assert [each["text"] for each in evaluation.predictions] == [record.text for record in RECORDS]
    assert row["predicted"][2] == {
        "start": 11, "end": 15, "mention": "bonn", "entity": "NIL", "probability": 1.0, "candidates": []
    }  # fmt: skip
    best = evaluation.predictions[1]["predicted"][0]
    assert (best["entity"], best["qid"], best["label"]) == ("Q1", "Q585", "Oslo") and best["probability"] == pytest.approx(0.6)
    assert [one["prior"] for one in best["candidates"]] == [0.6, 0.4] and evaluation.predictions[2]["predicted"] == []


GOLD = [
    {"id": "a", "text": "oslo and paris", "mentions": [{"start": 0, "end": 4, "entity": "Q1"}, {"start": 9, "end": 14}]},
    {"id": "b", "text": "oslo .", "mentions": [{"start": 0, "end": 4, "entity": "http://www.wikidata.org/entity/Q585"}]},
]


def score(tmp_path: Path, predictions: list[dict[str, Any]], *settings: str) -> tuple[dict[str, float], list[str], Any]:
    """Metrics, notes and tables."""
    for name, rows in (("gold", GOLD), ("found", predictions)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    task, paths = load_task("entity-linking"), [tmp_path / "gold.jsonl", tmp_path / "found.jsonl"]
    evaluation, results = score_task(task, *paths, settings=settings, execution=Execution(report=silent))
    return evaluation.metrics, results["notes"], evaluation.tables


def test_predictions_of_given_mentions(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "predicted": [{"start": 0, "end": 4, "entity": "Q1"}, {"start": 9, "end": 14, "entity": None}]},
        {"id": "b", "predicted": []},
    ]
    metrics, notes, _ = score(tmp_path, rows)
    assert metrics["accuracy"] == 0.5 and metrics["accuracy_with_nil"] == pytest.approx(2 / 3)
    assert "1 mention without a prediction, counted as wrong (NIL is a prediction with entity null)" in notes


def test_mentions_without_a_prediction_are_no_right_nil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = [{"start": 0, "end": 4}, {"start": 9, "end": 14}]
    gold = [{"id": id, "text": "oslo and paris", "mentions": places} for id in "abc"]
    monkeypatch.setitem(globals(), "GOLD", gold)
    metrics, notes, _ = score(tmp_path, [{"id": "a", "predicted": []}])
    assert metrics["accuracy_with_nil"] == metrics["nil_f1"] == 0
    assert any(note.startswith("6 mentions without a prediction, counted as wrong") for note in notes)
    metrics, _, _ = score(tmp_path, [{"id": "a", "predicted": [place | {"entity": None} for place in places]}])
    assert metrics["accuracy_with_nil"] == pytest.approx(2 / 6) and metrics["nil_f1"] == pytest.approx(2 * 2 / (6 + 2))


def test_titles_and_qids_meet_in_the_knowledge_base(tmp_path: Path) -> None:
    TABLE.save(tmp_path / "entities.jsonl")
    rows = [{"id": "a", "predicted": [{"start": 0, "end": 4, "entity": "Oslo"}]},
            {"id": "b", "predicted": [{"start": 0, "end": 4, "entity": "Oslo"}]}]  # fmt: skip
    assert score(tmp_path, rows, f"entities={tmp_path / 'entities.jsonl'}")[0]["accuracy"] == 1
    assert score(tmp_path, rows)[0]["accuracy"] == 0


@pytest.mark.parametrize("setting", ["mentions=given", "mentions=found"])
@pytest.mark.parametrize(
    ("gold", "guess", "right"),
    [
        ("Paris", "paris", True),
        ("https://en.wikipedia.org/wiki/Acetic_acid", "acetic acid", True),
        ("Paris", "Oslo", False),
        ("Paris", None, False),
        (None, None, True),
    ],
)
def test_without_a_table_reports_call_right_what_the_score_does(
    tmp_path: Path, setting: str, gold: str | None, guess: str | None, right: bool
) -> None:
    place = {"start": 0, "end": 4}
    (tmp_path / "gold.jsonl").write_text(json.dumps({"id": "a", "text": "oslo", "mentions": [place | {"entity": gold}]}))
    (tmp_path / "found.jsonl").write_text(json.dumps({"id": "a", "predicted": [place | {"entity": guess}]}))
    paths, execution = [tmp_path / "gold.jsonl", tmp_path / "found.jsonl"], Execution(report=silent)
    evaluation, _ = score_task(load_task("entity-linking"), *paths, settings=[setting], execution=execution)
    (row,) = evaluation.predictions
    assert is_right(row) is right and row["gold"][0]["entity"] == (gold or "NIL")
    if gold is not None:
        assert evaluation.metrics["accuracy" if setting == "mentions=given" else "micro_f1"] == right


def test_found_mentions(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "predicted": [{"start": 0, "end": 4, "entity": "Q1"}, {"start": 5, "end": 8, "entity": "Q7"}]},
        {"id": "b", "predicted": [{"start": 0, "end": 3, "entity": "Q585"}]},
    ]
    metrics, _, tables = score(tmp_path, rows, "mentions=found")
    assert metrics["micro_precision"] == pytest.approx(1 / 3) and metrics["micro_recall"] == 0.5
    assert metrics["micro_f1"] == pytest.approx(0.4)
    errors = {row["error"]: row["cases"] for row in tables["errors"]}
    assert errors["false_detection"] == 1  # "osl" lies in the word of its mention, so that only "and" is wrong
    assert metrics["elevant_f1"] == pytest.approx(2 * 2 / (2 + 1 + 2))


def test_strong_matching_leaves_out_optional_mentions(tmp_path: Path) -> None:
    labels = [{"id": 0, "span": [0, 4], "entity_id": "Q1"}, {"id": 1, "span": [9, 14], "entity_id": "Q2", "optional": True}]
    (tmp_path / "gold.jsonl").write_text(json.dumps({"id": 1, "text": "oslo and paris .", "labels": labels}) + "\n")
    rows = {"id": "1", "predicted": [{"start": 0, "end": 4, "entity": "Q1"}, {"start": 9, "end": 14, "entity": "Q2"}]}
    (tmp_path / "found.jsonl").write_text(json.dumps(rows) + "\n")
    paths = [tmp_path / "gold.jsonl", tmp_path / "found.jsonl"]
    evaluation, _ = score_task(
        load_task("entity-linking"), *paths, settings=["mentions=found"], execution=Execution(report=silent)
    )
    assert evaluation.metrics["micro_f1"] == evaluation.metrics["elevant_f1"] == 1


def test_predictions_need_places(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found.jsonl, line 1, field 'start': found nothing, expected an integer"):
        score(tmp_path, [{"id": "a", "predicted": [{"entity": "Q1"}]}])
    with pytest.raises(DataError, match="field 'entity': found 3, expected the name of an entity or null"):
        score(tmp_path, [{"id": "a", "predicted": [{"start": 0, "end": 4, "entity": 3}]}])


def test_predictions_without_the_field_entity_are_not_silently_nil(tmp_path: Path) -> None:
    place = {"start": 0, "end": 4}
    for setting in ("mentions=given", "mentions=found"):
        with pytest.raises(DataError, match="found.jsonl, field 'entity': found no predicted mention with it, expected an id"):
            score(tmp_path, [{"id": "a", "predicted": [place | {"label": "Q1"}]}], setting)
    rows = [{"id": "a", "mentions": [place | {"entity": "Q1"}, {"start": 9, "end": 14}]}, {"id": "b", "predicted": []}]
    metrics, notes, _ = score(tmp_path, rows)
    assert metrics["accuracy"] == 0.5 and "1 predicted mention has no field 'entity', counted as NIL" in notes


@pytest.mark.parametrize(("name", "told"), [("Oslo", True), ("NIL", False), ("Q1", False)])
def test_two_ways_to_name_entities_are_told(tmp_path: Path, name: str, told: bool) -> None:
    TABLE.save(tmp_path / "entities.jsonl")
    rows = [{"id": "a", "predicted": [{"start": 0, "end": 4, "entity": name}]}, {"id": "b", "predicted": []}]
    note = "no predicted entity is a gold entity: predicted are Oslo, gold are Q1, http://www.wikidata.org/entity/Q585"
    way_out = "; entities=FILE compares ids, titles and QIDs"
    for setting in ("mentions=given", "mentions=found"):
        assert (note + way_out in score(tmp_path, rows, setting)[1]) is told
        notes = score(tmp_path, rows, setting, f"entities={tmp_path / 'entities.jsonl'}")[1]
        assert not any("no predicted entity" in each for each in notes)


def test_predicted_mentions_lie_in_the_text_at_different_places(tmp_path: Path) -> None:
    beyond = [{"id": "b", "predicted": [{"start": 6, "end": 9, "entity": "Q1"}]}]
    for setting in ("mentions=found", "mentions=given"):
        with pytest.raises(DataError, match=r"found.jsonl, line 1, field 'predicted': found the span \(6, 9\) in a text of 6"):
            score(tmp_path, beyond, setting)
    twice = [{"id": "b", "predicted": [{"start": 0, "end": 4, "entity": name} for name in ("Q1", "Q2")]}]
    with pytest.raises(DataError, match=r"line 1, field 'predicted': found two predictions for the characters \(0, 4\) of 'b'"):
        score(tmp_path, twice)


def test_equal_predictions_at_one_place_count_once(tmp_path: Path) -> None:
    one = {"start": 0, "end": 4, "entity": "Q1"}
    rows = [{"id": "a", "predicted": [one, dict(one)]}, {"id": "b", "predicted": []}]
    assert score(tmp_path, rows)[0]["accuracy"] == 0.5
    assert score(tmp_path, rows, "mentions=found")[0]["micro_precision"] == 1


def test_predictions_outside_the_evaluated_part_do_not_count() -> None:
    record = LinkingRecord("a", "oslo and paris", (Label(0, 4, "Q1"),), evaluated=(0, 8))
    found = [{"start": 0, "end": 4, "entity": "Q1"}, {"start": 9, "end": 14, "entity": "Q2"}]
    metrics = score_found([record], [found], KnowledgeBase(), []).metrics
    assert metrics["micro_f1"] == metrics["elevant_f1"] == 1
    whole = replace(record, evaluated=None)
    assert score_found([whole], [found], KnowledgeBase(), []).metrics["micro_f1"] == pytest.approx(2 / 3)


def test_entities_outside_the_table_are_named() -> None:
    table = EntityTable([DescribedEntity("T0", "Velmora"), DescribedEntity("T1", "Greta", title="Greta")])
    names = ("Velmora", "greta", "b", "b", "c", "d", None)
    record = LinkingRecord("a", "x" * 9, tuple(Label(place, place + 1, name) for place, name in enumerate(names)))
    notes = score_outputs([record], [np.zeros((0, 4))], table, Decision()).notes
    assert (
        "5 mentions have entities outside the knowledge base (Velmora, b, c and 1 more), which counts as NIL: accuracy is that "
        "of the other mentions"
    ) in notes
    assert (
        "'Velmora' is outside the knowledge base, but the label of 'T0': entities are found by id, title or QID; add 'title' "
        "to the entities"
    ) in notes
    outside = replace(record, mentions=record.mentions[2:])
    assert not any("but the label" in note for note in score_outputs([outside], [np.zeros((0, 4))], table, Decision()).notes)


def test_documents_with_one_id_are_documents_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right, wrong = {"start": 0, "end": 4, "entity": "Q1"}, {"start": 0, "end": 4, "entity": "Q2"}
    first = {"id": "a", "text": "oslo and oslo", "mentions": [right, right | {"start": 9, "end": 13}]}
    monkeypatch.setitem(globals(), "GOLD", [first, {"id": "a", "text": "oslo .", "mentions": [right]}])
    rows = [{"id": "a", "predicted": first["mentions"]}, {"id": "a#2", "predicted": [wrong]}]
    metrics, _, _ = score(tmp_path, rows)
    assert metrics["accuracy"] == pytest.approx(2 / 3) and metrics["macro_accuracy"] == pytest.approx((1 + 0) / 2)
    found = read(tmp_path / "gold.jsonl")
    assert [record.id for record in found.records] == ["a", "a#2"]
    assert "1 document has the id of another; all are kept, and a number was added to the id: a#2" in found.notes
