"""Files: text in any usual compression, JSON and JSON Lines, and outputs that appear whole or not at all."""

from __future__ import annotations

import bz2
import errno
import gzip
import hashlib
import io
import json
import lzma
import math
import os
import re
import shutil
import time
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from loreweave.corpus import owners
from loreweave.corpus.replacing import check_overwritable
from loreweave.corpus.strict_json import DECODER, NotJsonError, unique_keys
from loreweave.errors import ConfigurationError, DataError

Pathname = str | PathLike[str]

_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
COMPRESSIONS = tuple(_OPENERS)
BROKEN_STREAM = (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error)


def open_binary(path: Pathname, mode: str = "rb") -> BinaryIO:
    """Open a file as bytes, (de)compressed when its name ends in .gz, .xz or .bz2."""
    return cast(BinaryIO, _OPENERS.get(Path(path).suffix.lower(), open)(path, mode))


def content_suffix(path: Pathname) -> str:
    """The suffix that says what a file holds, in lower case: `.jsonl` of `a.jsonl.GZ`; empty when there is none."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    return next((suffix for suffix in reversed(suffixes) if suffix not in COMPRESSIONS), "")


@contextmanager
def open_text(path: Pathname) -> Iterator[TextIO]:
    r"""Open a UTF-8 text file for reading (`with open_text(path) as file`), decompressed by its suffix.

    A byte-order mark is skipped. Only \n, \r\n and \r end a line.

    Raises:
        DataError: the file is missing, its compression is broken, or a line is not UTF-8 (line and byte are named).
    """
    try:
        raw = open_binary(path)
    except FileNotFoundError:
        raise DataError("file not found", path=path) from None
    except IsADirectoryError:
        raise DataError("found a folder, expected a file", path=path) from None
    with io.TextIOWrapper(raw, encoding="utf-8-sig") as file:
        try:
            yield file
        except UnicodeDecodeError as error:
            # The error may come from the caller's own block; the scan tells whether it is this file's.
            line, byte = _first_bad_byte(path)
            if line is None:
                raise
            message = f"found bytes that are not UTF-8 at byte {byte} of the line ({error.reason}), expected UTF-8 text"
            raise DataError(message, path=path, line=line) from None
        except BROKEN_STREAM as error:
            raise DataError(f"broken compressed file ({error})", path=path) from error
        except OSError as error:
            # For a broken stream bz2 raises a bare OSError, which unlike those of the system has no number.
            if error.errno is not None or Path(path).suffix.lower() != ".bz2":
                raise
            raise DataError(f"broken compressed file ({error})", path=path) from error


_LONE_RETURN = re.compile(rb"\r(?!\n)")


def lines_of_bytes(file: Iterable[bytes]) -> Iterator[bytes]:
    r"""Lines that end in \n, \r\n or \r, of a file that gives those up to \n; without the ends in \r."""
    for line in file:
        yield from _LONE_RETURN.split(line) if b"\r" in line else (line,)


def _first_bad_byte(path: Pathname) -> tuple[int | None, int]:
    """Line (from 1) and byte in the line (from 0) of the first byte that is not UTF-8; (None, 0) when there is none."""
    with open_binary(path) as file:
        for number, line in enumerate(lines_of_bytes(file), 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return number, error.start
    return None, 0


def check_replaceable(path: Pathname) -> Path:
    """The path that a new file or folder may take the place of: `path` itself, or the folder that it links to.

    Raises:
        ConfigurationError: it is a mount point, or the working folder lies in it. Such a folder cannot be put elsewhere.
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
    """Yield a temporary path beside `path`; it takes the place of `path` when the block ends without an error.

    The path may become a file or a folder. A folder that already exists at `path` is replaced by a folder, never by a file;
    where `path` links to a folder, that folder is.

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
    return ConfigurationError(f"{path}: found a folder where a file is to be written; name a file, as in {path}/NAME")


_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


@contextmanager
def naming(path: Pathname) -> Iterator[None]:
    """Give the errors of a disk that is full or broken, which name no file, the name of what is written."""
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_ERRORS and error.filename is None:
            error.filename = str(path)
        raise


_TEMPORARY = re.compile(r"\.(?:(?P<owner>[0-9a-f]+-\d+-\d+)-)?[0-9a-f]{12}\.(?P<kind>partial|old)\.(?P<name>.+)", re.DOTALL)
_ABANDONED_AFTER = 24 * 3600.0
"""Seconds without a change after which what another machine (or an older version) was writing counts as abandoned."""


def _temporary(target: Path, kind: str) -> Path:
    """A new name beside `target` that says whose it is. The suffix stays at the end, because it chooses the compression."""
    return target.with_name(f".{owners.Owner.current().mark()}-{uuid.uuid4().hex[:12]}.{kind}.{target.name}")


def is_temporary(name: str) -> bool:
    """Whether a name is one of those that `atomic_path` gives while it writes."""
    return _TEMPORARY.fullmatch(name) is not None


def remove_leftovers(path: Pathname) -> None:
    """Remove what processes that were killed left beside `path` when they wrote it; what a live process writes stays.

    A folder that such a process had put aside, but not replaced yet, comes back.
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
    except FileNotFoundError:  # its owner removes it now
        return False
    return time.time() - changed > _ABANDONED_AFTER


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def write_through(path: Pathname) -> None:
    """Have the system put a file, or all files of a folder, on the disk: what is there then survives a power failure."""
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
    """Open `path` for writing UTF-8 text (compressed by its suffix); the file appears only when the block succeeds."""
    if Path(path).is_dir():
        raise _folder_in_the_way(path)
    with (
        atomic_path(path) as temporary,
        io.TextIOWrapper(open_binary(temporary, "wb"), encoding="utf-8", newline="\n") as file,
    ):
        yield file


@contextmanager
def atomic_folder(path: Pathname, overwrite: bool = False, manifest: str | None = None) -> Iterator[Path]:
    """Yield a temporary folder that becomes `path` when the block succeeds.

    Args:
        path: the folder.
        overwrite: replace what is there, but never a run (see `check_overwritable`).
        manifest: name of the file that every folder of this kind has; a folder without it is not replaced.

    Raises:
        ConfigurationError: `path` exists, is not an empty folder, and `overwrite` is off; or it cannot be replaced.
    """
    target = check_replaceable(path)
    if target.exists() and not target.is_dir():
        raise ConfigurationError(f"{target}: found a file where a folder is to be written")
    if not overwrite and target.is_dir() and any(target.iterdir()):
        raise ConfigurationError(f"{target}: the folder exists and is not empty; choose another or use --overwrite")
    check_overwritable(target, manifest)
    with atomic_path(target) as temporary:
        temporary.mkdir()
        yield temporary


def read_json(path: Pathname) -> Any:
    """Read one JSON document."""
    with open_text(path) as file:
        try:
            return json.load(file, object_pairs_hook=unique_keys)
        except json.JSONDecodeError as error:
            message = f"found broken JSON ({error.msg}, column {error.colno})"
            raise DataError(message, path=path, line=error.lineno) from None
        except NotJsonError as error:
            raise DataError(f"found {error}", path=path) from None


def read_json_lines(path: Pathname) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number from 1, object) for every line that is not blank.

    Raises:
        DataError: a line is not a JSON object, or a key stands twice in it; the file and the line are named.
    """
    for number, value in json_lines_or_errors(path):
        if isinstance(value, DataError):
            raise value
        yield number, value


def json_lines_or_errors(path: Pathname) -> Iterator[tuple[int, dict[str, Any] | DataError]]:
    """The same for who can go on behind a broken line: it yields the error in the object's place."""
    with open_text(path) as file:
        for number, line in enumerate(file, 1):
            if line.isspace():
                continue
            try:
                value = DECODER.decode(line)
            except json.JSONDecodeError as error:
                message = f"found broken JSON ({error.msg}, column {error.colno}), expected one object a line"
                yield number, DataError(message, path=path, line=number)
                continue
            except (NotJsonError, RecursionError, ValueError) as error:
                yield number, DataError(f"found {error}", path=path, line=number)
                continue
            if isinstance(value, dict):
                yield number, value
            else:
                message = f"found a JSON {type(value).__name__}, expected an object"
                yield number, DataError(message, path=path, line=number)


def json_text(value: Any, indent: int | None = None) -> str:
    """JSON as we write it anywhere: non-ASCII characters as they are, and null for a number that is not finite.

    JSON has no word for NaN and infinity; what Python writes for them stops other readers at the whole document.
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


def write_json_lines(path: Pathname, rows: Iterable[Any]) -> int:
    """Write one JSON value a line (`json_text`) and return how many."""
    count, encode = 0, json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode  # json.dumps would make an encoder a row
    with atomic_write(path) as file:
        for row in rows:
            try:
                line = encode(row)
            except ValueError:
                line = json_text(row)
            try:
                file.write(line + "\n")
            except UnicodeEncodeError:  # half a surrogate pair has no UTF-8, but an escape
                file.write(json.dumps(json.loads(line)) + "\n")
            count += 1
    return count


def sha256_of_data(path: Pathname) -> str:
    """SHA-256 of a file, or of the names and hashes of all files in a folder and in the folders within it but hidden ones."""
    place = Path(path)
    if not place.is_dir():
        return sha256_of(place)
    files = sorted(file for file in place.rglob("*") if file.is_file() and not file.name.startswith("."))
    lines = [f"{file.relative_to(place).as_posix()} {sha256_of(file)}\n" for file in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def sha256_of(path: Pathname) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
