"""The tables of errors, and the files that captions name."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from made_runs import WRONG, finetuning_run, report_table
from task_jobs import silent

import loreweave
from loreweave.experiments.report.prediction_rows import around, short


def test_errors_are_those_of_the_run_with_the_best_dev_score_most_certain_first(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "runs" / "best", dev=(0.9,), logits=WRONG)
    finetuning_run(tmp_path / "runs" / "other", seed=1, dev=(0.1,))
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["errors"], tell=silent).path
    rows = report_table(report, "errors")
    assert [(row["id"], row["gold"], row["predicted"]) for row in rows] == [("3", "person", "place"), ("1", "place", "thing")]
    assert rows[0]["most likely"] == f"place {np.exp(4) / (np.exp(4) + 2):.2f}, person 0.02, thing 0.02"


def test_captions_name_files_that_exist(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "runs" / "a", logits=WRONG)
    finetuning_run(tmp_path / "runs" / "b", task="ner")
    for path in (tmp_path / "runs" / "b" / "predictions").glob("*.npz"):
        path.unlink()
    for number, runs in enumerate(("runs", "runs/a", "runs/b")):
        output = tmp_path / f"report-{number}"
        path = loreweave.report(tmp_path / runs, output=output, figures=["errors"], tell=silent).path
        page = re.sub("<[^>]+>", " ", (path / "index.html").read_text().partition("<script>")[0])
        named = set(re.findall(r"[\w*]+/[\w*./]+\.(?:jsonl|csv)", page))
        assert named and all((path / name).is_file() for name in named), named
        assert "*" not in page and ("probabilities" in page) == (runs != "runs/b")


def test_answers_of_several_annotators_are_shown_once_and_questions_have_lengths(tmp_path: Path) -> None:
    record = finetuning_run(tmp_path / "runs" / "a", task="extractive-qa")
    for path in (record.path / "predictions").iterdir():
        path.unlink()
    rows = [
        {"id": str(number), "question": " ".join(["who"] * (number + 1)), "gold": gold, "predicted": "Ann"}
        for number, gold in enumerate((["Ann", "Ann Lee"], ["Bob", "Bob", "Bob"], ["Ann"], ["Oslo", "oslo", "Oslo"]))
    ]
    (record.path / "predictions" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["errors", "lengths"], tell=silent).path
    assert [row["gold"] for row in report_table(report, "errors")] == ["Bob", "Oslo, oslo"]
    assert [(row["words"], float(row["exactly right"])) for row in report_table(report, "lengths")] == [
        ("1", 1.0), ("2", 0.0), ("3", 1.0), ("4", 0.0),
    ]  # fmt: skip
    page = (report / "index.html").read_text()
    assert '<a href="tables/errors.jsonl">' in page and "probabilities" not in page, "this task has none"
    assert '<th scope="col">predicted</th>' in page and "most likely" not in page, "a column without values is left out"


def test_errors_of_link_prediction_are_triples_by_their_worst_rank(tmp_path: Path) -> None:
    record = finetuning_run(tmp_path / "runs" / "a", task="link-prediction")
    for path in (record.path / "predictions").iterdir():
        path.unlink()
    rows = [
        {"head": f"h{number}", "relation": "r", "tail": "t"} | {
            f"{side}_rank": {"optimistic": rank, "realistic": rank, "pessimistic": rank, "candidates": 9}
            for side, rank in (("head", head), ("tail", tail)) if rank
        }
        for number, (head, tail) in enumerate(((1, 1), (2, 7.5), (None, 9), (1, 2)))
    ]  # fmt: skip
    (record.path / "predictions" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["errors"], tell=silent).path
    found = [tuple(row.values()) for row in report_table(report, "errors")]
    assert [(row[0], row[3], row[4], row[5]) for row in found] == [
        ("h2", "", "9", "9"), ("h1", "2", "7.5", "9"), ("h3", "1", "2", "9"),
    ]  # fmt: skip
    assert "3 of 4 triples" in (report / "index.html").read_text()


def test_spans_of_tokens_are_shown_as_text(tmp_path: Path) -> None:
    tokens = ["Bert", "left", "New", "York"]
    span = {"start": 2, "end": 4, "label": "city"}
    rows = [{"episode": 0, "sentence": 0, "tokens": tokens, "gold": [span], "predicted": [span | {"start": 3}]}]
    assert [short(rows[0][name], rows[0]) for name in ("gold", "predicted")] == ["New York (city)", "York (city)"]
    assert short([{"start": 0, "end": 4, "mention": "Bert", "label": "person"}]) == "Bert (person)"
    assert short([span]) == "2 4 (city)", "without tokens the place"
    assert around(rows[0]) == "Bert left New York" and around({"question": "Who?", "text": ""}) == "Who?"
    assert around({"episode": 1, "query": 3, "gold": "P26", "predicted": "P25"}) == "", "a number is no text"
