"""`loreweave.load`."""

from __future__ import annotations

from pathlib import Path

import pytest

import loreweave
from loreweave.errors import CheckpointError, ConfigurationError, DataError
from loreweave.tasks.entity_typing.model import EntityTypingConfig, build
from loreweave.tasks.jobs.predictor import Predictor
from loreweave.tasks.registry import load_task
from loreweave.tasks.relation_classification.model import RelationConfig
from loreweave.tasks.relation_classification.model import build as build_relations


@pytest.fixture
def saved(tiny_luke: Path, tmp_path: Path) -> Path:
    build(str(tiny_luke), ["person", "place"], EntityTypingConfig()).save_pretrained(tmp_path)
    return tmp_path


def test_answers_are_grouped_by_text(saved: Path) -> None:
    predictor = loreweave.load(saved, device="cpu")
    assert predictor.labels == ["person", "place"]
    texts = ["Ann lives in Oslo .", "the river is long", "Bob"]
    answers = predictor.predict(texts, mentions=[[(0, 3), (13, 17)], [], [(0, 3)]])
    assert [[answer["mention"] for answer in group] for group in answers] == [["Ann", "Oslo"], [], ["Bob"]]
    (row,) = predictor.predict_rows([{"text": texts[0], "start": 0, "end": 3}])
    assert row["probabilities"] == pytest.approx(answers[0][0]["probabilities"], abs=1e-5)


def test_mentions_in_brackets_answer_as_given_mentions(saved: Path) -> None:
    predictor = loreweave.load(saved, device="cpu")
    texts, places = ["Ann lives in Oslo .", "Bob"], [[(0, 3), (13, 17)], [(0, 3)]]
    given = predictor.predict(texts, mentions=places)
    assert predictor.predict(["<Ann> lives in <Oslo> .", "<Bob>"]) == given
    ((labelled,),) = predictor.predict(["<Bob|person>"])
    assert labelled["labels"] == ["person"] and labelled["text"] == "Bob"
    assert predictor.predict(texts, mentions=[[], []]) == [[], []]


def test_a_text_without_a_mention_is_refused_unless_that_is_said(saved: Path) -> None:
    predictor = loreweave.load(saved, device="cpu")
    for text, found in (("Ann lives in Oslo", "a text without a mention"), ("Ann > Bob", "'>' without '<' before it")):
        with pytest.raises(DataError, match=rf"text 1: found {found}.*, or mentions=\[\[\(0, 3\), \(13, 17\)\]\]"):
            predictor.predict(["<Ann> left.", text])


def test_wrong_requests(saved: Path, tiny_bert: Path) -> None:
    predictor = loreweave.load(saved, device="cpu")
    with pytest.raises(DataError, match="a list of texts"):
        predictor.predict("Ann")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="mentions for 1 text, expected 2"):
        predictor.predict(["Ann", "Bob"], mentions=[[(0, 3)]])
    with pytest.raises(DataError, match="span"):
        predictor.predict(["Ann"], mentions=[[(0, 9)]])
    with pytest.raises(DataError, match="query 1"):
        predictor.predict_rows([{"text": "Ann"}])
    with pytest.raises(CheckpointError, match=r"the task of this model is unknown; give task= \(one of"):
        loreweave.load(tiny_bert)
    with pytest.raises(ConfigurationError, match="predict entity-typing has no data="):
        loreweave.load(saved, task="entity-typing", data=saved)
    with pytest.raises(ConfigurationError, match=r"load has no option 'threshold'; .* is given as settings={'threshold': ...}"):
        loreweave.load(saved, threshold=0.5)


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("extractive-qa", "expected a dict with question, context, or a pair of these texts"),
        ("cloze-qa", "expected a dict with text, query, candidates: "),
    ],
)
def test_a_text_alone_is_refused_with_what_a_query_has(task: str, expected: str) -> None:
    predictor = Predictor(load_task(task), answerer=lambda rows: iter(()))  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=f"text 1: found a text, {expected}"):
        predictor.predict([{}, "Mia lives in Oslo."])


def test_relations_take_a_head_and_a_tail(tiny_luke: Path, tmp_path: Path) -> None:
    build_relations(str(tiny_luke), ["no_relation", "lives"], RelationConfig()).save_pretrained(tmp_path)
    predictor = loreweave.load(tmp_path, device="cpu")
    texts = ["Ann lives in Oslo .", "the river is long"]
    (answers, none) = predictor.predict(texts, mentions=[[(13, 17), (0, 3)], []])
    assert none == [] and [answers[0][end]["mention"] for end in ("head", "tail")] == ["Oslo", "Ann"]
    assert predictor.predict(["<Oslo> has <Ann> ."]) == predictor.predict(["Oslo has Ann ."], mentions=[[(0, 4), (9, 12)]])
    for text, places in ((texts[0], [[(0, 3)]]), ("<Ann> lives in Oslo .", None)):
        with pytest.raises(DataError, match="text 0: found 1 mention, expected two: head and tail"):
            predictor.predict([text], mentions=places)
    question = {"text": texts[0], "head": {"start": 13, "end": 17}, "tail": {"start": 0, "end": 3}}
    (row,) = predictor.predict_rows([question])
    assert row["probabilities"] == pytest.approx(answers[0]["probabilities"], abs=1e-5)
