"""docs/runs.md names every file that a run writes, and every field of predictions and answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_encoders import TYPING_ROWS, make_tiny_bert

from loreweave.cli.main import main
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.run import run as pretrain
from loreweave.training.runs import record as run_record
from loreweave.training.runs.record import RunRecord
from loreweave.training.settings.configuration import fill

PAGE = (Path(__file__).parent.parent / "docs" / "runs.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)))

RELATIONS = [
    {"text": "ann lives in oslo", "head": {"start": 0, "end": 3}, "tail": {"start": 13, "end": 17}, "label": label}
    for label in ("lives", "no_relation") * 4
]
GAPS = [
    {"text": "ann lives in oslo", "query": "@placeholder lives", "candidates": [{"start": 0, "end": 3}], "answers": ["ann"]},
    {"text": "bob is in paris", "query": "in @placeholder", "candidates": [{"start": 10, "end": 15}], "answers": ["paris"]},
] * 4
DATA = {
    "entity-typing": "\n".join(map(json.dumps, TYPING_ROWS)),
    "relation-classification": "\n".join(map(json.dumps, RELATIONS)),
    "cloze-qa": "\n".join(map(json.dumps, GAPS)),
    "ner": "ann B-PER\nlives O\nin O\noslo B-LOC\n\n" * 8,
}


def keys(value: Any) -> Iterator[str]:
    """All keys of the objects in a row, but for those that are labels."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield name
            if name != "probabilities":
                yield from keys(part)
    elif isinstance(value, list):
        for part in value:
            yield from keys(part)


def fields(lines: str) -> set[str]:
    return {name for line in lines.splitlines() for name in keys(json.loads(line))}


@pytest.mark.parametrize("task", DATA)
def test_what_a_run_and_its_commands_write_is_on_the_page(
    task: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, run, out = tmp_path / ("data.txt" if task == "ner" else "data.jsonl"), tmp_path / "run", tmp_path / "out"
    data.write_text(DATA[task])
    settings = ["epochs=1", "batch_size=4", "device=cpu", "train_fraction=0.9", "leftover=flush"]
    (tmp_path / "bert").mkdir()
    model = str(make_tiny_bert(tmp_path / "bert"))
    files = ["--train", str(data), "--dev", str(data)]
    assert main(["finetune", task, "--model", model, *files, "--output", str(run), *settings]) == 0
    assert main(["evaluate", task, "--model", str(run), "--data", str(data), "--output", str(out), "--device", "cpu"]) == 0
    written = {path.name + "/" * path.is_dir() for folder in (run, out) for path in folder.iterdir()}
    assert all("finetune" in commands_of(path.name + "/" * path.is_dir()) for path in run.iterdir())
    assert all("evaluate" in commands_of(path.name + "/" * path.is_dir()) for path in out.iterdir())
    assert {"config.json", "results.json", "predictions/", "model/"} <= written and written <= NAMED
    suffixes = {"".join(path.suffixes) for path in (run / "predictions").iterdir()}
    assert all(f"<split>{suffix}" in NAMED for suffix in suffixes) and "<split>_epoch<k>.jsonl" in NAMED
    rows = (run / "predictions" / "dev.jsonl").read_text()
    assert fields(rows) <= NAMED and {"id", "text", "predicted", "gold"} <= fields(rows)
    assert set(json.loads((run / "status.json").read_text())) <= NAMED | {"kind"}
    assert set(json.loads((run / "results.json").read_text())) <= NAMED
    capsys.readouterr()
    if task != "ner":
        assert main(["predict", task, "--model", str(run), str(data), "--device", "cpu"]) == 0
        answers = capsys.readouterr().out
        assert fields(answers) <= NAMED | set(TYPING_ROWS[0]) | set(RELATIONS[0]) | set(GAPS[0]) and "predicted" in fields(
            answers
        )


def test_every_file_of_a_run_record_is_on_the_page() -> None:
    assert {*run_record._FILES, *(f"{folder}/" for folder in run_record._FOLDERS), "status.json"} <= NAMED


def commands_of(name: str) -> set[str]:
    """The commands that the page says write a file or folder of a run."""
    found = re.search(rf"^- `{re.escape(name)}` \(([^)]+)\)", PAGE, re.MULTILINE)
    assert found is not None, name
    return set(found[1].split(", "))


def test_what_a_pretraining_run_writes_is_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: set[str] = set()
    finish = RunRecord.finish

    def seen_before(record: RunRecord, results: dict[str, Any]) -> None:
        """What is there before the checkpoints are removed."""
        written.update(path.name + "/" * path.is_dir() for path in record.path.iterdir())
        assert all((path / "complete.json").is_file() for path in record.checkpoints.all())
        finish(record, results)

    monkeypatch.setattr(RunRecord, "finish", seen_before)
    relation = GraphRelation("P", "near")
    entities = [GraphEntity(f"Q{number}", f"town {number}") for number in range(6)]
    triples = {"train": [[number, 0, (number + 1) % 6] for number in range(6)]}
    KnowledgeGraph.from_parts(entities, [relation], triples).save(tmp_path / "graph")
    objective = {"graph": str(tmp_path / "graph"), "entities": "table", "table_size": 8, "micro_batch_size": 3}
    config = {
        "model": None, "output": str(tmp_path / "run"), "objectives": {"knowledge_embedding": objective}, "batch_size": 1,
        "micro_batch_size": 1, "steps": 2, "save_steps": 1, "log_steps": 1, "tensorboard": True, "device": "cpu",
    }  # fmt: skip
    run = pretrain(fill(PretrainingConfig, config)).record.path
    written.update(path.name + "/" * path.is_dir() for path in run.iterdir())
    assert all("pretrain" in commands_of(name) for name in written)
    assert {"config.json", "status.json", "metrics.jsonl", "inputs.json", "lock.json", "model/", "checkpoints/"} <= written
    assert "complete.json" in NAMED and not (run / "checkpoints").exists()
    assert set(json.loads((run / "status.json").read_text())) <= NAMED | {"kind"}


def test_the_losses_are_float32_as_the_page_says(tmp_path: Path) -> None:
    RunRecord(tmp_path).save_train_loss([0.5, 0.25])
    assert np.load(tmp_path / "train_loss.npy").dtype == np.float32
    assert re.search(r"`train_loss.npy` \(finetune\): [^`]*float32", PAGE)


def test_the_python_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for name in ("train", "dev"):
        (tmp_path / f"{name}.conll").write_text("Ann B-PER\nlives O\nin O\nOslo B-LOC\n. O\n\n" * 16)
    monkeypatch.chdir(tmp_path)
    exec(block.replace("epochs=5", 'epochs=5, device="cpu", batch_size=2'), {})
    run, scores, scored, predicted = capsys.readouterr().out.splitlines()[-4:]
    f1 = json.loads((tmp_path / "runs/ner/results.json").read_text())["dev"]["micro_f1"]
    assert run == f"runs/ner {f1}" and scores.startswith(f"{f1} {{'id': ") and scored == str(f1)
    assert f1 == 1 and "'label': 'LOC'" in predicted
