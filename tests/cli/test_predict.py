"""`loreweave predict`: its help; what it answers is in test_evaluate.py beside the command that scores the same folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tiny_encoders import make_tiny_bert
from transformers import AutoConfig, AutoTokenizer, BertForTokenClassification

from loreweave.cli.main import main


def test_the_help_says_what_a_line_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "--help"]) == 0
    out = capsys.readouterr().out
    assert '"start"' in out and "Example: echo" in out and "--batch-size 1: every line" in " ".join(out.split())


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
    assert main(["predict", "few-shot-ner", "--model", "x", "--data", "y", "--labels", "z", str(tmp_path / "in.jsonl")]) == 2
