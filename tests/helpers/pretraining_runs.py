"""Settings of small pre-training runs, and runs in this process or in processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from datasets import load_from_disk
from transformers import AutoTokenizer

from loreweave.build.pretraining_set import build_pretraining_set, open_pretraining_set
from loreweave.build.pretraining_store import write_manifest
from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.pretraining import run as run_module
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.training.runs.endings import Interrupted
from loreweave.training.runs.interruption import StopOnInterrupt
from loreweave.training.runs.record import RunRecord
from loreweave.training.settings.configuration import fill

SCRIPT = Path(__file__).parents[1] / "pretraining" / "pretraining_script.py"


def settings(world: Path, output: Path, **changes: object) -> dict[str, object]:
    """24 windows, 4 an update: 6 updates an epoch."""
    return {
        "model": str(world / "encoder"),
        "data": [str(world / "data")],
        "output": str(output),
        "batch_size": 4,
        "micro_batch_size": 2,
        "epochs": 2,
        "entity_embedding_size": 16,
        "optimizer": {"learning_rate": 1e-3, "betas": [0.9, 0.999]},
        "schedule": {"warmup_steps": 2},
        "log_steps": 1,
        "device": "cpu",
        **changes,
    }


def windows_without_mentions(world: Path, folder: Path, vocabulary: EntityVocabulary) -> Path:
    """A set of six windows without any mention, in which the entities are those of the vocabulary."""
    texts = [AnnotatedText(id=str(n), text=f"In year {n} the old bridge was closed and opened again.") for n in range(6)]
    tokenizer = AutoTokenizer.from_pretrained(world / "encoder")
    build_pretraining_set(texts, tokenizer, vocabulary, folder, max_length=64, include_windows_without_entities=True)
    return folder


def windows_of(world: Path, folder: Path, rows: Iterable[int]) -> Path:
    """Some of the world's 24 windows, in this order, as a set of their own."""
    data = open_pretraining_set(world / "data")
    shutil.copytree(data.path, folder)
    for file in [*folder.glob("*.arrow"), folder / "state.json", folder / "dataset_info.json"]:
        file.unlink()
    chosen = list(rows)
    load_from_disk(str(data.path)).select(chosen).save_to_disk(str(folder))
    details = {key: data.manifest[key] for key in ("settings", "tokenizer", "counts")}
    write_manifest(folder, data.vocabulary, len(chosen), details)
    return folder


def interrupting(step: int) -> type[StopOnInterrupt]:
    """Sends to the first process what Ctrl-C sends, after an update."""

    class InterruptAt(StopOnInterrupt):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
            if state.global_step == step and int(os.environ.get("RANK", "0")) == 0:
                os.kill(os.getpid(), signal.SIGINT)
            return super().on_step_end(args, state, control, **kwargs)

    return InterruptAt


def train(config: dict[str, object], *, interrupt_at: int | None = None, resume: bool = False, processes: int = 1) -> None:
    """One run: in this process, because a new one needs several seconds to start, or in several processes of its own."""
    if processes > 1:
        options = ["--resume"] if resume else []
        script(config, *options, *([] if interrupt_at is None else ["--interrupt-at", str(interrupt_at)]), processes=processes)
        return
    filled = fill(PretrainingConfig, config)
    if interrupt_at is None:
        run_module.run(filled, resume=resume)
        return
    with pytest.MonkeyPatch.context() as patched, pytest.raises(Interrupted):
        patched.setattr(run_module, "StopOnInterrupt", interrupting(interrupt_at))
        run_module.run(filled, resume=resume)


def script(config: dict[str, object], *options: str, processes: int = 1) -> str:
    """Run the script in `processes` processes; its standard output."""
    path = Path(str(config["output"])).with_suffix(".json")
    path.write_text(json.dumps(config))
    launch = [sys.executable]
    if processes > 1:
        launch += ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    searched = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": searched}
    command = [*launch, str(SCRIPT), str(path), *options]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def losses(config: dict[str, object]) -> list[float]:
    """The logged loss of every update."""
    rows = [row for row in RunRecord(str(config["output"])).metrics() if row["split"] == "train"]
    assert [row["step"] for row in rows] == list(range(1, len(rows) + 1))
    return [row["loss"] for row in rows]
