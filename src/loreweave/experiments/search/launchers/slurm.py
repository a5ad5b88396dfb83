"""Workers as jobs of SLURM, through submitit. A worker that reaches its time limit or is preempted is queued again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import submitit

from loreweave.errors import ConfigurationError
from loreweave.experiments.search.reaper import WORKERS
from loreweave.experiments.search.storage import STORAGE_VARIABLE
from loreweave.experiments.search.study import Study

_PATIENCE = 100.0
"""Seconds in which a worker keeps a checkpoint before its job ends."""
_WARNING = 120
"""Seconds before the end of a job at which SLURM says so. submitit's own 90 would be less than the patience."""
_TIME_LIMITS = 1_000_000
"""Number of times that a worker is queued again at its time limit. submitit's own 3 would end a long search."""


class ClusterWorker:
    """A worker in a job: a process of its own, which is asked to stop before the job is queued again."""

    def __init__(self, command: Sequence[str], directory: Path) -> None:
        self.command, self.directory = list(command), directory
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> int:
        """Work until all trials are finished; the exit status.

        Raises:
            RuntimeError: the worker failed; the output of the job has its message.
        """
        self._process = subprocess.Popen(self.command, cwd=self.directory, start_new_session=True)
        code = self._process.wait()
        if code != 0:
            raise RuntimeError(f"the worker ended with status {code}")
        return code

    def checkpoint(self) -> submitit.helpers.DelayedSubmission:
        """Called by submitit before the time limit: stop with a checkpoint, and go on in another job."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return submitit.helpers.DelayedSubmission(ClusterWorker(self.command, self.directory))


def submit(
    study: Study, workers: int, directory: Path, cluster: Literal["slurm", "local"] = "slurm"
) -> list[submitit.Job[Any]]:
    """Submit the workers of a study as an array of jobs.

    Args:
        study: the study.
        workers: number of workers.
        directory: working directory, to which relative paths of the sweep refer.
        cluster: `local` starts processes instead of jobs.

    Raises:
        ConfigurationError: there is no SLURM on this machine.
    """
    if cluster == "slurm" and shutil.which("sbatch") is None:
        raise ConfigurationError(
            "--slurm: found no SLURM on this machine (no sbatch); submit from a login node, or write a job script with --script"
        )
    job = study.sweep.job
    folder = study.folder / WORKERS / "submitit"
    executor = submitit.AutoExecutor(folder=folder, cluster=cluster, slurm_max_num_timeout=_TIME_LIMITS)
    executor.update_parameters(name=study.name, timeout_min=max(1, round(job.hours * 60)), cpus_per_task=job.cores)
    if cluster == "slurm":
        more = {"partition": job.queue} if job.queue else {}
        executor.update_parameters(
            gpus_per_node=job.gpus, mem_gb=job.memory, slurm_array_parallelism=workers, slurm_setup=job.setup,
            slurm_signal_delay_s=_WARNING, slurm_additional_parameters={**more, **dict(_option(line) for line in job.options)},
        )  # fmt: skip
    command = [sys.executable, "-m", "loreweave", "search", str(study.folder), "--worker"]
    with _with_storage(study.storage.url), executor.batch():
        jobs = [
            executor.submit(ClusterWorker([*command, f"{cluster}-{os.getpid()}-{number}"], directory))
            for number in range(1, workers + 1)
        ]
    return jobs


@contextmanager
def _with_storage(url: str | None) -> Iterator[None]:
    """Let jobs inherit the URL of the storage, which can have a password: submitit writes to a file what a job is given."""
    before = os.environ.get(STORAGE_VARIABLE)
    if url is not None:
        os.environ[STORAGE_VARIABLE] = url
    try:
        yield
    finally:
        os.environ.pop(STORAGE_VARIABLE, None)
        if before is not None:
            os.environ[STORAGE_VARIABLE] = before


def _option(line: str) -> tuple[str, str | bool]:
    """An option such as `--account=nlp` for submitit."""
    name, given, value = line.lstrip("-").partition("=")
    return name.replace("-", "_"), value if given else True
