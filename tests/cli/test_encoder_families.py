"""Fine-tuning and evaluation, as a user calls them, on a tiny encoder of every family in the table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from family_cases import CASES, make_encoder
from tiny_encoders import TYPING_ROWS

from loreweave.cli.main import main

QUICK = [
    "epochs=1",
    "batch_size=8",
    "gradient_accumulation_steps=1",
    "optimizer.learning_rate=0.005",
    "dropout=0.25",
    "keep=last",
]
OTHERS = [kind for kind in CASES if kind not in ("bert", "luke")]
"""Those that the tests of tasks do not train anyway."""


def _relations() -> list[dict[str, Any]]:
    rows = []
    for number, row in enumerate(TYPING_ROWS[1::2]):
        tokens = row["sent"].split()
        place = tokens.index(row["sent"][row["start"] : row["end"]])
        relation = "lives_in" if "lives" in tokens else "works_in"
        rows.append({"id": str(number), "token": tokens, "subj_start": 0, "subj_end": 0, "obj_start": place,
                     "obj_end": place, "subj_type": "PERSON", "obj_type": "CITY", "relation": relation})  # fmt: skip
    return rows


def _sentences() -> str:
    """CoNLL columns: the first word is a person, the city a place."""
    lines = []
    for row in TYPING_ROWS[1::2]:
        text = row["sent"].lower()  # not every tokenizer here knows capitals
        city = text[row["start"] : row["end"]]
        tags = {0: "B-PER"}
        lines += [f"{word} {'B-LOC' if word == city else tags.get(n, 'O')}" for n, word in enumerate(text.split())]
        lines.append("")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    (folder / "entity-typing.json").write_text(json.dumps(TYPING_ROWS))
    (folder / "relation-classification.json").write_text(json.dumps(_relations()))
    (folder / "ner.txt").write_text(_sentences())
    return folder


def _trained(task: str, encoder: Path, data: Path, tmp_path: Path, *more: str) -> Path:
    """Fine-tune, and evaluate what was kept: it gives the numbers that the trained model gave."""
    file, run, out = str(next(data.glob(f"{task}.*"))), tmp_path / "run", tmp_path / "out"
    command = ["finetune", task, "--model", str(encoder), "--train", file, "--test", file, "--output", str(run)]
    assert main([*command, "--device", "cpu", *QUICK, *more]) == 0
    assert main(["evaluate", task, "--model", str(run), "--data", file, "--device", "cpu", "--output", str(out)]) == 0
    wanted, found = (np.load(folder / "predictions" / name) for folder, name in ((run, "test.npz"), (out, f"{task}.npz")))
    assert set(wanted) == set(found)
    for name in wanted:
        if wanted[name].dtype.kind == "f":
            np.testing.assert_allclose(found[name], wanted[name], rtol=1e-4, atol=1e-4)
    return run


@pytest.mark.parametrize("kind", OTHERS)
def test_markers(kind: str, data: Path, tmp_path: Path) -> None:
    run = _trained("entity-typing", make_encoder(kind, tmp_path / "encoder"), data, tmp_path)
    settings = json.loads((run / "model" / "config.json").read_text())
    assert settings["model_type"] == kind and settings["loreweave"]["head"] == "markers"


@pytest.mark.parametrize("kind", OTHERS)
def test_tags(kind: str, data: Path, tmp_path: Path) -> None:
    run = _trained("ner", make_encoder(kind, tmp_path / "encoder"), data, tmp_path, "epochs=15", "dropout=0")
    found = json.loads((tmp_path / "out" / "results.json").read_text())["micro_f1"]
    assert found == pytest.approx(json.loads((run / "results.json").read_text())["test"]["micro_f1"]) and found > 0.5


@pytest.mark.parametrize("head", ["markers", "kepler"])
def test_relations_on_mpnet(head: str, data: Path, tmp_path: Path) -> None:
    _trained("relation-classification", make_encoder("mpnet", tmp_path / "encoder"), data, tmp_path, f"head={head}")


@pytest.mark.slow
@pytest.mark.parametrize("task", ["entity-typing", "relation-classification", "ner"])
def test_the_real_mpnet_learns(task: str, mpnet_base: Path, data: Path, tmp_path: Path) -> None:
    """It fits what it was shown, and is read again as it was."""
    _trained(task, mpnet_base, data, tmp_path, "epochs=10", "optimizer.learning_rate=3e-4", "batch_size=4")
    assert json.loads((tmp_path / "out" / "results.json").read_text())["micro_f1"] > 0.8
