"""The `--precision` of commands that run a model without training it."""

from __future__ import annotations

from typing import Annotated

import typer

from loreweave.cli.console import say

PrecisionOption = Annotated[
    str, typer.Option("--precision", help="Number format: fp32, bf16, fp16, or auto (bf16 where it is faster).")
]


def settled(precision: str, device: str | None) -> str:
    """A number format in place of `auto`, with a line about it; torch is loaded."""
    from loreweave.training.devices import choose_device
    from loreweave.training.precision import settle_precision

    return settle_precision(precision, choose_device(device), say)
