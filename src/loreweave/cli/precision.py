"""Option `--precision` of commands that run a model without training it."""

from __future__ import annotations

from typing import Annotated

import typer

from loreweave.cli.console import say

PrecisionOption = Annotated[
    str, typer.Option("--precision", help="Number format: fp32, bf16, fp16, or auto (bf16 if it is faster).")
]


def settled(precision: str, device: str | None) -> str:
    """The number format to use for `auto`, reported in a line; loads torch."""
    from loreweave.training.devices import choose_device
    from loreweave.training.precision import settle_precision

    return settle_precision(precision, choose_device(device), say)
