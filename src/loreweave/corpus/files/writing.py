"""Atomic outputs: files, folders, JSON and JSON Lines that appear complete or not at all."""

from __future__ import annotations

import io
import json
import math
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from loreweave.corpus.files import owners
from loreweave.corpus.files.reading import Pathname, naming, open_binary
from loreweave.corpus.files.replacing import check_overwritable
from loreweave.errors import ConfigurationError

_TEMPORARY = re.compile(r"\.(?:(?P<owner>[0-9a-f]+-\d+-\d+)-)?[0-9a-f]{12}\.(?P<kind>partial|old)\.(?P<name>.+)", re.DOTALL)
_ABANDONED_AFTER = 24 * 3600.0
"""Seconds without a change after which the unfinished output of another machine (or older version) counts as abandoned."""


def check_free(path: Path, overwrite: bool) -> None:
    """Raise an error if there is a file or a folder with content, which the user did not allow to replace.

    Raises:
        ConfigurationError: names the option that replaces it.
    """
    if overwrite or not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    what = "the folder exists and is not empty" if path.is_dir() else "the file exists"
    raise ConfigurationError(f"{path}: {what}; choose another or use --overwrite")


def check_replaceable(path: Pathname) -> Path:
    """Path that a new file or folder may replace: `path` itself, or the folder that it links to.

    Raises:
        ConfigurationError: it is a mount point, or contains the working folder. Such a folder cannot be moved.
    """
    if not os.path.isdir(path):
        return Path(path)
    target = Path(path).resolve()
    if os.path.ismount(target):
        raise ConfigurationError(f"{target}: found a mount point, which cannot be replaced; name a folder inside it")
    if Path.cwd().is_relative_to(target):
        raise ConfigurationError(f"{target}: found the working folder there, which cannot be replaced; name a folder inside it")
    return target


@contextmanager
def atomic_path(path: Pathname) -> Iterator[Path]:
    """Yield a temporary path next to `path`, which replaces `path` when the block ends without an error.

    The path may become a file or a folder. An existing folder at `path` is replaced by a folder, never by a file;
    if `path` links to a folder, that folder is replaced.

    Raises:
        ConfigurationError: there is a folder that cannot be replaced (see `check_replaceable`).
    """
    target = check_replaceable(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(target)
    temporary = _temporary(target, "partial")
    try:
        with naming(target):
            yield temporary
        if target.is_dir() and not temporary.is_dir():
            raise _folder_in_the_way(target)
        if target.is_dir():
            old = _temporary(target, "old")
            os.replace(target, old)
            try:
                os.replace(temporary, target)
            except OSError:
                os.replace(old, target)
                raise
            shutil.rmtree(old)
        else:
            os.replace(temporary, target)
    finally:
        _remove(temporary)


def _folder_in_the_way(path: Pathname) -> ConfigurationError:
    return ConfigurationError(f"{path}: found a folder, expected the path of a file, as in {path}/NAME")


def _temporary(target: Path, kind: str) -> Path:
    """New name next to `target` that contains its owner. The suffix stays at the end, because it determines the compression."""
    return target.with_name(f".{owners.Owner.current().mark()}-{uuid.uuid4().hex[:12]}.{kind}.{target.name}")


def is_temporary(name: str) -> bool:
    """Whether a name is a temporary one of `atomic_path`."""
    return _TEMPORARY.fullmatch(name) is not None


def remove_leftovers(path: Pathname) -> None:
    """Remove unfinished outputs for `path` of processes that were killed; those of running processes stay.

    A folder that such a process had moved away, but not yet replaced, is restored.
    """
    target = Path(path)
    for entry in list(os.scandir(target.parent)) if target.parent.is_dir() else []:
        found = _TEMPORARY.fullmatch(entry.name)
        if found is None or found["name"] != target.name or not _abandoned(Path(entry.path), found["owner"]):
            continue
        if found["kind"] == "old" and not target.exists():
            os.replace(entry.path, target)
        else:
            _remove(Path(entry.path))


def _abandoned(path: Path, owner: str | None) -> bool:
    alive = None if owner is None else owners.lives(owner)
    if alive is not None:
        return not alive
    try:
        changed = max(entry.lstat().st_mtime for entry in (path, *path.rglob("*")))
    except FileNotFoundError:  # its owner is removing it
        return False
    return time.time() - changed > _ABANDONED_AFTER


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def write_through(path: Pathname) -> None:
    """Flush a file, or all files of a folder, to the disk, so that it survives a power failure."""
    place = Path(path)
    inside = sorted(place.rglob("*"), reverse=True) if place.is_dir() else []
    for entry in (*inside, place):
        handle = os.open(entry, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def atomic_write(path: Pathname) -> Iterator[TextIO]:
    """Open `path` for writing UTF-8 text (compressed by its suffix); the file appears only if the block succeeds."""
    if Path(path).is_dir():
        raise _folder_in_the_way(path)
    with (
        atomic_path(path) as temporary,
        io.TextIOWrapper(open_binary(temporary, "wb"), encoding="utf-8", newline="\n") as file,
    ):
        yield file


@contextmanager
def atomic_folder(path: Pathname, overwrite: bool = False, manifest: str | None = None) -> Iterator[Path]:
    """Yield a temporary folder that becomes `path` if the block succeeds.

    Args:
        path: the folder.
        overwrite: replace an existing folder, but never a run (see `check_overwritable`).
        manifest: name of the file that every folder of this kind has; a folder without it is not replaced.

    Raises:
        ConfigurationError: `path` exists, is not an empty folder, and `overwrite` is false; or it cannot be replaced.
    """
    target = check_replaceable(path)
    if target.exists() and not target.is_dir():
        raise ConfigurationError(f"{target}: found a file, expected the path of a folder")
    check_free(target, overwrite)
    check_overwritable(target, manifest)
    with atomic_path(target) as temporary:
        temporary.mkdir()
        yield temporary


def json_text(value: Any, indent: int | None = None) -> str:
    """JSON in our format: non-ASCII characters unescaped, and null for a number that is not finite.

    NaN and infinity are not JSON; other readers would refuse the whole document that Python writes for them.
    """
    try:
        return json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    except ValueError:
        return json.dumps(_with_nulls(value), ensure_ascii=False, indent=indent, allow_nan=False)


def _with_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {_with_nulls(key) if isinstance(key, float) else key: _with_nulls(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_with_nulls(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_json(path: Pathname, value: Any) -> None:
    """Write one JSON document (`json_text`), indented."""
    with atomic_write(path) as file:
        file.write(json_text(value, indent=2) + "\n")


def write_text(path: Pathname, text: str) -> None:
    """Write a text as it is."""
    with atomic_write(path) as file:
        file.write(text)


def write_lines(path: Pathname, lines: Iterable[str]) -> None:
    """Write lines of text."""
    with atomic_write(path) as file:
        file.writelines(f"{line}\n" for line in lines)


def write_json_lines(path: Pathname, rows: Iterable[Any]) -> int:
    """Write one JSON value per line (`json_text`) and return their number."""
    count, encode = 0, json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode  # json.dumps creates one per row
    with atomic_write(path) as file:
        for row in rows:
            try:
                line = encode(row)
            except ValueError:
                line = json_text(row)
            try:
                file.write(line + "\n")
            except UnicodeEncodeError:  # an unpaired surrogate has no UTF-8, but an escape
                file.write(json.dumps(json.loads(line)) + "\n")
            count += 1
    return count
