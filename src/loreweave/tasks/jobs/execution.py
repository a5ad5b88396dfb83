"""Execution settings of a job, from the options that the commands and the Python functions have in common."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike

from loreweave.errors import ConfigurationError
from loreweave.tasks.contract import Execution, Reading
from loreweave.tasks.jobs.options import Names, names_of
from loreweave.training.devices import choose_device
from loreweave.training.precision import settle_precision


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
