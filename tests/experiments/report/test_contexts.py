"""Errors of questions have the text around both answers, and say why it is missing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from made_runs import finetuning_run, report_table
from task_jobs import silent

import loreweave
from loreweave.experiments.report.prediction_rows import excerpt
from loreweave.training.runs.record import RunRecord

CONTEXT = "DTU was founded in 1829. " + "It has many students . " * 20 + "The campus lies in Lyngby, north of Copenhagen."


def question_run(folder: Path, rows: list[dict[str, Any]], task: str = "extractive-qa") -> RunRecord:
    """A run on questions, whose data are in `dev.jsonl` beside it."""
    data = folder.parent / "dev.jsonl"
    answers = [{"text": "Lyngby", "answer_start": CONTEXT.index("Lyngby")}]
    data.write_text(json.dumps({"id": "q", "question": "Where?", "context": CONTEXT, "answers": answers}) + "\n")
    content = f"dev.jsonl sha256:{hashlib.sha256(data.read_bytes()).hexdigest()}"
    record = finetuning_run(folder, task=task, data={"train": "train.jsonl sha256:1", "dev": content})
    for path in (record.path / "predictions").iterdir():
        path.unlink()
    (record.path / "predictions" / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    results = json.loads((record.path / "results.json").read_text())
    (record.path / "results.json").write_text(json.dumps({**results, "test": {}, "tables": {}}))
    status = json.loads((record.path / "status.json").read_text())
    (record.path / "status.json").write_text(
        json.dumps({**status, "directory": str(folder.parent), "files": {"dev": "dev.jsonl"}})
    )
    return record


ROW: dict[str, Any] = {"id": "q", "question": "Where?", "predicted": "1829", "start": 19, "end": 23, "gold": ["Lyngby"]}


def test_errors_have_the_text_around_both_answers(tmp_path: Path) -> None:
    question_run(tmp_path / "run", [ROW])
    report = loreweave.report(tmp_path / "run", output=tmp_path / "report", figures=["errors"], tell=silent).path
    (row,) = report_table(report, "errors")
    assert row["question"] == "Where?"
    assert row["text"].startswith("DTU was founded in [1829]. It has many") and " ... " in row["text"]
    assert row["text"].endswith("The campus lies in {Lyngby}, north of Copenhagen.") and len(row["text"]) < len(CONTEXT)
    assert "gold answer {in braces}" in (report / "index.html").read_text()


def test_without_the_data_the_reason_is_told(tmp_path: Path) -> None:
    question_run(tmp_path / "run", [ROW])
    data = tmp_path / "dev.jsonl"
    data.write_text(data.read_text() + "\n")
    for reason in (f"{data} is not the file on which the run was scored", f"there is no file {data}"):
        found = loreweave.report(tmp_path / "run", output=tmp_path / "report", figures=["errors"], tell=silent, overwrite=True)
        assert f"The texts with the answers are not shown: {reason}." in (found.path / "index.html").read_text()
        assert report_table(found.path, "errors")[0]["question"] == "Where?"
        data.unlink(missing_ok=True)


def test_errors_of_gaps_have_sentence_and_passage(tmp_path: Path) -> None:
    row = {
        "id": "c",
        "text": "Ann met Bob in Oslo.",
        "query": "@placeholder was met.",
        "predicted": "Ann",
        "start": 0,
        "end": 3,
    }
    question_run(tmp_path / "run", [row | {"gold": ["Bob"]}], task="cloze-qa")
    report = loreweave.report(tmp_path / "run", output=tmp_path / "report", figures=["errors"], tell=silent).path
    (found,) = report_table(report, "errors")
    assert (found["question"], found["text"]) == ("@placeholder was met.", "[Ann] met {Bob} in Oslo.")


def test_excerpts() -> None:
    assert excerpt("a b c", {"predicted": "b", "gold": ["b c"]}) == "a [b] c", "one in the other is marked once"
    assert excerpt("a b c", {"predicted": "", "gold": []}) == "a b c"
    assert excerpt("a b a", {"predicted": "a", "start": 4, "end": 5, "gold": "x"}) == "a b [a]"
    assert excerpt("b" + "x" * 300, {"predicted": None, "gold": ["b"]}) == "{b}" + "x" * 120 + " ..."
    assert excerpt("x" * 300 + "b", {"predicted": "b", "gold": None}) == "... " + "x" * 120 + "[b]"


def test_the_reason_for_no_figure_of_lengths(tmp_path: Path) -> None:
    for rows, reason in (
        ([ROW], "there are too few texts of different lengths (words: 1)"),
        ([ROW | {"gold": None}], "the predictions have no gold answers"),
        ([{"id": "q", "gold": "a", "predicted": "b"}], "the predictions have no texts"),
        ([], "no finished run has predictions"),
    ):
        runs = tmp_path / str(len(reason))
        question_run(runs, rows)
        names = ["scores", "lengths"]
        found = loreweave.report(runs, output=tmp_path / "report", figures=names, tell=silent, overwrite=True)
        assert list(found.left_out.values()) == [{"lengths": reason}]
