"""Choice of the number format for `precision=auto`.

On a processor with instructions for bf16, a large product is two to eight times faster in bf16; without them, a training step
takes four times as long as in float32. Products are therefore timed, once per process. Several processes must agree, so
they do not time and use the processor's own information. torch and transformers are imported only by the functions that need
them, because settings are read without them.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from loreweave.training.runs.inputs import recorded_setting

if TYPE_CHECKING:
    import torch

Precision = Literal["auto", "fp32", "bf16", "fp16"]
"""Number format of matrix products; `auto` chooses the faster one on this machine."""

_ENOUGH = 1.5
"""Minimum speed-up of products in bf16; the rest of a step gains nothing, and casts take time."""
_SIZES = (256, 768, 768)
_REPEATS = 5
_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
"""Linux's names of the instructions, on x86 and on ARM."""
_CPU_INFORMATION = Path("/proc/cpuinfo")
ConfigT = TypeVar("ConfigT")


def _to_standard_error(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@dataclasses.dataclass(frozen=True)
class Choice:
    """A number format, and the reason for it in a few words."""

    precision: str
    reason: str


def settle_precision(wanted: str, device: torch.device, report: Callable[[str], None] = _to_standard_error) -> str:
    """Return `wanted`, or for `auto` the better choice on `device`, which is reported in one line."""
    if wanted != "auto":
        return wanted
    choice = best_precision(device.type)
    report(f"precision: {choice.precision} (auto: {choice.reason})")
    return choice.precision


def with_settled_precision(
    config: ConfigT, device: torch.device, report: Callable[[str], None] = _to_standard_error, resumed: Path | None = None
) -> ConfigT:
    """The configuration of a run with a number format instead of `auto`.

    Args:
        config: a dataclass with `precision`.
        device: device of the run.
        report: called with the choice, in one line.
        resumed: folder of the run that is resumed. It keeps its format; a different choice of this machine is reported.
    """
    settings: Any = config
    if settings.precision != "auto":
        return config
    begun = None if resumed is None else recorded_precision(resumed)
    if begun is None:
        precision = settle_precision("auto", device, report)
    else:
        precision, choice = begun, best_precision(device.type)
        other = "" if choice.precision == begun else f"; this machine would choose {choice.precision}: {choice.reason}"
        report(f"precision: {begun}, as the run began{other}")
    settled: ConfigT = dataclasses.replace(settings, precision=precision)
    return settled


def recorded_precision(run: Path) -> str | None:
    """The number format in a run's `config.json`, None if there is none."""
    found = recorded_setting(run, "precision")
    return found if isinstance(found, str) and found != "auto" else None


def best_precision(device: str) -> Choice:
    """Choice for a kind of device, for this process's share of a run."""
    return _best(device, int(os.environ.get("WORLD_SIZE", "1")))


@cache
def _best(device: str, processes: int) -> Choice:
    if device != "cpu":
        return _of_accelerator(device)
    native = has_bf16_instructions()
    if native is False:
        return Choice("fp32", "the processor has no instructions for bf16")
    if processes > 1:
        if native:
            return Choice("bf16", "the processor has instructions for bf16")
        return Choice("fp32", "the processor does not say whether it has instructions for bf16")
    full, half = time_products()
    reason = f"a matrix product takes {1000 * half:.1f} ms in bf16, {1000 * full:.1f} ms in fp32"
    return Choice("bf16" if full >= _ENOUGH * half else "fp32", reason)


def _of_accelerator(kind: str) -> Choice:
    from loreweave.training import accelerators

    if kind == "mps":
        return Choice("fp32", "bf16 is not known to be faster on mps")
    name = accelerators.product_name(kind)
    if accelerators.has_bf16(kind, in_hardware=True):
        return Choice("bf16", f"{name} computes in bf16")
    return Choice("fp32", f"{name} has no bf16; fp16 may be faster there")


def has_bf16_instructions() -> bool | None:
    """Whether the processor lists instructions for bf16; None if the system does not report it."""
    try:
        lines = _CPU_INFORMATION.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    listed = next((line for line in lines if line.partition(":")[0].strip().lower() in ("flags", "features")), None)
    return None if listed is None else not _FLAGS.isdisjoint(listed.partition(":")[2].split())


def time_products() -> tuple[float, float]:
    """Seconds of the same matrix product in float32 and in bf16, each the best of several."""
    import torch

    rows, inner, columns = _SIZES
    pairs = [
        (torch.ones(rows, inner, dtype=dtype), torch.ones(inner, columns, dtype=dtype))
        for dtype in (torch.float32, torch.bfloat16)
    ]
    best = [float("inf"), float("inf")]
    for _ in range(1 + _REPEATS):  # the first includes the compilation of kernels, and is never the best
        for index, (left, right) in enumerate(pairs):
            began = time.perf_counter()
            torch.mm(left, right)
            best[index] = min(best[index], time.perf_counter() - began)
    return best[0], best[1]
