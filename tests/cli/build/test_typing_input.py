"""`loreweave build typing-input`."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from loreweave.cli.main import main
from loreweave.tasks.entity_typing.reader import read


def test_sentences_become_rows_of_open_entity(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, output = tmp_path / "probes.json", tmp_path / "out" / "test.json"
    source.write_text('{"p1": "< He|person > met <Ada>.", "p2": "2 \\\\< 3, said <she|person|woman>."}')
    assert main(["build", "typing-input", str(source), "--output", str(output), "--json"]) == 0
    captured = capsys.readouterr()
    counts = json.loads(captured.out)
    assert (counts["mentions"], counts["mentions_with_labels"], counts["left_out"]) == (2, 2, 1)
    assert "mentions without a label" in captured.err and "white space at the edges of mentions" in captured.err
    assert json.loads(output.read_text()) == [
        {"id": "p1:1-3", "sent": " He met Ada.", "start": 1, "end": 3, "labels": ["person"], "entity": "He", "doc": "p1"},
        {"id": "p2", "sent": "2 < 3, said she.", "start": 12, "end": 15, "labels": ["person", "woman"], "entity": "she",
         "doc": "p2"},
    ]  # fmt: skip
    again = read(output)
    assert [(record.id, record.mention, record.labels) for record in again.records] == [
        ("p1:1-3", "He", ("person",)), ("p2", "she", ("person", "woman")),
    ]  # fmt: skip
    command = ["build", "typing-input", str(source), "--output", str(output)]
    assert main(command) == 2 and "the file exists" in capsys.readouterr().err


def test_typed_lines_without_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "a.jsonl"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"<Ada> wrote <it>\n\n<She> ran\n")))
    assert main(["build", "typing-input", "--output", str(output)]) == 0
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert [(row["id"], row["entity"], row["labels"]) for row in rows] == [
        ("1:0-3", "Ada", []), ("1:10-12", "it", []), ("3", "She", []),
    ]  # fmt: skip
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"<Ada ran\n")))
    assert main(["build", "typing-input", "-", "--output", str(tmp_path / "b.jsonl")]) == 1
    assert "standard input, line 1, field 'text': found '<' without '>'" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Ada ran\n")))
    assert main(["build", "typing-input", "-", "--output", str(tmp_path / "b.jsonl")]) == 1
    assert "standard input: found no mention, expected each in angle brackets" in capsys.readouterr().err
    assert not (tmp_path / "b.jsonl").exists()
