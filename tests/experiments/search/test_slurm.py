"""What is submitted to a cluster."""

from __future__ import annotations

import os
import pickle
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

submitit = pytest.importorskip("submitit", reason="needs submitit")


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
