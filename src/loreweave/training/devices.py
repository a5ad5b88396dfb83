"""Device and number format of a model."""

from __future__ import annotations

import gc
from contextlib import AbstractContextManager, nullcontext
from functools import cache

import torch
from transformers import PreTrainedModel

from loreweave.corpus.counts import counted
from loreweave.errors import ConfigurationError
from loreweave.models.encoder_dropout import use_attention_in_blocks, use_cheap_masks

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str | None = None) -> torch.device:
    """The device of that name (`cpu`, `cuda`, `cuda:1`, `mps`). Default: an accelerator if there is one, otherwise the CPU.

    Raises:
        ConfigurationError: this machine has no such device.
    """
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    if name is None or name == "auto":
        return accelerator or torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigurationError(f"device: found {name!r}, expected cpu, cuda, cuda:<number> or mps") from None
    if device.type != "cpu":
        count = torch.accelerator.device_count() if accelerator is not None and accelerator.type == device.type else 0
        if (device.index or 0) >= count:
            raise ConfigurationError(f"device: found {name!r}, but this machine has {counted(count, f'{device.type} device')}")
    return device


def training_device(name: str | None = None) -> torch.device:
    """`choose_device` for a run of transformers' Trainer, which always uses the first visible device.

    Raises:
        ConfigurationError: no such device, or not the first one.
    """
    device = choose_device(name)
    if device.index:
        raise ConfigurationError(
            f"device: found {name!r}, but training uses the first visible device; set "
            f"CUDA_VISIBLE_DEVICES={device.index} and use device={device.type}"
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
        ConfigurationError: another precision, or fp16 on a CPU, which has no fast kernels for it.
    """
    if precision == "fp32":
        return nullcontext()
    if precision not in _DTYPES:
        raise ConfigurationError(f"precision: found {precision!r}, expected fp32, {' or '.join(_DTYPES)}")
    if precision == "fp16" and device.type == "cpu":
        raise ConfigurationError("precision: fp16 needs a GPU; use fp32 or bf16 on a CPU")
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
