"""A trial as processes of its own: one, or a group that torchrun starts. Its metrics are read while it runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from loreweave.corpus.files.reading import read_json
from loreweave.errors import LoreweaveError
from loreweave.training.runs.endings import Pruned
from loreweave.training.runs.record import RunRecord

_PAUSE = 0.5  # seconds
_PATIENCE = 120.0
"""Seconds in which a group stops by itself, at the end of an update."""

StepOf = Callable[[Mapping[str, Any]], tuple[int, float] | None]


def run_group(
    command: Sequence[str],
    record: RunRecord,
    processes: int,
    step_of: StepOf,
    watch: Callable[[int, float], None],
    log: IO[str],
) -> dict[str, Any]:
    """Run a command of loreweave in other processes, in its own process group; returns the content of `results.json`.

    Raises:
        Pruned: by `watch`; the group has been stopped, and the run has the status.
        LoreweaveError: it failed, with the error in the run's status or the last line it wrote.
    """
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)] if processes > 1 else []
    full = [sys.executable, *launcher, "-m", "loreweave", *command, "--resume"]
    group = subprocess.Popen(full, stdout=log, stderr=log, start_new_session=True)
    seen = 0
    try:
        while True:
            ended = group.poll() is not None
            rows = record.metrics()
            for row in rows[seen:]:
                if (found := step_of(row)) is not None:
                    watch(*found)
            seen = len(rows)
            if ended:
                break
            time.sleep(_PAUSE)
    except Pruned as reason:
        _stop(group)
        record.set_status("pruned", reason=str(reason), error=None)
        raise
    except BaseException:
        _stop(group)
        raise
    if group.returncode != 0:
        raise LoreweaveError(_error(record, Path(log.name), group.returncode))
    return dict(read_json(record.path / "results.json"))


def _stop(group: subprocess.Popen[bytes]) -> None:
    """Ask the group to stop, which it does after the current update; end it if it does not."""
    for number, patience in ((signal.SIGTERM, _PATIENCE), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError):
            os.killpg(group.pid, number)
        try:
            group.wait(patience)
            return
        except subprocess.TimeoutExpired:
            continue


def _error(record: RunRecord, log: Path, code: int) -> str:
    status = record.status()
    if status.get("status") == "failed" and status.get("error"):
        return str(status["error"])
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    told = next((line.removeprefix("Error: ") for line in reversed(lines) if line.startswith("Error: ")), None)
    how = f"by signal {-code}" if code < 0 else f"with status {code}"
    return told or f"its processes ended {how}; {log} has their output"
