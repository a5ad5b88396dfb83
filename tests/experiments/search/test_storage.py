"""Where trials are kept: a file, SQLite, a real PostgreSQL; what happens when it is gone; and the dashboard over it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from toy_search import silent, toy_sweep, use_toy

from loreweave.errors import ConfigurationError
from loreweave.experiments.search.run import search
from loreweave.experiments.search.storage import StorageLost, without_password
from loreweave.experiments.search.study import reopen

VARY = {"dropout": [0.0, 0.1, 0.2]}


def test_sqlite_is_remembered_and_not_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_toy(monkeypatch)
    monkeypatch.chdir(tmp_path)
    sweep = toy_sweep(tmp_path, design="grid", vary=VARY)
    found = search(sweep, output=tmp_path / "out", storage="sqlite:///study.db", report=silent)
    assert (tmp_path / "study.db").exists() and not (tmp_path / "out" / "journal.log").exists()
    assert search(sweep, output=tmp_path / "out", report=silent).trials == found.trials
    with pytest.raises(ConfigurationError, match="uses the storage sqlite:.*study.db"):
        search(sweep, output=tmp_path / "out", storage="sqlite:///other.db", report=silent)
    other = toy_sweep(tmp_path, design="grid", vary={"dropout": [0.5]})
    with pytest.raises(ConfigurationError, match="has another search with the name 'out'"):
        search(other, output=tmp_path / "two" / "out", storage="sqlite:///study.db", report=silent)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("study.db", "expected a URL such as"),
        ("postgres:/x", "expected a URL such as"),
        ("nodatabase://host/name", "nodatabase"),
    ],
)
def test_wrong_urls(url: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_toy(monkeypatch)
    with pytest.raises(ConfigurationError, match=message):
        search(toy_sweep(tmp_path, design="grid", vary=VARY), output=tmp_path / "out", storage=url, report=silent)


def test_a_missing_driver_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_toy(monkeypatch)
    monkeypatch.setitem(sys.modules, "pg8000", None)
    sweep = toy_sweep(tmp_path, design="grid", vary=VARY)
    for url in ("postgresql+pg8000://ann:secret@host/db", "postgresql://ann:secret@host/db", "postgres://ann:secret@host/db"):
        with pytest.raises(ConfigurationError, match=r"driver of the database is not installed") as found:
            search(sweep, output=tmp_path / "out", storage=url, report=silent)
        assert "secret" not in str(found.value)
        assert str(found.value).endswith(
            "; the driver of PostgreSQL is in the extra `search`: pip install 'loreweave[search]', with a URL such as "
            "postgresql+pg8000://user@host/database"
        )


def test_a_password_is_not_written() -> None:
    assert without_password("postgresql+psycopg://ann:se%40cret@host:5/db?x=1") == "postgresql+psycopg://ann@host:5/db?x=1"
    assert without_password("postgresql://host/db?user=ann&password=se%40cret&x=1") == "postgresql://host/db?user=ann&x=1"
    assert without_password("sqlite:///passages/study.db") == "sqlite:///passages/study.db"


@pytest.mark.parametrize("kind", ["journal", "sqlite"])
def test_a_file_that_vanishes_is_an_error_after_the_run_is_finished(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    file = out / "journal.log" if kind == "journal" else tmp_path / "study.db"

    def remove(folder: Path) -> None:
        if folder.name == "0001" and not (tmp_path / "aside").exists():
            shutil.move(file, tmp_path / "aside")

    trained = use_toy(monkeypatch, before=remove)
    storage = None if kind == "journal" else f"sqlite:///{file}"
    sweep = toy_sweep(tmp_path, design="grid", vary=VARY)
    with pytest.raises(StorageLost, match=f"{file.name}, cannot be used: .*The runs are kept in {out}"):
        search(sweep, output=out, storage=storage, report=silent)
    assert not file.exists(), "no new file that would hide the loss"
    assert (out / "trials" / "0001" / "results.json").exists(), "the run is finished"
    with pytest.raises(StorageLost, match="does not exist"):
        search(sweep, output=out, storage=storage, report=silent)
    shutil.move(tmp_path / "aside", file)
    found = search(sweep, output=out, storage=storage, report=silent)
    assert [row["state"] for row in found.trials] == ["complete"] * 3 and trained == ["0000", "0001", "0002"]


def test_a_broken_last_line_of_the_journal_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_toy(monkeypatch)
    sweep = toy_sweep(tmp_path, design="grid", vary=VARY)
    first = search(sweep, "budget.trials=2", output=tmp_path / "out", report=silent)
    with open(tmp_path / "out" / "journal.log", "a") as file:
        file.write('{"op_code": 4, "wor')
    found = search(sweep, output=tmp_path / "out", report=silent)
    assert found.trials[:2] == first.trials and len(found.trials) == 3


def test_the_dashboard_shows_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dashboard = pytest.importorskip("optuna_dashboard")
    use_toy(monkeypatch)
    search(toy_sweep(tmp_path, design="grid", vary=VARY), output=tmp_path / "out", report=silent)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        app = dashboard.wsgi(reopen(tmp_path / "out").storage.storage)
    status: list[str] = []
    asked: dict[str, Any] = {"REQUEST_METHOD": "GET", "PATH_INFO": "/api/studies", "SERVER_NAME": "localhost"}
    asked |= {"SERVER_PORT": "80", "wsgi.input": None, "wsgi.errors": None, "wsgi.url_scheme": "http"}
    answer = b"".join(app(asked, lambda line, headers, *_: status.append(line)))
    assert status == ["200 OK"] and b'"out"' in answer


def _programs() -> Path | None:
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """URL of a PostgreSQL server of its own, and the command that starts or stops it."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server (Debian: postgresql)")
    if find_spec("pg8000") is None:
        pytest.skip("no driver of PostgreSQL (pip install 'loreweave[search]')")
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    user = [] if os.getuid() else ["runuser", "-u", "postgres", "--"]  # the server refuses to run as root
    if not os.getuid():
        shutil.chown(folder, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data, quiet = folder / "data", {"check": True, "capture_output": True, "cwd": "/"}
    subprocess.run([*user, programs / "initdb", "-D", data, "-U", "ann", "-A", "trust"], **quiet)
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    control = [*user, str(programs / "pg_ctl"), "-D", str(data), "-l", str(folder / "log"), "-w", "-m", "immediate"]
    control += ["-o", options]
    try:
        subprocess.run([*control, "start"], check=True, stdout=subprocess.DEVNULL, cwd="/")
        yield f"postgresql+pg8000://ann:secret@127.0.0.1:{port}/postgres", control
    finally:
        subprocess.run([*control, "stop"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        shutil.rmtree(folder, ignore_errors=True)


def test_a_real_postgresql_that_stops_in_the_middle(
    server: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, control = server

    def stop(folder: Path) -> None:
        if folder.name == "0001" and not (tmp_path / "stopped").exists():
            (tmp_path / "stopped").touch()
            subprocess.run([*control, "stop"], check=True, stdout=subprocess.DEVNULL, cwd="/")

    trained = use_toy(monkeypatch, before=stop)
    out = tmp_path / "out"
    sweep = toy_sweep(tmp_path, design="grid", vary=VARY)
    with pytest.raises(StorageLost, match="ann@127.0.0.1.*cannot be used") as lost:
        search(sweep, output=out, storage=url, report=silent)
    assert "invalid data" not in str(lost.value), "what Optuna guesses is not the cause"
    assert "secret" not in str(lost.value) and "secret" not in (out / "study.json").read_text()
    subprocess.run([*control, "start"], check=True, stdout=subprocess.DEVNULL, cwd="/")
    monkeypatch.setenv("LOREWEAVE_SEARCH_STORAGE", url)
    found = search(sweep, output=out, report=silent)
    assert [row["state"] for row in found.trials] == ["complete"] * 3 and trained == ["0000", "0001", "0002"]
