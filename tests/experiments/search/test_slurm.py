"""What is submitted to a cluster."""

from __future__ import annotations

import os
import pickle
import re
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

submitit = pytest.importorskip("submitit", reason="needs submitit")


def test_a_job_has_time_to_stop_and_is_queued_again_at_every_time_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loreweave.experiments.search.launchers.slurm import _PATIENCE, submit
    from loreweave.experiments.search.sweep import ClusterJob

    programs = tmp_path / "bin"
    programs.mkdir()
    for name, line in {"srun": "exit 1", "sbatch": f'cp "$1" {tmp_path}/job.sh; echo Submitted batch job 12'}.items():
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    study: Any = SimpleNamespace(
        folder=tmp_path, name="study", sweep=SimpleNamespace(job=ClusterJob()), storage=SimpleNamespace(url=None)
    )
    first, _ = submit(study, 2, tmp_path)
    signal = re.search(r"--signal=USR2@(\d+)", (tmp_path / "job.sh").read_text())
    assert signal is not None and int(signal[1]) > _PATIENCE
    assert first.submission()._timeout_countdown > 1000


def test_the_password_of_the_storage_is_inherited_and_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from loreweave.experiments.search.launchers.slurm import submit

    monkeypatch.delenv("LOREWEAVE_SEARCH_STORAGE", raising=False)
    given: list[tuple[bytes, str | None]] = []

    class Executor:
        def __init__(self, **options: Any) -> None: ...

        def update_parameters(self, **options: Any) -> None: ...

        def batch(self) -> Any:
            return nullcontext()

        def submit(self, worker: Any) -> str:
            given.append((pickle.dumps(worker), os.environ.get("LOREWEAVE_SEARCH_STORAGE")))
            return "job"

    monkeypatch.setattr(submitit, "AutoExecutor", Executor)
    url = "postgresql://ann:secret@host/db"
    job = SimpleNamespace(hours=1, cores=1)
    study: Any = SimpleNamespace(
        folder=tmp_path, name="study", sweep=SimpleNamespace(job=job), storage=SimpleNamespace(url=url)
    )
    assert submit(study, 2, tmp_path, "local") == ["job", "job"]
    assert all(inherited == url and b"secret" not in written for written, inherited in given)
    assert "LOREWEAVE_SEARCH_STORAGE" not in os.environ
