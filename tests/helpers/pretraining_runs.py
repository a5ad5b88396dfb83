"""Settings of small pre-training runs, and runs in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from loreweave.training.runs.record import RunRecord

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


def script(config: dict[str, object], *options: str, processes: int = 1) -> str:
    """Run the script in `processes` processes; its standard output."""
    path = Path(str(config["output"])).with_suffix(".json")
    path.write_text(json.dumps(config))
    launch = [sys.executable]
    if processes > 1:
        launch += ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [*launch, str(SCRIPT), str(path), *options]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def losses(config: dict[str, object]) -> list[float]:
    """The logged loss of every update."""
    rows = RunRecord(str(config["output"])).metrics()
    assert [row["step"] for row in rows] == list(range(1, len(rows) + 1))
    return [row["loss"] for row in rows]
