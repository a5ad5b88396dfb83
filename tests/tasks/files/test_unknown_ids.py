"""Predictions without a gold record, and records without a prediction, in every task: counted and shown in the same words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from task_jobs import score

from loreweave.errors import DataError
from loreweave.tasks.registry import TASKS, load_task

Row = dict[str, Any]
TEXT = "Ann lives in Oslo ."
PLACES = [{"start": 0, "end": 3}, {"start": 13, "end": 17}]
TYPED = [span | {"label": "X"} for span in PLACES]
FEW_NER = {"support": {"word": [["Ann", "left"]], "label": [["person", "O"]]},
           "query": {"word": [["Bob", "left"]], "label": [["person", "O"]]}, "types": ["person"]}  # fmt: skip
SENTENCE = {"text": TEXT, "head": PLACES[0], "tail": PLACES[1], "label": "lives in"}
OTHER = {"text": "Bob works at bank .", "head": PLACES[0], "tail": PLACES[1], "label": "works at"}


class Case(NamedTuple):
    """Two gold records of a task, right predictions for both, and the names of their ids."""

    gold: Sequence[Row]
    predicted: Sequence[Any]
    ids: Sequence[Mapping[str, Any]] = ({"id": "1"}, {"id": "2"})
    unknown: Mapping[str, Any] = {"id": "9"}
    shown: str = "9"


EPISODES = ({"episode": 0}, {"episode": 1})
CASES = {
    "entity-typing": Case([{"text": TEXT, **PLACES[0], "labels": [name]} for name in ("a", "b")], [["a"], ["b"]]),
    "relation-classification": Case([SENTENCE, OTHER], ["lives in", "works at"]),
    "ner": Case([{"text": TEXT, "entities": [span]} for span in TYPED], [[span] for span in TYPED]),
    "text-classification": Case([{"text": "Good.", "label": "pos"}, {"text": "Bad.", "label": "neg"}], ["pos", "neg"]),
    "cloze-qa": Case(
        [{"text": TEXT, "query": "@placeholder is here", "candidates": PLACES, "answers": [name]} for name in ("Ann", "Oslo")],
        ["Ann", "Oslo"],
    ),
    "extractive-qa": Case(
        [{"question": "Who?", "context": TEXT, "answers": [name]} for name in ("Ann", "Oslo")], ["Ann", "Oslo"]
    ),
    "few-shot-ner": Case([FEW_NER] * 2, [[{"start": 0, "end": 1, "label": "person"}]] * 2, EPISODES, {"episode": 9}, "9/0"),
    "few-shot-relation": Case(
        [{"support": [SENTENCE, OTHER], "query": [SENTENCE]}, {"support": [SENTENCE, OTHER], "query": [OTHER]}],
        ["lives in", "works at"], EPISODES, {"episode": 9}, "9/0",
    ),
    "entity-linking": Case(
        [{"text": TEXT, "mentions": [span | {"entity": "Q1"}]} for span in PLACES],
        [[span | {"entity": "Q1"}] for span in PLACES],
    ),
    "latent-types": Case(
        [{"text": TEXT, "entities": [span | {"label": name}]} for span, name in zip(PLACES, "ab", strict=True)],
        [[span | {"type": kind}] for kind, span in enumerate(PLACES, 1)],
    ),
    "fact-probing": Case(
        [{"relation": "r", "text": "[MASK] .", "object": name} for name in ("Oslo", "Rome")], [["Oslo"], ["Rome"]]
    ),
}  # fmt: skip
WITHOUT_RECORDS = {
    "link-prediction": "lists answer questions; tests/tasks/link_prediction/test_ranked_lists.py counts unknown ones"
}


def test_every_task_has_a_case() -> None:
    assert {*CASES, *WITHOUT_RECORDS} == set(TASKS)


@pytest.mark.parametrize("name", CASES)
def test_what_has_no_partner_is_counted_and_nothing_in_common_is_an_error(name: str, tmp_path: Path) -> None:
    case, task = CASES[name], load_task(name)

    def write(file: str, rows: Sequence[Mapping[str, Any]]) -> Path:
        path = tmp_path / file
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    gold = write("gold.jsonl", case.gold)
    right: list[Row] = [{**id, "predicted": value} for id, value in zip(case.ids, case.predicted, strict=True)]
    stranger = {**case.unknown, "predicted": case.predicted[0]}
    whole, _ = score(task, gold, write("whole.jsonl", right))
    assert whole.metrics[task.metric] == 1 and not any("prediction" in note for note in whole.notes)

    more, _ = score(task, gold, write("more.jsonl", [right[0], stranger, right[1]]))
    assert more.metrics == whole.metrics
    assert f"1 prediction is not scored, because its id is not in the gold file: {case.shown}" in more.notes

    fewer, _ = score(task, gold, write("fewer.jsonl", right[:1]))
    assert any(note.startswith("no prediction for 1 of 2 ") and "counted as wrong" in note for note in fewer.notes)
    if name != "latent-types":  # a type that is never seen is no mistake of the others
        assert fewer.metrics[task.metric] < 1

    with pytest.raises(DataError, match=f"none.jsonl: found no prediction for any of 2 .*; the ids are {case.shown}, expected"):
        score(task, gold, write("none.jsonl", [stranger]))
