"""Facts of documents to DocRED's numbers, and every file of predictions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.relation_classification.document_scoring import predicted_facts, score_documents, score_fact_file
from loreweave.tasks.relation_classification.scoring import Kept, answer, score, score_predictions
from loreweave.tasks.relation_classification.settings import RelationScoring
from loreweave.tasks.relations.document import Entity, Fact, RelationDocument
from loreweave.tasks.relations.record import RelationRecord

TEXT = "Zeltron was founded by Mia Brandt in Oslo. Brandt left."
ENTITIES = (
    Entity(((0, 7),), ("Zeltron",)), Entity(((23, 33), (43, 49)), ("Mia Brandt", "Brandt")), Entity(((37, 41),), ("Oslo",)),
)  # fmt: skip
FIRST = RelationDocument("A", TEXT, ENTITIES, (Fact(0, 1, "P112"), Fact(0, 2, "P159"), Fact(0, 2, "P17")), title="A")
SECOND = RelationDocument("B", TEXT, ENTITIES, (Fact(1, 2, "P19"),), title="B")
GOLD = [FIRST, SECOND]
SHOWN = {("Zeltron", "P112", "Brandt"), ("Zeltron", "P17", "Mia Brandt"), ("Oslo", "P159", "Zeltron")}
"""The first gold fact only, by the second name of its tail."""


def test_ign_f1_by_hand() -> None:
    """Four gold facts; four predictions, two of them right, one of these shown."""
    guesses: list[dict[Fact, float | None]] = [
        {Fact(0, 1, "P112"): None, Fact(0, 2, "P159"): None, Fact(2, 0, "P159"): None}, {Fact(1, 2, "P17"): None},
    ]  # fmt: skip
    found = score_documents(GOLD, guesses, SHOWN)
    assert (found.metrics["micro_precision"], found.metrics["micro_recall"], found.metrics["micro_f1"]) == (0.5, 0.5, 0.5)
    assert found.metrics["ign_precision"] == 1 / 3 and found.metrics["ign_f1"] == pytest.approx(2 / 3 * 0.5 / (1 / 3 + 0.5))
    assert found.tables["facts"] == [{"gold": 4, "predicted": 4, "correct": 2, "shown_in_training": 1}]
    by_label = {row["label"]: (row["gold"], row["predicted"], row["correct"]) for row in found.tables["per_label"]}
    assert by_label == {"P112": (1, 1, 1), "P159": (1, 2, 1), "P17": (1, 1, 0), "P19": (1, 0, 0)}
    assert found.metrics["macro_recall"] == 2 / 4
    assert [row["id"] for row in found.predictions] == ["A", "B"]
    assert found.predictions[1]["predicted"] == [
        {"head": 1, "tail": 2, "label": "P17", "head_name": "Mia Brandt", "tail_name": "Oslo"}
    ]
    without = score_documents(GOLD, guesses, None)
    assert "ign_f1" not in without.metrics and without.notes == ["ign_f1 needs the facts of the training file: train=FILE"]


def test_relations_above_the_threshold_of_their_pair() -> None:
    margins = np.full((6, 2), -1.0)
    margins[1] = 0.0, np.log(3.0)  # the pair of the first and the third entity
    assert FIRST.pairs[1] == (0, 2)
    assert predicted_facts(FIRST, margins, ["P159", "P17"]) == {Fact(0, 2, "P17"): 0.75}
    found = score([FIRST], [margins], ["P159", "P17"], None, Kept(facts=lambda: {("Zeltron", "P17", "Oslo")}))
    assert found.metrics["micro_precision"] == 1.0 and found.metrics["ign_precision"] == 0.0
    (row,) = answer([replace(FIRST, facts=None)], [margins], ["P159", "P17"])
    assert row["predicted"] == [
        {"head": 0, "tail": 2, "label": "P17", "head_name": "Zeltron", "tail_name": "Oslo", "probability": 0.75}
    ]


def test_hidden_relations_are_not_scored() -> None:
    with pytest.raises(DataError, match="found 1 of 2 documents without relations, .*'loreweave predict'"):
        score_documents([FIRST, replace(SECOND, facts=None)], [{}, {}], None)


OFFICIAL = [
    {"title": "A", "h_idx": 0, "t_idx": 1, "r": "P112", "evidence": [0]}, {"title": "A", "h_idx": 0, "t_idx": 2, "r": "P159"},
    {"title": "A", "h_idx": 0, "t_idx": 2, "r": "P159"}, {"title": "B", "h_idx": 1, "t_idx": 9, "r": "P17"},
    {"title": "C", "h_idx": 0, "t_idx": 1, "r": "P17"},
]  # fmt: skip


def write(path: Path, rows: list[Any], lines: bool = False) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)) if lines else json.dumps(rows))
    return path


@pytest.mark.parametrize("lines", [False, True])
def test_the_official_layout(tmp_path: Path, lines: bool) -> None:
    """Four different predictions, two right; of four gold facts."""
    found = score_fact_file(GOLD, write(tmp_path / "result.json", OFFICIAL, lines), SHOWN)
    assert found.metrics["micro_precision"] == 2 / 4 and found.metrics["micro_recall"] == 2 / 4
    assert found.metrics["ign_precision"] == 1 / 3
    assert found.notes[1:] == [
        "1 prediction for documents that are not in the gold file, counted as wrong: 'C'",
        "1 repeated prediction, counted once",
        "1 prediction with entities that are not in the document, counted as wrong",
    ]


def test_what_an_evaluation_writes_scores_the_same(tmp_path: Path) -> None:
    guesses: list[dict[Fact, float | None]] = [{Fact(0, 1, "P112"): 0.9, Fact(2, 1, "P17"): 0.6}, {}]
    written = score_documents(GOLD, guesses, None)
    again = score_fact_file(GOLD, write(tmp_path / "test.jsonl", written.predictions, lines=True), None)
    assert again.metrics == written.metrics and again.predictions == written.predictions


def test_facts_of_pairs_of_mentions(tmp_path: Path) -> None:
    """A model of documents (`multi_label=true`) may have been trained on texts with two mentions and one relation."""
    spans = (((0, 7), (23, 33), "P112"), ((0, 7), (37, 41), "P159"), ((23, 33), (37, 41), "no_relation"))
    pairs = [RelationRecord(str(number), TEXT, *each) for number, each in enumerate(spans)]
    margins = [np.array([[-1.0, *row]]) for row in ([2.0, -1.0], [1.0, 1.0], [-1.0, 3.0])]
    found = score(pairs, margins, ["no_relation", "P112", "P159"])
    assert (found.metrics["micro_precision"], found.metrics["micro_recall"]) == (0.5, 1.0)
    path = tmp_path / "predicted.jsonl"
    path.write_text("\n".join(map(json.dumps, found.predictions)))
    scored = score_predictions(pairs, path)
    assert scored.metrics == {name: value for name, value in found.metrics.items() if not name.startswith("ign")}
    assert scored.predictions == found.predictions


def test_facts_of_the_training_file(tmp_path: Path) -> None:
    train = tmp_path / "train.json"
    sentence = {"title": "T", "sents": [["Zeltron", "Brandt"]], "labels": [{"h": 0, "t": 1, "r": "P112"}]}
    entities = [[{"name": "Zeltron", "sent_id": 0, "pos": [0, 1]}], [{"name": "Brandt", "sent_id": 0, "pos": [1, 2]}]]
    train.write_text(json.dumps([sentence | {"vertexSet": entities}]))
    found = score_predictions(GOLD, write(tmp_path / "result.json", OFFICIAL[:2]), RelationScoring(train=train))
    assert found.metrics["micro_f1"] == pytest.approx(2 / 3) and found.metrics["ign_precision"] == 1.0
    assert found.tables["facts"][0]["shown_in_training"] == 1


def test_settings_that_would_make_no_difference_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "result.json", OFFICIAL[:2])
    with pytest.raises(ConfigurationError, match="setting 'no_label': pairs of documents without a relation have no label"):
        score_predictions(GOLD, path, RelationScoring(no_label="NA"))
    (tmp_path / "labels.txt").write_text("lives\n")
    record = RelationRecord("0", TEXT, (0, 7), (37, 41), "lives")
    with pytest.raises(ConfigurationError, match="setting 'train': Ign F1 is for documents"):
        score_predictions([record], tmp_path / "labels.txt", RelationScoring(train=path))


def test_titles_that_repeat_need_ids(tmp_path: Path) -> None:
    gold = [FIRST, replace(SECOND, id="A#2", title="A")]
    with pytest.raises(DataError, match="record 1, field 'title': found 'A', the title of 2 documents, .* 'A', 'A#2'"):
        score_fact_file(gold, write(tmp_path / "a.json", OFFICIAL[:1]), None)
    rows = [{"id": "A#2", "predicted": [{"head": 1, "tail": 2, "label": "P19"}]}]
    assert score_fact_file(gold, write(tmp_path / "b.json", rows), None).metrics["micro_recall"] == 1 / 4
    written = score_documents(gold, [{Fact(0, 1, "P112"): None}, {Fact(1, 2, "P19"): None}], None)
    again = score_fact_file(gold, write(tmp_path / "c.jsonl", written.predictions, lines=True), None)
    assert again.metrics["micro_precision"] == 1.0 and again.metrics["micro_recall"] == 2 / 4


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"title": "A", "h_idx": "0", "t_idx": 1, "r": "P"}], "record 1, field 'h_idx': found '0', expected an integer"),
        ([OFFICIAL[0], {"h_idx": 0, "t_idx": 1, "r": "P"}], "record 2, field 'title': found null"),
        ([{"title": "A", "relation": "P"}], "record 1: found the keys title, relation, expected"),
        ([{"title": "Q", "h_idx": 0, "t_idx": 1, "r": "P"}], "found predictions for 'Q' only, expected titles or ids"),
    ],
)
def test_wrong_predictions_are_named(tmp_path: Path, rows: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        score_fact_file(GOLD, write(tmp_path / "a.json", rows), None)


def test_nothing_predicted_is_no_error(tmp_path: Path) -> None:
    assert score_fact_file(GOLD, write(tmp_path / "a.json", []), SHOWN).metrics["ign_f1"] == 0.0
