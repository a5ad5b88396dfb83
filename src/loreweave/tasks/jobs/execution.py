"""Execution settings of a job, from the options that the commands and the Python functions have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path

from loreweave.corpus.class_labels import read_label_names
from loreweave.errors import ConfigurationError
from loreweave.tasks.contract import Execution, Reading
from loreweave.training.devices import choose_device
from loreweave.training.precision import settle_precision

Names = str | PathLike[str] | Sequence[str]
"""Names of classes or tags in the order of their numbers, or the file that holds them."""


def names_of(given: Names | None) -> list[str] | None:
    """The names, which are read if a file is given.

    Raises:
        DataError: the file holds no names.
    """
    if given is None:
        return None
    return read_label_names(Path(given)) if isinstance(given, (str, PathLike)) else list(given)


def reading_of(format: str | None = None, skip_bad: bool = False, tag_names: Names | None = None) -> Reading:
    """Settings of reading data files.

    Raises:
        DataError: the file of `tag_names` holds no names.
    """
    return Reading(format=format, skip_bad=skip_bad, tag_names=tuple(names_of(tag_names) or ()))


def execution_of(
    *,
    device: str | None = None,
    precision: str = "fp32",
    batch_size: int = 32,
    base: str | PathLike[str] | None = None,
    labels: Names | None = None,
    reading: Reading | None = None,
    report: Callable[[str], None] = print,
    advance: Callable[[int], object] | None = None,
) -> Execution:
    """See `Execution`; `labels` may be a file, and `auto` is settled as the precision.

    Raises:
        ConfigurationError: a wrong batch size, device or precision.
        DataError: the file of `labels` holds no names.
    """
    if batch_size < 1:
        raise ConfigurationError(f"--batch-size: found {batch_size}, expected at least 1")
    return Execution(
        device=device, precision=settle_precision(precision, choose_device(device), report), batch_size=batch_size,
        base=None if base is None else str(base), labels=names_of(labels), reading=reading or Reading(), report=report,
        advance=advance,
    )  # fmt: skip
