"""Device and number format of a model."""

from __future__ import annotations

import gc
from contextlib import AbstractContextManager, nullcontext
from functools import cache

import torch
from transformers import PreTrainedModel

from loreweave.errors import ConfigurationError
from loreweave.models.encoder_dropout import use_attention_in_blocks, use_cheap_masks
from loreweave.training import accelerators

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str | None = None) -> torch.device:
    """The device of that name: `cpu`, `cuda`, `cuda:1`, `xpu`, `mps`. Default, or `auto`: the first accelerator, else the CPU.

    Raises:
        ConfigurationError: no such device; the message lists those of this machine.
    """
    if name is None or name == "auto":
        return torch.device(next(iter(accelerators.kinds_here()), "cpu"))
    try:
        device = torch.device(name)
    except RuntimeError:
        raise accelerators.unknown(name) from None
    accelerators.check(device, name)
    return device


def training_device(name: str | None = None) -> torch.device:
    """`choose_device` for a run of transformers' Trainer, which always uses the first visible device.

    Raises:
        ConfigurationError: no such device, or not the first one.
    """
    device = choose_device(name)
    if device.index:
        variable = accelerators.VISIBLE.get(device.type)
        way_out = f"set {variable}={device.index} and use" if variable else "use"
        raise ConfigurationError(
            f"device: found {name!r}, but training uses the first visible device; {way_out} device={device.type}"
        )
    return device


@cache
def restore_on_numbered_cpus() -> None:
    """Let `torch.load` restore to "cpu:1", the device of the second of several processes on a CPU.

    transformers before 5.23 asks for it when such a run resumes, but torch knows only "cpu". It is registered once,
    since torch keeps a list of priorities without duplicates.
    """
    torch.serialization.register_package(
        priority=100,
        tagger=lambda storage: None,
        deserializer=lambda storage, location: storage if location.startswith("cpu:") else None,
    )


def close_process_group() -> None:
    """Destroy the process group at the end of a parallel run; does nothing for a single process."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        gc.collect()  # remaining references to the group (DDP's reducer) would destroy it later, and may wait for ever
        torch.distributed.destroy_process_group()


def autocast(device: torch.device, precision: str) -> AbstractContextManager[None]:
    """Mixed precision for `bf16` and `fp16`, nothing for `fp32`.

    Raises:
        ConfigurationError: another precision, fp16 on a CPU, which has no fast kernels for it, or bf16 on an accelerator
            without it.
    """
    if precision == "fp32":
        return nullcontext()
    if precision not in _DTYPES:
        raise ConfigurationError(f"precision: found {precision!r}, expected fp32, {' or '.join(_DTYPES)}")
    if precision == "fp16" and device.type == "cpu":
        raise ConfigurationError("precision: fp16 needs a GPU; use fp32 or bf16 on a CPU")
    if precision == "bf16" and not accelerators.has_bf16(device.type):
        raise ConfigurationError(f"precision: this {device.type} device has no bf16; use fp16 or fp32")
    return torch.autocast(device.type, dtype=_DTYPES[precision])


def choose_attention(model: PreTrainedModel, device: torch.device, precision: str, wanted: str = "auto") -> None:
    """Choose the kernels that suit the device for training `model`.

    On a GPU these are the fused ones. On a CPU, dropout uses our own masks, and so does attention with dropout, for
    which torch has no fused kernel there. In bf16 the kernels are plain ones, because torch's fused backward pass took 2 to
    10 times as long as plain matrix products (benchmarks/attention.md).

    Args:
        model: changed in memory only; saved files do not depend on it.
        device, precision: device and number format of the training.
        wanted: attention function, by transformers' name; `auto` chooses it.
    """
    if device.type == "cpu":
        use_cheap_masks(model)
    if wanted != "auto":
        model.set_attn_implementation(wanted)
    elif device.type == "cpu":
        use_attention_in_blocks(model)
        if precision == "bf16" and model.config.model_type == "luke":
            model.set_attn_implementation("eager")
