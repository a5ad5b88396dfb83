"""Where a model runs, and in which number format."""

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
    """The device of that name (`cpu`, `cuda`, `cuda:1`, `mps`), or an accelerator where there is one, else the CPU.

    Raises:
        ConfigurationError: no such device in this machine.
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
    """`choose_device` for a run by transformers' Trainer, which always takes the first device that it sees.

    Raises:
        ConfigurationError: no such device, or another than the first.
    """
    device = choose_device(name)
    if device.index:
        raise ConfigurationError(
            f"device: found {name!r}, but training runs on the first device that it sees; set "
            f"CUDA_VISIBLE_DEVICES={device.index} and use device={device.type}"
        )
    return device


@cache
def restore_on_numbered_cpus() -> None:
    """Let `torch.load` restore to "cpu:1", the device of the second of several processes on a CPU.

    transformers before 5.23 asks for that where such a run resumes, and torch knows plain "cpu" alone. It is registered once,
    for torch keeps an order of priorities in which none comes twice.
    """
    torch.serialization.register_package(
        priority=100,
        tagger=lambda storage: None,
        deserializer=lambda storage, location: storage if location.startswith("cpu:") else None,
    )


def close_process_group() -> None:
    """End the processes' connection at the end of a parallel run; nothing in a run of one process."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        gc.collect()  # what still holds the group (DDP's reducer) would end it later, and may wait for ever
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
    """Let `model` train with the kernels that suit the device.

    On a GPU these are the fused ones. On a CPU dropout gets its masks from us, and so does attention with dropout, which
    torch has no fused kernel for there; in bf16 the kernels are plain ones, because torch's fused backward pass took 2 to
    10 times as long as plain matrix products (benchmarks/attention.md).

    Args:
        model: is changed in memory only; what is saved says nothing of it.
        device, precision: where it trains, and in which number format.
        wanted: the attention function, by transformers' name; `auto` chooses it.
    """
    if device.type == "cpu":
        use_cheap_masks(model)
    if wanted != "auto":
        model.set_attn_implementation(wanted)
    elif device.type == "cpu":
        use_attention_in_blocks(model)
        if precision == "bf16" and model.config.model_type == "luke":
            model.set_attn_implementation("eager")
