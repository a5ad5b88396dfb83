"""Reading text, compressed or not, JSON and JSON Lines; and the hash of a file."""

from __future__ import annotations

import bz2
import codecs
import errno
import gzip
import hashlib
import io
import json
import lzma
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from loreweave.corpus.files.missing import Pathname as Pathname
from loreweave.corpus.files.missing import file_not_found
from loreweave.corpus.files.strict_json import DECODER, NotJsonError, broken_json, kind_of, unique_keys
from loreweave.errors import DataError

_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
COMPRESSIONS = tuple(_OPENERS)
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
FOUND_UTF16 = "found UTF-16, expected UTF-8 ('iconv -f UTF-16 -t UTF-8' converts it)"
_BINARY_FORMATS = {
    b"PK\x03\x04": "a zip archive, expected text: unpack it first",
    b"\x1f\x8b": "data of gzip, but the name does not end in .gz: rename the file",
    b"\xfd7zXZ\x00": "data of xz, but the name does not end in .xz: rename the file",
    b"BZh": "data of bzip2, but the name does not end in .bz2: rename the file",
    b"(\xb5/\xfd": "data of zstd, expected text: 'zstd -d' decompresses it",
    **{bytes([0x80, protocol]): "a pickle, expected text" for protocol in range(2, 6)},
}
"""First bytes of files that are not text -> what they are, and the way out."""
_BROKEN_STREAM = (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error)

_LONE_RETURN = re.compile(rb"\r(?!\n)")


_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def open_binary(path: Pathname, mode: str = "rb") -> BinaryIO:
    """Open a file as bytes, (de)compressed if its name ends in .gz, .xz or .bz2."""
    return cast(BinaryIO, _OPENERS.get(Path(path).suffix.lower(), open)(path, mode))


def content_suffix(path: Pathname) -> str:
    """Suffix that determines the content, in lower case: `.jsonl` for `a.jsonl.GZ`; empty if there is none."""
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
        raise file_not_found(path) from None
    except IsADirectoryError:
        raise DataError("found a folder, expected a file", path=path) from None
    with io.TextIOWrapper(raw, encoding="utf-8-sig") as file, naming_broken(path):
        try:
            yield file
        except UnicodeDecodeError as error:
            # The error may come from the caller's own block; the scan shows whether it is this file's.
            line, byte = _first_bad_byte(path)
            if line is None:
                raise
            message = f"found bytes that are not UTF-8 at byte {byte} of the line ({error.reason}), expected UTF-8 text"
            if (line, byte) == (1, 0) and _begins_as_utf16(path):
                message = FOUND_UTF16
            elif (other := _binary_format(path)) is not None:
                raise DataError(f"found {other}", path=path) from None
            raise DataError(message, path=path, line=line) from None


@contextmanager
def naming_broken(path: Pathname) -> Iterator[None]:
    """Turn errors of the broken compression of a file, which lack its name, into those of the file.

    Raises:
        DataError: its compression is broken.
    """
    try:
        yield
    except _BROKEN_STREAM as error:
        raise DataError(f"broken compressed file ({error})", path=path) from error
    except OSError as error:
        # For a broken stream bz2 raises a bare OSError, which has no error number, unlike those of the system.
        if error.errno is not None or Path(path).suffix.lower() != ".bz2":
            raise
        raise DataError(f"broken compressed file ({error})", path=path) from error


def lines_of_bytes(file: Iterable[bytes]) -> Iterator[bytes]:
    r"""Lines that end in \n, \r\n or \r, from a file that yields lines up to \n; without the ends in \r."""
    for line in file:
        yield from _LONE_RETURN.split(line) if b"\r" in line else (line,)


def _first_bad_byte(path: Pathname) -> tuple[int | None, int]:
    """Line (from 1) and byte in the line (from 0) of the first byte that is not UTF-8; (None, 0) if there is none."""
    with open_binary(path) as file:
        for number, line in enumerate(lines_of_bytes(file), 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return number, error.start
    return None, 0


def _binary_format(path: Pathname) -> str | None:
    """What a file is whose first bytes are those of a known format that is not text."""
    with open_binary(path) as file:
        head = file.read(8)
    return next((name for magic, name in _BINARY_FORMATS.items() if head.startswith(magic)), None)


def _begins_as_utf16(path: Pathname) -> bool:
    with open_binary(path) as file:
        return file.read(2) in UTF16_MARKS


@contextmanager
def naming(path: Pathname) -> Iterator[None]:
    """Add the name of the written file to errors of a full or broken disk, which lack it."""
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_ERRORS and error.filename is None:
            error.filename = str(path)
        raise


def read_json(path: Pathname) -> Any:
    """Read one JSON document."""
    with open_text(path) as file:
        try:
            return json.load(file, object_pairs_hook=unique_keys)
        except json.JSONDecodeError as error:
            raise DataError(f"found {broken_json(error)}", path=path, line=error.lineno) from None
        except NotJsonError as error:
            raise DataError(f"found {error}", path=path) from None


def read_json_lines(path: Pathname) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number from 1, object) for every line that is not blank.

    Raises:
        DataError: a line is not a JSON object, or a key is repeated in it; names the file and the line.
    """
    for number, value in json_lines_or_errors(path):
        if isinstance(value, DataError):
            raise value
        yield number, value


def json_lines_or_errors(path: Pathname) -> Iterator[tuple[int, dict[str, Any] | DataError]]:
    """As `read_json_lines`, but for callers that continue after a broken line: yields the error instead of the object."""
    with open_text(path) as file:
        for number, line in enumerate(file, 1):
            if not line.isspace():
                yield number, line_value(number, line, path)


def line_value(number: int, line: str, path: Pathname) -> dict[str, Any] | DataError:
    """The object of a line, or its error."""
    try:
        value = DECODER.decode(line)
    except json.JSONDecodeError as error:
        return DataError(f"found {broken_json(error)}, expected one object per line", path=path, line=number)
    except (NotJsonError, RecursionError, ValueError) as error:
        return DataError(f"found {error}", path=path, line=number)
    return value if isinstance(value, dict) else not_an_object(value, path, number)


def not_an_object(value: Any, path: Pathname | None = None, line: int | None = None) -> DataError:
    """Error for a JSON value in the place of an object."""
    return DataError(f"found {kind_of(value, 'JSON')}, expected an object", path=path, line=line)


def sha256_of_data(path: Pathname) -> str:
    """SHA-256 of a file, or of the names and hashes of all files in a folder and its subfolders, except hidden ones."""
    place = Path(path)
    if not place.is_dir():
        return sha256_of(place)
    lines = [f"{name} {digest}\n" for name, digest in hashes_of_folder(place, subfolders=True).items()]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def hashes_of_folder(folder: Path, subfolders: bool = False) -> dict[str, str]:
    """SHA-256 of each file in a folder (and its subfolders) by its path there, except hidden files."""
    files = sorted(file for file in folder.glob("**/*" if subfolders else "*") if file.is_file())
    return {file.relative_to(folder).as_posix(): sha256_of(file) for file in files if not file.name.startswith(".")}


def sha256_of(path: Pathname) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
