"""Lock of a run's folder, which one process at a time can use.

`lock.json` names its holder: machine, process and time. The holder touches the file every half minute as a sign of life. For
a holder on this machine, the system tells whether it is running; one on another machine counts as ended after five minutes
without a sign of life.
"""

from __future__ import annotations

import atexit
import json
import os
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints

from loreweave.corpus.files.owners import Owner
from loreweave.corpus.files.reading import naming
from loreweave.errors import ConfigurationError, LoreweaveError

FILE = "lock.json"
BEAT, PATIENCE = 30.0, 300.0  # seconds
_OWNER = tuple(field.name for field in fields(Owner))
_SINCE = "since"
_KINDS = {**get_type_hints(Owner), _SINCE: str}
"""Types of the fields of a lock that are read; a value of another type counts as missing."""


class RunLock:
    """Holds a folder from `take` to `release`, or to the end of the process. A process may take its own lock again."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._name = ""
        self._stop = threading.Event()

    def take(self) -> None:
        """Lock the folder, which must exist.

        Raises:
            ConfigurationError: a running process has it (the message names it), or one whose state is unknown.
        """
        owner = Owner.current()
        self._name = uuid.uuid4().hex
        said = asdict(owner) | {_SINCE: datetime.now(UTC).isoformat(timespec="seconds"), "name": self._name}
        while not self._create(said):
            holder = self._holder()
            if holder is None:
                continue  # it has just been released
            if not self._is_own(holder, owner):
                self._refuse_live(holder)
            self._put_away(holder)
        atexit.register(self.release)
        threading.Thread(target=self._beat, name="sign of life of a run", daemon=True).start()

    def _create(self, said: dict[str, Any]) -> bool:
        try:
            file = open(self.path, "x", encoding="utf-8")  # noqa: SIM115  # closed below
        except FileExistsError:
            return False
        try:
            with naming(self.path), file:
                json.dump(said, file)
        except OSError:
            self.path.unlink(missing_ok=True)  # an incomplete lock would keep everybody out
            raise
        return True

    def _holder(self) -> dict[str, Any] | None:
        return _holder(self.path, self._now)

    def _now(self) -> float:
        """Time by the clock of the disk, which may be another machine's."""
        probe = self.path.with_name(f".{uuid.uuid4().hex}.clock")
        try:
            probe.touch()
            return probe.stat().st_mtime
        finally:
            probe.unlink(missing_ok=True)

    @staticmethod
    def _is_own(holder: dict[str, Any], owner: Owner) -> bool:
        return all(holder.get(name) == value for name, value in asdict(owner).items())

    def _refuse_live(self, holder: dict[str, Any]) -> None:
        if not _counts_as_live(holder):
            return
        if any(name not in holder for name in _KINDS):
            raise ConfigurationError(f"{self.path}: another process is starting a run here; wait, or choose another folder")
        who = f"process {holder['process']} on {holder['host']} has been using this folder since {holder[_SINCE]}"
        if _owner(holder).lives():
            raise ConfigurationError(f"{self.path.parent}: {who}; wait for it, stop it, or choose another folder")
        raise ConfigurationError(
            f"{self.path.parent}: {who}, its last sign of life was {holder['age']:.0f} s ago; wait for it, or choose another "
            f"folder. Without a sign of life for {PATIENCE:.0f} s the folder is free again; if you know that the process "
            f"has ended, remove {self.path}"
        )

    def _put_away(self, holder: dict[str, Any]) -> None:
        """Remove the lock of a process that has ended, but no other lock that has replaced it."""
        aside = self.path.with_name(f".{uuid.uuid4().hex}.{FILE}")
        try:
            os.rename(self.path, aside)
        except FileNotFoundError:
            return
        if _name_in(aside) != holder.get("name"):
            with suppress(FileExistsError):
                os.link(aside, self.path)
        aside.unlink()

    def _beat(self) -> None:
        while not self._stop.wait(BEAT):
            with suppress(OSError):
                if _name_in(self.path) == self._name:
                    os.utime(self.path)

    def confirm(self) -> None:
        """Raise a `LoreweaveError` if another process has taken the folder, because it considered this one ended."""
        holder = None if _name_in(self.path) in (None, self._name) else self._holder()
        if holder is not None and not self._is_own(holder, Owner.current()):
            raise LoreweaveError(f"{self.path.parent}: another process has taken over this run, so this one stops")

    def release(self) -> None:
        """Release the folder."""
        self._stop.set()
        atexit.unregister(self.release)
        with suppress(OSError):
            if _name_in(self.path) == self._name:
                self.path.unlink()


def is_held(folder: Path) -> bool:
    """Whether a live process holds the folder. Nothing is written, so the age of a lock is by the clock of this machine."""
    holder = _holder(folder / FILE, time.time)
    return holder is not None and _counts_as_live(holder)


def _holder(path: Path, now: Callable[[], float]) -> dict[str, Any] | None:
    """Content of a lock; only its age if it is being written or broken. None if there is no file."""
    try:
        content = path.read_bytes()
        age = now() - path.stat().st_mtime
    except FileNotFoundError:
        return None
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    found = found if isinstance(found, dict) else {}
    wrong = [name for name, kind in _KINDS.items() if name in found and not isinstance(found[name], kind)]
    return {name: value for name, value in found.items() if name not in wrong} | {"age": age}


def _owner(holder: dict[str, Any]) -> Owner:
    return Owner(*(holder[name] for name in _OWNER))


def _counts_as_live(holder: dict[str, Any]) -> bool:
    """Whether the holder runs; if that is unknown, whether it has shown a sign of life."""
    alive = _owner(holder).lives() if all(name in holder for name in _OWNER) else None
    return holder["age"] <= PATIENCE if alive is None else alive


def _name_in(path: Path) -> str | None:
    """The token of the lock in a file; None if there is none, or none that can be read."""
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["name"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
