"""One process at a time in a run's folder: who holds it, and when a holder counts as gone."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from loreweave.corpus.files.owners import Owner
from loreweave.errors import ConfigurationError, LoreweaveError
from loreweave.training.runs.lock import FILE, PATIENCE, RunLock, is_held

HOLD = """
import sys, time
from pathlib import Path
from loreweave.training.runs.lock import RunLock
RunLock(Path(sys.argv[1])).take()
print("taken", flush=True)
sys.stdin.readline()
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    """A process that holds the folder until it is told to end."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdout.readline() == "taken\n"
    return child


def write(folder: Path, owner: Owner, age: float = 0.0) -> Path:
    """A lock as another process left it so many seconds ago."""
    path = folder / FILE
    path.write_text(json.dumps({**asdict(owner), "since": "2026-01-01T00:00:00+00:00", "name": "theirs"}))
    now = path.stat().st_mtime
    os.utime(path, (now - age, now - age))
    return path


def test_a_live_process_is_named_and_a_killed_one_is_not_waited_for(tmp_path: Path) -> None:
    child = hold(tmp_path)
    with pytest.raises(ConfigurationError, match=f"process {child.pid} on .* since 20"):
        RunLock(tmp_path).take()
    child.kill()
    child.wait()
    assert (tmp_path / FILE).exists()
    mine = RunLock(tmp_path)
    mine.take()
    assert json.loads((tmp_path / FILE).read_text())["process"] == os.getpid()
    mine.release()
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_ends_gives_the_folder_back(tmp_path: Path) -> None:
    hold(tmp_path).communicate("\n")
    assert list(tmp_path.iterdir()) == []


def test_a_process_may_take_what_it_has(tmp_path: Path) -> None:
    first, second = RunLock(tmp_path), RunLock(tmp_path)
    first.take()
    second.take()
    first.release()
    assert (tmp_path / FILE).exists()
    second.release()
    assert not (tmp_path / FILE).exists()


def test_another_machine_is_waited_for_while_it_shows_signs_of_life(tmp_path: Path) -> None:
    elsewhere = Owner("node7", "node7 pid:[1]", 4242, 5)
    path = write(tmp_path, elsewhere, age=PATIENCE - 30)
    with pytest.raises(ConfigurationError, match=r"process 4242 on node7 .* remove .*lock\.json"):
        RunLock(tmp_path).take()
    assert path.exists()
    write(tmp_path, elsewhere, age=PATIENCE + 30)
    RunLock(tmp_path).take()
    assert json.loads(path.read_text())["process"] == os.getpid()


def test_a_number_that_is_used_again_is_another_process(tmp_path: Path) -> None:
    own = Owner.current()
    if not own.begun:
        pytest.skip("this system does not say when a process began")
    write(tmp_path, replace(own, begun=own.begun - 1))
    RunLock(tmp_path).take()


OWNER = '"host": "a", "system": "b", "begun": 5'


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"process": 1', b"\xff\xfe", f'{{"process": "x", {OWNER}}}'.encode(),
     f'{{"process": 1e30, {OWNER}}}'.encode(), f'{{"process": null, {OWNER}}}'.encode(),
     f'{{"process": 7, {OWNER}}}'.encode(), f'{{"process": 7, "since": 3, {OWNER}}}'.encode()],
)  # fmt: skip
def test_a_lock_that_is_just_written_or_broken_is_waited_for(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / FILE
    path.write_bytes(content)
    assert is_held(tmp_path), "as long as it may be new"
    with pytest.raises(ConfigurationError, match="another process is starting a run"):
        RunLock(tmp_path).take()
    os.utime(path, (1e9, 1e9))
    RunLock(tmp_path).take()


def test_half_a_lock_on_a_full_disk_keeps_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(value: object, file: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match=r"No space left on device: .*lock\.json"):
        patch.setattr("loreweave.training.runs.lock.json.dump", full)
        RunLock(tmp_path).take()
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_lost_the_folder_notices(tmp_path: Path) -> None:
    mine = RunLock(tmp_path)
    mine.take()
    mine.confirm()
    write(tmp_path, Owner("node7", "node7", 1, 1))
    with pytest.raises(LoreweaveError, match="taken over"):
        mine.confirm()
    mine.release()
    assert (tmp_path / FILE).exists()  # it is theirs


def test_who_asks_learns_whether_a_folder_is_held_and_leaves_it_as_it_is(tmp_path: Path) -> None:
    assert not is_held(tmp_path) and not is_held(tmp_path / "none")
    child = hold(tmp_path)
    assert is_held(tmp_path)
    child.kill()
    child.wait()
    before = (tmp_path / FILE).read_bytes()
    assert not is_held(tmp_path)
    elsewhere = Owner("node7", "node7 pid:[1]", 4242, 5)
    assert (tmp_path / FILE).read_bytes() == before
    write(tmp_path, elsewhere, age=PATIENCE - 30)
    assert is_held(tmp_path)
    write(tmp_path, elsewhere, age=PATIENCE + 30)
    assert not is_held(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
