"""Scores of any system's answers, counted by hand, and those of our own files of predictions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from task_jobs import evaluate

from loreweave.cli.main import main
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.contract import Execution
from loreweave.tasks.jobs.evaluate import score_task
from loreweave.tasks.registry import load_task

TASK = load_task("fact-probing")
GOLD: list[dict[str, Any]] = [
    {
        "id": "1",
        "text": "Ann lives in [MASK].",
        "subject": "Ann",
        "object": "Oslo",
        "relation": "r",
        "aliases": ["Christiania"],
    },
    {"id": "2", "text": "Bob lives in [MASK].", "subject": "Bob", "object": "Paris", "relation": "r"},
    {"id": "3", "text": "Bob lives in [MASK].", "subject": "Bob", "object": "Rome", "relation": "r"},
    {"id": "4", "text": "Mia is a [MASK].", "subject": "Mia", "object": "nurse", "relation": "s"},
]


def score(gold: Path, rows: list[Any], *settings: str) -> Any:
    path = gold.with_name("predictions.jsonl")
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return score_task(TASK, gold, path, settings=["bootstrap=0", *settings], execution=Execution(report=lambda line: None))


ANSWERS = [
    {"id": "1", "predicted": ["bergen", {"text": "christiania", "probability": 0.3}]},
    {"id": "2", "predicted": [{"label": "Rome"}, {"title": "Paris"}]},
    {"id": "4", "predicted": "Nurse"},
]


def test_ranks_in_lists(write: Any) -> None:
    found, results = score(write(GOLD), ANSWERS)
    assert found.metrics["p_at_1"] == 2 / 4, "Rome is right for Bob too, and is removed before Paris"
    assert found.metrics["mrr"] == pytest.approx((1 / 2 + 1 + 0 + 1) / 4)
    assert found.notes[0] == "no prediction for 1 of 4 records, counted as wrong: 3"
    assert results["records"] == 4 and found.metrics["majority_p_at_1"] == 2 / 4, "Oslo is no answer for Bob"
    assert found.tables["per_relation"][0]["majority"] == "Oslo"


def test_what_counts_as_right_can_be_chosen(write: Any) -> None:
    assert score(write(GOLD), ANSWERS, "filtered=false")[0].metrics["p_at_1"] == 1 / 4
    assert score(write(GOLD), ANSWERS, "aliases=false")[0].metrics["mrr"] == pytest.approx((0 + 1 + 0 + 1) / 4)
    assert score(write(GOLD), ANSWERS, "ignore_case=false")[0].metrics["p_at_1"] == 1 / 4
    left, results = score(write(GOLD), ANSWERS, "missing=left_out")
    assert left.metrics["p_at_1"] == 2 / 3 and results["records"] == 3 and results["read"] == 4
    assert left.notes[0] == "no prediction for 1 of 4 records, left out: 3"


def test_other_right_objects_are_removed_under_all_of_their_names(write: Any) -> None:
    """Bob's Paris is found after Rome under another name, and after Oslo."""
    names = {"aliases": ["Roma"], "other_objects": [{"object": "Milan", "aliases": ["Milano"]}]}
    rows = [row | (names if row["id"] == "3" else {}) for row in GOLD]
    answers = [{"id": "2", "predicted": ["roma", "Oslo", "Paris"]}, {"id": "3", "predicted": ["Milano", "Paris", "Roma"]}]
    found, _ = score(write(rows), answers, "missing=left_out")
    assert found.metrics["mrr"] == pytest.approx((1 / 2 + 1) / 2)
    assert score(write(rows), answers, "missing=left_out", "filtered_aliases=false")[0].metrics["mrr"] == pytest.approx(5 / 12)
    with pytest.raises(ConfigurationError, match="filtered_aliases"):
        score(write(rows), answers, "filtered=false", "filtered_aliases=false")


def test_short_lists_are_noted(write: Any) -> None:
    found, _ = score(write(GOLD), ANSWERS)
    assert found.notes[1] == "the shortest list of answers has 1: objects that are not in their list count as not found"
    full = [{"id": row["id"], "predicted": [f"word {n}" for n in range(10)]} for row in GOLD]
    behind = "not in the list of answers, whose rank counts as infinite: mrr is lower than with all answers"
    assert score(write(GOLD), full)[0].notes == [f"4 objects are {behind}"]
    for row, fact in zip(full, GOLD[:3], strict=False):
        row["predicted"][9] = fact["object"]
    assert score(write(GOLD), full)[0].notes == [f"1 object is {behind}"]
    full[3]["predicted"][0] = GOLD[3]["object"]
    assert score(write(GOLD), full)[0].notes == []


def test_the_same_numbers_for_our_own_predictions(known_bert: Path, write: Any, tmp_path: Path) -> None:
    rows = [
        {"relation": "r", "template": "[X] lives in [Y] .", "subject": subject, "object": name}
        for subject, name in (("Ann", "Paris"), ("Bob", "Oslo"), ("Bob", "Paris"), ("Mia", "bank"))
    ]
    gold = write(rows)
    found, _ = evaluate(TASK, known_bert, gold, output=tmp_path / "out", settings=["bootstrap=0"])
    again, _ = score_task(
        TASK, gold, tmp_path / "out" / "predictions" / "facts.jsonl", settings=["bootstrap=0"],
        execution=Execution(report=lambda line: None),
    )  # fmt: skip
    assert again.metrics == pytest.approx(found.metrics) and found.metrics["p_at_1"] == 3 / 4


@pytest.mark.parametrize("unknown", [0, 1, 2, 3])
def test_our_own_predictions_for_facts_with_the_same_ids(known_bert: Path, write: Any, tmp_path: Path, unknown: int) -> None:
    """One of the facts is not asked, so that it has no row."""
    rows = [
        {"id": str(n % 2), "relation": f"r{n // 2}", "template": "[X] lives in [Y] .", "subject": str(n), "object": name}
        for n, name in enumerate(("Paris", "Oslo", "bank", "Paris"))
    ]
    rows[unknown]["object"] = "New Paris"
    gold = write(rows)
    found, _ = evaluate(TASK, known_bert, gold, output=tmp_path / "out", settings=["bootstrap=0"])
    again, _ = score_task(
        TASK, gold, tmp_path / "out" / "predictions" / "facts.jsonl", settings=["bootstrap=0", "missing=left_out"],
        execution=Execution(report=lambda line: None),
    )  # fmt: skip
    assert again.metrics == pytest.approx(found.metrics) and len(found.predictions) == 3
    assert again.tables["per_relation"] == found.tables["per_relation"]


def test_predictions_with_the_repeated_ids_of_the_gold_file(write: Any) -> None:
    """They are all facts, in order, as before numbers were added to ids."""
    gold = write([row | {"id": "7"} for row in GOLD])
    names = ["Oslo", "Bergen", "Rome", "nurse"]
    found, _ = score(gold, [{"id": "7", "predicted": [name]} for name in names])
    assert found.metrics["p_at_1"] == 3 / 4
    with pytest.raises(DataError, match="gold records with the same id .the first is '7'., so predictions must be all of them"):
        score(gold, [{"id": "7", "predicted": [name]} for name in names[:3]])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": "1"}, "line 1, field 'predicted': found nothing, expected a list"),
        ({"id": "1", "predicted": [1]}, "field 'predicted'|expected an object"),
        (
            {"id": "1", "predicted": [{"score": 1}]},
            "field 'predicted': found .\"score\": 1., expected a name or an object with text",
        ),
        ({"id": "9", "predicted": []}, "no prediction for any of 4 records; the ids are 9, expected those of the gold file"),
    ],
)
def test_bad_predictions_are_named(write: Any, row: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        score(write(GOLD), [row])


def test_the_command(write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    gold = write(GOLD)
    predictions = gold.with_name("p.jsonl")
    predictions.write_text("".join(f"{json.dumps(row)}\n" for row in ANSWERS))
    assert main(["score", "fact-probing", "--gold", str(gold), "--predictions", str(predictions), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["p_at_1"] == 0.5
