"""Fine-tuning by two processes is that by one: cloze questions and entity linking from files, as `torchrun` starts them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from linking_world import ENTITIES, write
from task_jobs import silent

import loreweave

PLACES = ("Oslo", "Paris")
NAMES = ("Ann", "Bob", "She", "He", "Ann")
CLOZE: list[dict[str, Any]] = [
    {
        "text": (text := f"{name} lives in {place} ."),
        "query": "@placeholder is long .",
        "candidates": [{"start": text.index(each), "end": text.index(each) + len(each)} for each in (name, place)],
        "answers": [place],
    }
    for number, name in enumerate(NAMES)
    for place in [PLACES[number % 2]]
]
LINKED: list[dict[str, Any]] = [
    {
        "text": f"{name} lives in {place} .",
        "mentions": [{"start": len(name) + 10, "end": len(name) + 10 + len(place), "entity": id}],
    }
    for number, name in enumerate(NAMES)
    for place, id in [(("Oslo", "Q1"), ("Paris", "Q3"))[number % 2]]
]
ROWS = {"cloze-qa": CLOZE, "entity-linking": LINKED}
SETTINGS = {
    "epochs": 2, "batch_size": 2, "leftover": "flush", "dropout": 0.0, "max_length": 32, "device": "cpu", "log_steps": 1,
    "precision": "fp32",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["tiny_bert", "tiny_luke"])
@pytest.mark.parametrize("task", ROWS)
def test_two_processes_train_as_one(task: str, encoder: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """5 records in batches of 2: the second process has none in the last update of an epoch."""
    model = Path(shutil.copytree(request.getfixturevalue(encoder), tmp_path / "model"))
    without = json.loads((model / "config.json").read_text()) | {"attention_probs_dropout_prob": 0.0}
    (model / "config.json").write_text(json.dumps(without))
    file = write(tmp_path / "data.jsonl", ROWS[task])
    own: dict[str, Any] = {}
    if task == "entity-linking":
        own["entities"] = str(write(tmp_path / "entities.jsonl", ENTITIES))
    if own and encoder == "tiny_luke":  # which mentions are masked is drawn in each process, as dropout is
        own["mask_share"] = 1.0
    settings = SETTINGS | own
    files = ["--train", str(file), "--dev", str(file), "--output", str(tmp_path / "two")]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "loreweave"]
    options = [f"{name}={value}" for name, value in (settings | {"gradient_accumulation_steps": 1}).items()]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [*launch, "finetune", task, "--model", str(model), *files, *options],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]

    loreweave.finetune(
        task, model, train=file, dev=file, output=tmp_path / "one", report=silent, gradient_accumulation_steps=2, **settings
    )
    one, two = (np.load(tmp_path / name / "train_loss.npy") for name in ("one", "two"))
    assert len(one) == 4 and (one > 0).all()
    np.testing.assert_allclose(two, one, rtol=1e-4)
    scores = [json.loads((tmp_path / name / "results.json").read_text())["dev"] for name in ("one", "two")]
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)
