"""The process that is writing a file, and whether that process is still running."""

from __future__ import annotations

import hashlib
import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Owner:
    """A process.

    Attributes:
        host: name of the machine.
        system: scope of the process number: the machine's name, in a container also the container's process table.
        process: process number.
        begun: start time in the machine's own count; 0 if the system does not report it. Process numbers are reused.
    """

    host: str
    system: str
    process: int
    begun: int

    @classmethod
    def current(cls) -> Owner:
        """This process."""
        return cls(socket.gethostname(), _system(), os.getpid(), _begun(os.getpid()) or 0)

    def lives(self) -> bool | None:
        """Whether the process is still running; None for a process of another machine, where this is unknown."""
        if self.system != _system():
            return None
        if not _exists(self.process):
            return False
        begun = _begun(self.process)
        return not (self.begun and begun and begun != self.begun)

    def mark(self) -> str:
        """Short form of the process for file names."""
        return f"{_short(self.system)}-{self.process}-{self.begun}"


def lives(mark: str) -> bool | None:
    """Whether the process of an `Owner.mark` is running; None for another machine's, and for a string that is not a mark."""
    system, _, rest = mark.partition("-")
    process, _, begun = rest.partition("-")
    if system != _short(_system()) or not process.isdecimal() or not begun.isdecimal():
        return None
    return Owner("", _system(), int(process), int(begun)).lives()


@cache
def _system() -> str:
    try:
        table = os.readlink("/proc/self/ns/pid")  # Linux: containers have their own process numbers
    except OSError:
        table = ""
    return f"{socket.gethostname()} {table}".strip()


def _short(system: str) -> str:
    return hashlib.blake2b(system.encode(), digest_size=4).hexdigest()


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _state(process) != "Z"  # zombies have ended


def _state(process: int) -> str | None:
    fields = _status_fields(process)
    return fields[0] if fields else None


def _begun(process: int) -> int | None:
    fields = _status_fields(process)
    return int(fields[19]) if len(fields) > 19 else None


def _status_fields(process: int) -> list[str]:
    """Fields of Linux's process status after the name, which may contain blanks and brackets; empty on other systems."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
