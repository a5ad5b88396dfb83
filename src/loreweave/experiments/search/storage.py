"""Where Optuna keeps a study: a journal file by default, or a database that a URL names."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import optuna
from optuna.storages import BaseStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

from loreweave.errors import ConfigurationError, LoreweaveError

JOURNAL = "journal.log"
"""Default storage: a file in the folder of the study."""
STORAGE_VARIABLE = "LOREWEAVE_SEARCH_STORAGE"
"""Environment variable with the URL, for workers: it can have a password, which is not written to files."""

_LOST = (OSError, optuna.exceptions.StorageInternalError, KeyError, ValueError)
"""Errors of a storage that cannot be reached or read, or from which the study has been removed; and those of SQLAlchemy."""


_WRONG_URLS = ("ArgumentError", "NoSuchModuleError")
"""Errors of SQLAlchemy about a URL."""

EXAMPLES = "postgresql+pg8000://user@host/database or sqlite:///study.db"
_DRIVER = "pg8000"
"""Driver of PostgreSQL in the extra `search`, for URLs that name none."""


class StorageLost(LoreweaveError):
    """The storage of a study cannot be reached."""


class StudyStorage:
    """The storage of a study, which notices when its file is removed: Optuna would write on, into nothing.

    Args:
        folder: folder of the study.
        url: URL of a database; None: the journal file in the folder.
        fresh: whether the storage is made if it does not exist.

    Raises:
        StorageLost: it cannot be opened.
        ConfigurationError: a URL that is none, or whose driver is not installed.
    """

    def __init__(self, folder: Path, url: str | None, *, fresh: bool) -> None:
        self.folder, self.url = folder, url
        self.path = folder / JOURNAL if url is None else _file_of(url)
        if self.path is not None and not fresh and not self.path.exists():
            raise self._lost("the file does not exist")
        with self.reachable():
            self.storage: BaseStorage = self._open()
        self._inode = self.path.stat().st_ino if self.path is not None else None

    @property
    def shown(self) -> str:
        """The place, without a password."""
        return str(self.path) if self.url is None else without_password(self.url)

    def _open(self) -> BaseStorage:
        if self.url is None:
            assert self.path is not None
            backend = JournalFileBackend(str(self.path))
            _end_last_line(self.path)
            return optuna.storages.JournalStorage(backend)
        logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)  # it would show tracebacks of connections that are lost
        try:
            return RDBStorage(with_driver(self.url), engine_kwargs={"pool_pre_ping": True})
        except ImportError as error:
            missing = str(getattr(error, "__cause__", None) or error)
            raise ConfigurationError(
                f"--storage {self.shown}: the driver of the database is not installed ({missing}); the driver of "
                "PostgreSQL is in the extra `search`: pip install 'loreweave[search]', with a URL such as "
                f"postgresql+{_DRIVER}://user@host/database"
            ) from None
        except Exception as error:
            if not isinstance(error, (ValueError, TypeError)) and type(error).__name__ not in _WRONG_URLS:
                raise
            raise ConfigurationError(f"--storage {self.shown}: {error}; expected a URL such as {EXAMPLES}") from None

    @contextmanager
    def reachable(self) -> Iterator[None]:
        """Turn errors of the storage into one message.

        Raises:
            StorageLost: the storage is gone.
        """
        if self.path is not None and getattr(self, "_inode", None) is not None:
            try:
                same = self.path.stat().st_ino == self._inode
            except OSError as error:
                raise self._lost(str(error)) from None
            if not same:
                raise self._lost("the file was replaced")
        try:
            yield
        except Exception as error:
            if isinstance(error, _LOST) or type(error).__module__.partition(".")[0] == "sqlalchemy":
                raise self._lost(_first_line(error)) from error
            raise

    def _lost(self, why: str) -> StorageLost:
        return StorageLost(
            f"the storage of the search, {self.shown}, cannot be used: {why}. The runs are kept in {self.folder}; make the "
            "storage available again, and the same command continues the search"
        )


def with_driver(url: str) -> str:
    """The URL with the driver of the extra `search`, if it is one of PostgreSQL that names no driver.

    Example:
        >>> with_driver("postgresql://ann@db.example.org/study")
        'postgresql+pg8000://ann@db.example.org/study'
    """
    scheme, sign, rest = url.partition("://")
    return f"postgresql+{_DRIVER}{sign}{rest}" if scheme in ("postgresql", "postgres") else url


def without_password(url: str) -> str:
    """A URL that can be shown and written.

    Example:
        >>> without_password("postgresql://ann:secret@db.example.org/study")
        'postgresql://ann@db.example.org/study'
    """
    parts = urlsplit(url)
    if re.search("(?i)pass", parts.query):  # ?password= and ?sslpassword= of PostgreSQL
        kept = [part for part in parts.query.split("&") if not re.match("(?i)[^=]*pass", part)]
        parts = parts._replace(query="&".join(kept))
        url = urlunsplit(parts)
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{host}")) if at else url


def _file_of(url: str) -> Path | None:
    """The file of an SQLite database."""
    scheme, _, rest = url.partition("://")
    if scheme.partition("+")[0] != "sqlite" or rest in ("", "/", "/:memory:"):
        return None
    return Path(rest[1:].partition("?")[0])


def _end_last_line(path: Path) -> None:
    """Remove an incomplete last line, which a killed process can leave and which would make later lines unreadable."""
    lock = JournalFileSymlinkLock(str(path))
    lock.acquire()
    try:
        with open(path, "rb+") as file:
            text = file.read()
            if text and not text.endswith(b"\n"):
                file.truncate(text.rfind(b"\n") + 1)
                os.fsync(file.fileno())
    finally:
        lock.release()


def _first_line(error: Any) -> str:
    """The error in a line; of one of Optuna, which explains it by the data, its cause."""
    if isinstance(error, optuna.exceptions.StorageInternalError) and error.__cause__ is not None:
        error = error.__cause__
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    return next((line for line in text.splitlines() if line.strip()), type(error).__name__)
