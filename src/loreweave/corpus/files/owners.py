"""Which process a file belongs to while it is written, and whether that process still lives."""

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
        host: name of its machine.
        system: where its number means something: the machine's name, in a container with the container's process table.
        process: its number.
        begun: when it began, in the machine's own count; 0 where the system does not say. Numbers are used again.
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
        """Whether the process is still there; None for one of another machine, of which nobody can tell from here."""
        if self.system != _system():
            return None
        if not _exists(self.process):
            return False
        begun = _begun(self.process)
        return not (self.begun and begun and begun != self.begun)

    def mark(self) -> str:
        """The process in a few characters that may stand in the name of a file."""
        return f"{_short(self.system)}-{self.process}-{self.begun}"


def lives(mark: str) -> bool | None:
    """Whether the process behind an `Owner.mark` is still there; None for another machine's, and for what is no mark."""
    system, _, rest = mark.partition("-")
    process, _, begun = rest.partition("-")
    if system != _short(_system()) or not process.isdecimal() or not begun.isdecimal():
        return None
    return Owner("", _system(), int(process), int(begun)).lives()


@cache
def _system() -> str:
    try:
        table = os.readlink("/proc/self/ns/pid")  # Linux: containers count their processes for themselves
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
    return _state(process) != "Z"  # one that has ended and waits for its parent


def _state(process: int) -> str | None:
    fields = _status_fields(process)
    return fields[0] if fields else None


def _begun(process: int) -> int | None:
    fields = _status_fields(process)
    return int(fields[19]) if len(fields) > 19 else None


def _status_fields(process: int) -> list[str]:
    """What Linux says of a process after its name, which may have blanks and brackets in it; nothing on other systems."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
