"""`loreweave predict` as a command: texts, folders and pipes, errors in their place, exit statuses."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_encoders import make_tiny_bert
from transformers import AutoConfig, AutoTokenizer, BertForTokenClassification

from loreweave.cli.main import main
from loreweave.tasks.ner.model import build
from loreweave.tasks.ner.settings import NerConfig


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An untrained model of NER on disk."""
    folder = tmp_path_factory.mktemp("ner")
    build(str(make_tiny_bert(tmp_path_factory.mktemp("bert"))), ["LOC", "PER"], NerConfig()).save_pretrained(folder)
    return str(folder)


def predicted(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line, parse_constant=pytest.fail) for line in capsys.readouterr().out.splitlines()]


def test_plain_text_a_line_a_text(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "letters.txt").write_text("Ann lives in Oslo.\n\nthe river\n")
    command = ["predict", "ner", "--model", model, "--device", "cpu"]
    assert main([*command, str(tmp_path / "letters.txt")]) == 0
    rows = predicted(capsys)
    assert [(row["id"], row["text"]) for row in rows] == [("1", "Ann lives in Oslo."), ("3", "the river")]
    assert all(isinstance(row["predicted"], list) for row in rows)
    monkeypatch.setattr("sys.stdin", io.StringIO((tmp_path / "letters.txt").read_text()))
    assert main(command) == 0 and predicted(capsys) == rows
    (tmp_path / "more.jsonl").write_text('{"text": "Bob", "page": 7}\n')
    assert main([*command, str(tmp_path)]) == 0
    both = predicted(capsys)
    assert [Path(row["file"]).name for row in both] == ["letters.txt", "letters.txt", "more.jsonl"] and both[2]["page"] == 7


def test_a_bad_query_is_an_answer_and_a_status(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "q.jsonl"
    lines = ['{"id": 5, "text": "\\ud83d Zeltron"}', '{"text": 3}', "{", '{"text": "Ann"}', '{"text": "Bob", "score": NaN}']
    path.write_text("\n".join(lines))
    command = ["predict", "ner", "--model", model, "--device", "cpu", str(path)]
    assert main(command) == 1
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row.get("line") for row in rows] == [1, 2, 3, None, 5] and [row["id"] for row in rows] == [5, "2", "3", "4", "5"]
    assert all(set(row) == {"id", "line", "error"} for row in rows if "line" in row)
    assert f"4 of 5 queries could not be answered (--strict stops at the first): {path}, line 1: field 'text'" in err
    assert main([*command, "--strict"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and f"Error: {path}, line 1: field 'text': found an unpaired surrogate" in err


def test_what_is_no_query_is_said(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.txt").write_text("")
    command = ["predict", "ner", "--model", model, "--device", "cpu"]
    assert main([*command, str(tmp_path / "empty.txt")]) == 1
    assert "empty.txt: found no query" in capsys.readouterr().err
    assert main([*command, str(tmp_path / "none.txt")]) == 1
    assert "none.txt: file not found" in capsys.readouterr().err
    assert main([*command, str(tmp_path / "empty.txt"), "top=3"]) == 2
    assert "predict ner has no settings, found top=3" in capsys.readouterr().err
    assert main(["predict", "entity-typing", *command[2:], str(tmp_path / "empty.txt"), "threshold=0.6"]) == 2
    err = capsys.readouterr().err
    assert (
        "the settings of the checkpoint apply" in err
        and "finetune" in err
        and "loreweave evaluate entity-typing threshold=0.6" in err
    )
    assert main([*command, "--data", str(tmp_path)]) == 2
    assert "predict ner has no --data" in capsys.readouterr().err


def test_a_row_of_odd_tokens_is_answered_or_named(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "q.jsonl"
    rows = [{"text": ""}, {"text": " \n "}, {"tokens": []}, {"tokens": ["Mia", " ", "\n"]}, {"tokens": ["New York", "x"]}, {}]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert main(["predict", "ner", "--model", model, "--device", "cpu", str(path)]) == 1
    found = predicted(capsys)
    assert [("predicted" in row) != ("error" in row) for row in found] == [True] * 6 and "'text'" in found[5]["error"]


def test_the_help_says_what_a_line_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert '"start"' in out and "Example: echo" in out and "on a terminal and with --batch-size 1" in out


def test_names_of_classes_come_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A model of transformers whose classes are numbered: every word would be a mention."""
    tiny_bert = make_tiny_bert(tmp_path)
    torch.manual_seed(0)
    model = BertForTokenClassification(AutoConfig.from_pretrained(tiny_bert, num_labels=3))
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor([9.0, 0.0, 0.0]))
    model.save_pretrained(tmp_path / "model")
    AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(tmp_path / "model")
    (tmp_path / "in.jsonl").write_text('{"text": "ann lives in oslo ."}\n')
    asked = ["predict", "ner", "--model", str(tmp_path / "model"), str(tmp_path / "in.jsonl")]
    assert main(asked) == 1
    assert "the classes are numbered (LABEL_0, LABEL_1, LABEL_2)" in capsys.readouterr().err
    (tmp_path / "labels.txt").write_text("O\nB-PER\nI-PER\n")
    assert main([*asked, "--labels", str(tmp_path / "labels.txt")]) == 0
    assert json.loads(capsys.readouterr().out)["predicted"] == []
    (tmp_path / "labels.txt").write_text("B-PER\nO\nI-PER\n")
    assert main([*asked, "--labels", str(tmp_path / "labels.txt")]) == 0
    assert {found["label"] for found in json.loads(capsys.readouterr().out)["predicted"]} == {"PER"}
    (tmp_path / "data.txt").write_text("ann B-PER\nlives O\n\n")
    scored = ["evaluate", "ner", "--model", str(tmp_path / "model"), "--data", str(tmp_path / "data.txt"), "--json"]
    assert main([*scored, "--labels", str(tmp_path / "labels.txt")]) == 0
    assert json.loads(capsys.readouterr().out)["micro_recall"] == 1.0
    assert (
        main(
            [
                "predict",
                "few-shot-ner",
                "--model",
                "x",
                "--data",
                "y",
                "--labels",
                str(tmp_path / "labels.txt"),
                str(tmp_path / "in.jsonl"),
            ]
        )
        == 2
    )


def test_a_task_without_a_support_has_no_records_to_skip(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "ner", "--model", model, "--skip-bad", "-"]) == 2
    assert "predict ner has no --skip-bad: the answer to a bad query has its error" in capsys.readouterr().err
