"""Several workers on this machine: one process each, with its own GPUs or its share of the cores."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from loreweave.errors import LoreweaveError
from loreweave.experiments.search.reaper import WORKERS
from loreweave.experiments.search.results import STATES
from loreweave.experiments.search.stages import first_stage
from loreweave.experiments.search.storage import STORAGE_VARIABLE
from loreweave.experiments.search.study import Study
from loreweave.experiments.search.workers import PARENT_VARIABLE
from loreweave.training.runs.endings import Interrupted

_PAUSE = 1.0  # seconds
_PATIENCE = 180.0
"""Seconds in which workers stop by themselves, with a checkpoint, when the user stops the search."""
MOST_STARTS = 3
"""Number of times that a worker is started which is killed again and again."""

Report = Callable[[str], None]


@dataclass
class _Local:
    """One local worker."""

    name: str
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0

    def start(self, folder: Path) -> None:
        self.starts += 1
        with open(self.log, "ab") as log:
            command = [sys.executable, "-m", "loreweave", "search", str(folder), "--worker", self.name]
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **self.environment}, start_new_session=True
            )


def work_locally(study: Study, workers: int, report: Report) -> None:
    """Run the search with several processes on this machine, and report each trial that is finished.

    A worker that is killed is started again; its trial is continued by any worker.

    Raises:
        Interrupted: by Ctrl-C; the workers have stopped.
        LoreweaveError: the workers failed; the message is that of the first.
    """
    (study.folder / WORKERS).mkdir(exist_ok=True)
    found = [
        _Local(f"local-{number}", environment, study.folder / WORKERS / f"local-{number}.txt")
        for number, environment in enumerate(environments(study, workers, report), 1)
    ]
    report(f"{workers} workers; their output is in {study.folder / WORKERS}")
    stage, told = first_stage(study), {trial.number for trial in study.trials() if trial.state.is_finished()}
    with _terminated_as_interrupted():
        try:
            for worker in found:
                worker.start(study.folder)
            while any(_goes_on(worker, study.folder, report) for worker in found):
                time.sleep(_PAUSE)
                for trial in stage.all():
                    if trial.state.is_finished() and trial.number not in told:
                        told.add(trial.number)
                        value = f", {study.target.metric} {trial.value:.4f}" if trial.value is not None else ""
                        report(f"trial {trial.number}: {STATES[trial.state]}{value}")
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted; the same command continues the search in {study.folder}") from None
        finally:
            _stop(found)
    failed = [worker for worker in found if worker.process is not None and worker.process.returncode != 0]
    if len(failed) == len(found):
        raise LoreweaveError(f"all workers failed: {_last_line(failed[0].log)} ({failed[0].log})")
    for worker in failed:
        report(f"{worker.name} failed: {_last_line(worker.log)} ({worker.log})")


def environments(study: Study, workers: int, report: Report = print) -> list[dict[str, str]]:
    """Environment of each worker: its GPUs, its share of the cores, the storage, and the process that it belongs to."""
    import torch

    sweep, devices = study.sweep, visible_gpus(torch.cuda.device_count())
    common = {PARENT_VARIABLE: str(os.getpid())}
    if study.storage.url is not None:
        common[STORAGE_VARIABLE] = study.storage.url
    if "OMP_NUM_THREADS" not in os.environ:
        common["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // (workers * (sweep.processes or 1))))
    device = str(sweep.device or sweep.settings.get("device") or "cuda")
    if not devices or not device.startswith("cuda"):
        return [dict(common) for _ in range(workers)]
    each = sweep.processes or 1
    if workers * each > len(devices):
        report(f"{workers} workers x {each} GPUs, found {len(devices)}: several workers share a GPU")
    shares = [[devices[(worker * each + number) % len(devices)] for number in range(each)] for worker in range(workers)]
    return [{**common, "CUDA_VISIBLE_DEVICES": ",".join(dict.fromkeys(share))} for share in shares]


def visible_gpus(count: int) -> list[str]:
    """The GPUs that this process may use, as `CUDA_VISIBLE_DEVICES` names them."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = [name.strip() for name in given.split(",") if name.strip()] if given is not None else map(str, range(count))
    return list(names)[:count]


def _goes_on(worker: _Local, folder: Path, report: Report) -> bool:
    """Whether a worker is running; one that was killed is started again."""
    assert worker.process is not None
    code = worker.process.poll()
    if code is None:
        return True
    if code >= 0 or worker.starts >= MOST_STARTS:
        return False
    report(f"{worker.name} was ended by signal {-code} and is started again")
    worker.start(folder)
    return True


def _stop(workers: list[_Local]) -> None:
    """End all workers: first as at Ctrl-C, so that runs keep checkpoints."""
    running = [worker.process for worker in workers if worker.process is not None and worker.process.poll() is None]
    for process in running:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
    end = time.monotonic() + _PATIENCE
    for process in running:
        try:
            process.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("Error: ") if lines else "no output"


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)
