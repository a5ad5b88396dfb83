"""Errors that a user can act on: the command line prints them as one message, without a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike


class LoreweaveError(Exception):
    """Base of every error that names what was found, where, and what was expected."""

    exit_code = 1


class ConfigurationError(LoreweaveError):
    """A wrong setting, recipe or command, which the user must correct (exit status 2)."""

    exit_code = 2


class CheckpointError(LoreweaveError):
    """A checkpoint that cannot be read, or whose tensors do not fit the model."""


class DataError(LoreweaveError):
    """A file whose content is not what its format promises.

    Args:
        message: text that names what was found and what was expected.
        path, line, record, field: the place, as far as it is known; `record` in words ("record 4").

    Example:
        >>> str(DataError("found 'x', expected an integer", path="train.json", line=3, field="start"))
        "train.json, line 3, field 'start': found 'x', expected an integer"
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | PathLike[str] | None = None,
        line: int | None = None,
        record: str | None = None,
        field: str | None = None,
    ) -> None:
        place = [str(path)] if path is not None else []
        place += [f"line {line}"] if line is not None else []
        place += [record] if record is not None else []
        place += [f"field {field!r}"] if field is not None else []
        super().__init__(f"{', '.join(place)}: {message}" if place else message)
        self.message, self.path, self.line, self.record, self.field = message, path, line, record, field


@contextmanager
def records_of(path: str | PathLike[str]) -> Iterator[None]:
    """Name the file in errors about its records that are found after reading, when they are encoded for a model."""
    try:
        yield
    except DataError as error:
        if error.path is not None:
            raise
        raise DataError(error.message, path=path, line=error.line, record=error.record, field=error.field) from None


def reason_of(error: OSError) -> str:
    """What the system found, without its number and the path: `found no such file`.

    Example:
        >>> reason_of(FileNotFoundError(2, "No such file or directory", "a.json"))
        'found no such file'
    """
    for kind, reason in _REASONS.items():
        if isinstance(error, kind):
            return reason
    return (error.strerror or str(error)).lower()


_REASONS: dict[type[OSError], str] = {
    FileNotFoundError: "found no such file",
    IsADirectoryError: "found a folder, expected a file",
    NotADirectoryError: "found a file, expected a folder",
    PermissionError: "found no permission to use it",
    FileExistsError: "found an existing file or folder",
}
