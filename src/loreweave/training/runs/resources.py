"""Time and memory that this process used."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

GIB = 2**30


def peak_memory_gib() -> float:
    """Peak memory of this process, GiB."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux, where `ru_maxrss` is inherited from the process that started this one
        lines = status.read_text(encoding="utf-8").splitlines()
        found = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), None)
        if found is not None:
            return found * 1024 / GIB
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage counts bytes there
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIB


def peak_device_memory_gib(device: torch.device | None = None) -> float | None:
    """Peak memory of this process on a device, GiB; None where torch does not count it.

    Args:
        device: Default: the accelerator on which the process has computed.
    """
    from loreweave.training import accelerators

    used = device or accelerators.in_use()
    peak = None if used is None else accelerators.peak_memory(used)
    return None if peak is None else peak / GIB


class Meter:
    """Measures usage from its creation. `earlier` is the usage of earlier parts of the same work, in the same form."""

    def __init__(self, earlier: Mapping[str, Any] | None = None) -> None:
        self.earlier = dict(earlier or {})
        self.began, self.cpu_began = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        """Wall-clock and CPU seconds of all parts, and the peak memory of any part (GiB), of this process."""
        sums = {"seconds": time.perf_counter() - self.began, "cpu_seconds": time.process_time() - self.cpu_began}
        most = {"peak_memory_gib": peak_memory_gib()}
        if (on_device := peak_device_memory_gib()) is not None:
            most["peak_device_memory_gib"] = on_device
        used = {name: value + self.earlier.get(name, 0.0) for name, value in sums.items()}
        used |= {name: max(value, self.earlier.get(name, 0.0)) for name, value in most.items()}
        return {name: round(value, 3) for name, value in used.items()}
