"""Job scripts for the schedulers of clusters: each starts the same worker as on one machine, several times."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from loreweave.experiments.search.reaper import WORKERS
from loreweave.experiments.search.storage import STORAGE_VARIABLE, without_password
from loreweave.experiments.search.study import Study
from loreweave.experiments.search.sweep import ClusterJob

Scheduler = Literal["lsf", "pbs", "slurm"]

_SUBMIT = {"lsf": "bsub <", "pbs": "qsub", "slurm": "sbatch"}
_INDEX = {
    "lsf": "${LSB_JOBID}-${LSB_JOBINDEX}",
    "pbs": "${PBS_JOBID%%.*}-${PBS_ARRAY_INDEX:-1}",
    "slurm": "${SLURM_ARRAY_JOB_ID}-${SLURM_ARRAY_TASK_ID}",
}
"""Name of a worker among those of a job."""


def write_script(study: Study, scheduler: Scheduler, workers: int, directory: Path) -> tuple[Path, str]:
    """Write the job script into the folder of the study.

    Returns:
        The file, and the command that submits it.
    """
    path = study.folder / f"worker.{scheduler}"
    (study.folder / WORKERS).mkdir(exist_ok=True)
    path.write_text(script_of(study, scheduler, workers, directory), encoding="utf-8")
    return path, f"{_SUBMIT[scheduler]} {shlex.quote(str(path))}"


def script_of(study: Study, scheduler: Scheduler, workers: int, directory: Path) -> str:
    """A job script with an array of workers, which run in `directory`.

    A URL with a password is not written: the script then says which variable needs it.
    """
    job, name = study.sweep.job, re.sub(r"[^A-Za-z0-9_.-]", "-", study.name)
    lines = {"lsf": _lsf, "pbs": _pbs, "slurm": _slurm}[scheduler](job, name, workers, study.folder / WORKERS)
    program = ["python"] if job.setup else [sys.executable]
    command = shlex.join([*program, "-m", "loreweave", "search", str(study.folder), "--worker"])
    secret = study.storage.url is not None and without_password(study.storage.url) != study.storage.url
    asks = f': "${{{STORAGE_VARIABLE}:?set it to the URL of the storage, with its password}}"'
    return "\n".join([
        "#!/bin/bash", *lines, "", f"cd {shlex.quote(str(directory))} || exit 1", *job.setup,
        *([asks] if secret else []), f'exec {command} "{scheduler}-{_INDEX[scheduler]}"', "",
    ])  # fmt: skip


def _lsf(job: ClusterJob, name: str, workers: int, logs: Path) -> Sequence[str]:
    wall = _wall(job.hours)
    lines = [f'-J "{name}[1-{workers}]"', f"-W {wall[:-3]}", f"-n {job.cores}", '-R "span[hosts=1]"']
    lines += [f'-R "rusage[mem={-(-job.memory * 1024 // job.cores)}MB]"']  # per core
    lines += [f'-gpu "num={job.gpus}:mode=exclusive_process"'] if job.gpus else []
    lines += [f"-q {job.queue}"] if job.queue else []
    lines += [f"{which} {_path(f'{logs}/lsf-%J-%I.txt')}" for which in ("-o", "-e")]
    lines += ["-wa TERM -wt 3"]  # stop 3 minutes before the limit
    return [f"#BSUB {line}" for line in (*lines, *job.options)]


def _pbs(job: ClusterJob, name: str, workers: int, logs: Path) -> Sequence[str]:
    lines = [f"-N {name[:15]}", *([f"-J 1-{workers}"] if workers > 1 else []), f"-l walltime={_wall(job.hours)}"]
    gpus = f":ngpus={job.gpus}" if job.gpus else ""
    lines += [f"-l select=1:ncpus={job.cores}{gpus}:mem={job.memory}gb", "-j oe", f"-o {_path(f'{logs}/')}"]
    lines += [f"-q {job.queue}"] if job.queue else []
    return [f"#PBS {line}" for line in (*lines, *job.options)]


def _slurm(job: ClusterJob, name: str, workers: int, logs: Path) -> Sequence[str]:
    lines = [f"--job-name={name}", f"--array=1-{workers}", f"--time={_wall(job.hours)}", f"--cpus-per-task={job.cores}"]
    lines += [f"--mem={job.memory}G", *([f"--gpus-per-node={job.gpus}"] if job.gpus else [])]
    lines += [f"--partition={job.queue}"] if job.queue else []
    lines += [f"--output={_path(f'{logs}/slurm-%A-%a.txt')}", "--signal=B:TERM@120", "--requeue"]
    return [f"#SBATCH {line}" for line in (*lines, *job.options)]


def _path(path: str) -> str:
    """A path in an option of a scheduler, in quotation marks if it contains white space."""
    return f'"{path}"' if re.search(r"\s", path) else path


def _wall(hours: float) -> str:
    """Hours as `hh:mm:ss`."""
    minutes = max(1, round(hours * 60))
    return f"{minutes // 60:02d}:{minutes % 60:02d}:00"
