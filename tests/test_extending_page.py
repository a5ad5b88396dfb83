"""docs/extending.md: each example runs, and what it adds works in Python and in the commands."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from other_packages import isolate, package

from loreweave.cli.main import main
from loreweave.corpus.annotated_sentences import read_tagged_sentences
from loreweave.corpus.mention_formats import MENTION_FORMATS
from loreweave.models.knowledge_scorers import SCORERS
from loreweave.objectives.registry import REGISTRY as OBJECTIVES
from loreweave.plugins import Registry
from loreweave.tasks.registry import REGISTRY as TASKS

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "extending.md").read_text(encoding="utf-8")
TASK, USE, SCORER, FORMAT = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
REGISTRIES: tuple[Registry[Any], ...] = (TASKS, OBJECTIVES, SCORERS, MENTION_FORMATS)
ROWS = [f"{label}\t{text}" for label, text in (("glad", "what a lovely day"), ("sad", "nothing works today")) * 8]


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch) -> None:
    for registry in REGISTRIES:
        isolate(registry, monkeypatch)


def test_every_group_and_call_is_on_the_page() -> None:
    for registry, call in zip(
        REGISTRIES, ("register_task", "register_objective", "register_scorer", "register_format"), strict=True
    ):
        assert f"`{registry.group}` |" in PAGE and f".{call}(" in PAGE
    assert len(TASK.splitlines()) <= 60


def test_the_task_in_python_and_in_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("train", "dev"):
        (tmp_path / f"{name}.tsv").write_text("\n".join(ROWS))
    monkeypatch.chdir(tmp_path)
    quick = 'epochs=3, batch_size=4, gradient_accumulation_steps=1, device="cpu", optimizer={"learning_rate": 1e-3}'
    run_as_module(TASK)
    run_as_module(USE.replace("epochs=3", quick))
    shown = capsys.readouterr().out
    assert "records: 16 train, 16 dev, 0 test" in shown and "\n1.0\n" in shown
    assert "'predicted': 'glad'" in shown.splitlines()[-1]

    isolate(TASKS, monkeypatch)
    (tmp_path / "tone.py").write_text(TASK)
    package(tmp_path, "loreweave.tasks", "tone = tone:TASK")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tone", raising=False)
    evaluate = ["evaluate", "tone", "--model", "runs/tone", "--data", "dev.tsv", "--device", "cpu"]
    assert main([*evaluate, "--json", "--output", "scores"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == 1.0
    assert main(["score", "tone", "--gold", "dev.tsv", "--predictions", "scores/predictions/dev.jsonl", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == 1.0
    assert main(["check", "tone", "train.tsv"]) == 0
    assert main(["tasks", "tone"]) == 0
    (tmp_path / "texts.txt").write_text("nothing works today\n")
    assert main(["predict", "tone", "--model", "runs/tone", "--device", "cpu", "texts.txt"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["predicted"] == "sad"
    (tmp_path / "dev.tsv").write_text("glad without a tab\n" + ROWS[0])
    assert main(evaluate) == 1
    assert "dev.tsv, line 1: found no tab" in capsys.readouterr().err
    assert main([*evaluate, "--skip-bad"]) == 0
    assert main([*evaluate, "--format", "tones"]) == 2
    assert "unknown format 'tones'; this task reads tone" in capsys.readouterr().err
    assert main([*evaluate, "--base", "minilm"]) == 2
    assert "tone has no --base" in capsys.readouterr().err


def run_as_module(code: str) -> dict[str, Any]:
    """The names of a block after it ran."""
    names: dict[str, Any] = {"__name__": "example"}
    exec(code, names)
    return names


def test_the_scorer_scores_the_same_from_both_sides() -> None:
    run_as_module(SCORER)
    scorer = SCORERS["half_transe"]
    head, relation, tail = torch.tensor([1.0, 0]), torch.tensor([2.0, 4]), torch.tensor([2.0, 0])
    assert scorer.score(head, relation, tail).item() == -2
    assert -(scorer.head_query(relation, tail) - head).abs().sum().item() == -2


def test_the_format_is_recognised_and_read(tmp_path: Path) -> None:
    run_as_module(FORMAT)
    file = tmp_path / "a.jsonl"
    file.write_text(MENTION_FORMATS["bracketed"].example)
    (sentence,) = read_tagged_sentences(file).records
    assert list(sentence.tokens) == ["Ann", "lives", "in", "Oslo"] and [span.label for span in sentence.spans] == ["LOC"]
