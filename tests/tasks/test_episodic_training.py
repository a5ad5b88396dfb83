"""Training in episodes, of names and of relations: a run that was interrupted goes on to the same numbers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loreweave.tasks.few_shot_ner import model as few_shot_ner
from loreweave.tasks.few_shot_relation import model as few_shot_relation
from loreweave.tasks.jobs.finetune import DataFiles, finetune_task
from loreweave.tasks.registry import load_task, load_training
from loreweave.training.runs.endings import Interrupted
from loreweave.training.settings.configuration import fill

COMMON = {"way": 2, "episodes": 10, "batch_size": 2, "epochs": 2, "device": "cpu", "keep": "last", "leftover": "flush"}
NAMES = "ann B-person\nlives O\n\noslo B-place\nis O\n\nbob B-person\nworks O\n\nparis B-place\nis O\nlong O\n\n" * 3


def source(folder: Path, task: str) -> Path:
    """Training data of a task."""
    file = folder / ("train.txt" if task == "few-shot-ner" else "train.jsonl")
    if task == "few-shot-ner":
        file.write_text(NAMES)
        return file
    pairs = [
        {"text": f"{head} {verb} {tail}", "label": verb}
        | {"head": {"start": 0, "end": 3}, "tail": {"start": len(verb) + 5, "end": len(verb) + 9}}
        for verb in ("lives in", "works at")
        for head in ("ann", "bob", "she")
        for tail in ("oslo", "bank")
    ]
    file.write_text("\n".join(map(json.dumps, pairs)))
    return file


@pytest.mark.parametrize("task", ["few-shot-ner", "few-shot-relation"])
def test_an_interrupted_run_goes_on_to_the_same_numbers(
    task: str, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own: dict[str, Any] = {"objective": "protobert"} if task == "few-shot-ner" else {}
    training = load_training(task)
    config, files = fill(training.config, COMMON | own), DataFiles(train=source(tmp_path, task))

    def run(name: str, resume: bool = False) -> np.ndarray:
        finetune_task(load_task(task), str(tiny_bert), files, config, tmp_path / name, resume=resume, report=lambda line: None)
        losses: np.ndarray = np.load(tmp_path / name / "train_loss.npy")
        return losses

    whole = run("whole")
    assert len(whole) == 10
    calls = 0

    def interrupting(loss: Any) -> Any:
        def counted(*arguments: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == 7:  # in the second epoch
                os.kill(os.getpid(), signal.SIGINT)
            return loss(*arguments, **named)

        return counted

    with monkeypatch.context() as patched:
        of_episodes = few_shot_ner.episode_loss
        patched.setattr(few_shot_ner, "episode_loss", lambda objective: interrupting(of_episodes(objective)))
        patched.setattr(few_shot_relation, "cross_entropy", interrupting(few_shot_relation.cross_entropy))
        with pytest.raises(Interrupted, match="interrupted at update 7 of 10"):
            run("run")
    np.testing.assert_array_equal(run("run", resume=True), whole)


@pytest.mark.parametrize("task", ["few-shot-ner", "few-shot-relation"])
def test_two_processes_train_on_every_episode_once(task: str, tiny_bert: Path, tmp_path: Path) -> None:
    """5 episodes in batches of 2: the second process has none in the last update of an epoch."""
    own = ["objective=protobert", "state_dropout=0"] if task == "few-shot-ner" else ["encoding_dropout=0"]
    settings = [*(f"{name}={value}" for name, value in COMMON.items()), *own, "episodes=5", "dropout=0"]
    file = source(tmp_path, task)
    model = Path(shutil.copytree(tiny_bert, tmp_path / "model"))
    without = json.loads((model / "config.json").read_text()) | {"attention_probs_dropout_prob": 0.0}
    (model / "config.json").write_text(json.dumps(without))
    words = ["finetune", task, "--model", str(model), "--train", str(file), *settings]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command = [*launch, "-m", "loreweave", *words, "--output", str(tmp_path / "two")]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    training = load_training(task)
    config = fill(training.config, {}, [*settings, "gradient_accumulation_steps=2"])
    finetune_task(load_task(task), str(model), DataFiles(train=file), config, tmp_path / "one", report=lambda line: None)
    two, one = (np.load(tmp_path / name / "train_loss.npy") for name in ("two", "one"))
    assert len(one) == 4 and (one > 0).all()
    np.testing.assert_allclose(two, one, rtol=1e-4)
