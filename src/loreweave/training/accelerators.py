"""Accelerators of this machine: NVIDIA and AMD GPUs (`cuda`), Intel GPUs (`xpu`), Apple's (`mps`), others that torch knows."""

from __future__ import annotations

from typing import Any

import torch

from loreweave.errors import ConfigurationError

KINDS = ("cuda", "xpu", "mps")
"""In the order of the automatic choice."""

_BUILDS = {"cuda": "CUDA", "xpu": "XPU", "mps": "MPS"}
VISIBLE = {"cuda": "CUDA_VISIBLE_DEVICES", "xpu": "ZE_AFFINITY_MASK"}
"""Environment variables that choose among several devices, before the program starts."""


def kinds_here() -> list[str]:
    """Kinds of accelerators of this machine, in the order of the automatic choice."""
    found = [kind for kind in KINDS if _is_available(kind)]
    other = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return found if other is None or other.type in (*KINDS, "cpu") else [*found, other.type]


def count(kind: str) -> int:
    """Number of devices of a kind: 0 if this machine has none, 1 for `cpu`."""
    if kind == "cpu":
        return 1
    return _module(kind).device_count() if kind in kinds_here() else 0


def devices_here() -> list[str]:
    """Names for `--device`: `cuda:0`, `cuda:1`, `mps`; `cpu` is the last."""
    names = []
    for kind in kinds_here():
        number = count(kind)
        names += [kind] if kind == "mps" else [f"{kind}:{index}" for index in range(number)]
    return [*names, "cpu"]


def check(device: torch.device, name: str) -> None:
    """Raise ConfigurationError, which lists what there is, if this machine lacks the device.

    Args:
        device: what was asked for.
        name: the words in which it was.
    """
    if device.type not in (*KINDS, "cpu", *kinds_here()):
        raise unknown(name)
    if (device.index or 0) >= count(device.type):
        raise ConfigurationError(f"device: found {name!r}, but this machine has {_listed()}{_reason(device.type)}")


def unknown(name: str) -> ConfigurationError:
    """Error for a name of no device."""
    return ConfigurationError(
        f"device: found {name!r}, expected auto, cpu, {', '.join(KINDS)}, or one of several, such as cuda:1; "
        f"this machine has {_listed()}"
    )


def product_name(kind: str, index: int | None = None) -> str:
    """Name of a device, as its maker calls it; the kind where torch does not know it. Default: the current device."""
    ask = getattr(_module(kind), "get_device_name", None)
    if ask is None:
        return kind
    return str(ask() if index is None else ask(index))


def product_names() -> list[str]:
    """Names of all accelerators of this machine."""
    return [product_name(kind, index) for kind in kinds_here() for index in range(count(kind))]


def peak_memory(device: torch.device) -> int | None:
    """Peak memory of this process on a device, in bytes; None where torch does not count it (`cpu`, `mps`)."""
    ask = None if device.type == "cpu" else getattr(_module(device.type), "max_memory_allocated", None)
    return None if ask is None else int(ask(device))


def forget_peak_memory(device: torch.device) -> None:
    """Count the peak memory of a device from now on, where torch counts it."""
    if device.type != "cpu" and hasattr(_module(device.type), "reset_peak_memory_stats"):
        _module(device.type).reset_peak_memory_stats(device)


def in_use() -> torch.device | None:
    """The accelerator on which this process has computed, None if there is none."""
    for kind in kinds_here():
        ask = getattr(_module(kind), "is_initialized", None)
        if ask is not None and ask():
            return torch.device(kind)
    return None


def has_bf16(kind: str, in_hardware: bool = False) -> bool:
    """Whether devices of a kind compute in bf16.

    Args:
        kind: `cpu` or a kind of this machine.
        in_hardware: not if it is emulated, which is slow.
    """
    if kind == "mps":
        return torch.backends.mps.is_macos_or_newer(14, 0) and not in_hardware
    ask = None if kind == "cpu" else getattr(_module(kind), "is_bf16_supported", None)
    return ask is None or bool(ask(including_emulation=not in_hardware))


def pins_memory(kind: str) -> bool:
    """Whether batches in page-locked memory are copied faster to devices of this kind."""
    return kind not in ("cpu", "mps")


def _module(kind: str) -> Any:
    return torch.get_device_module(kind)


def _is_available(kind: str) -> bool:
    return bool(torch.backends.mps.is_available() if kind == "mps" else getattr(torch, kind).is_available())


def _listed() -> str:
    *others, last = devices_here()
    return f"{', '.join(others)} and {last}" if others else f"only {last}"


def _reason(kind: str) -> str:
    """Why torch sees no device of this kind, if its build is the reason."""
    built = {
        "cuda": torch.backends.cuda.is_built(),
        "xpu": getattr(torch.version, "xpu", None) is not None,
        "mps": torch.backends.mps.is_built(),
    }
    return "" if built.get(kind, True) else f"; torch {torch.__version__} is built without {_BUILDS[kind]}"
