"""Typer and decoder of Sparse Latent Typing, in two files next to an encoder's own, which stay a plain Hugging Face folder.

latent_typing.json          sizes, behaviour, and training settings
latent_typing.safetensors   typer, decoder, bias of the words
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch

from loreweave.checkpoints.encoders import load_encoder
from loreweave.checkpoints.head_files import HeadFiles, filled
from loreweave.checkpoints.tensor_files import read_tensors
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.strict_json import in_json
from loreweave.encoding.model_names import resolve
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.models.sparse_typing import SparseTypingConfig, SparseTypingHead, SparseTypingModel

FILES = HeadFiles("latent_typing", "loreweave latent typing")


def recognises(folder: Pathname) -> bool:
    """Whether a folder has a typer."""
    return FILES.description(Path(folder)).is_file()


def save(folder: Pathname, head: SparseTypingHead, training: Mapping[str, Any]) -> None:
    """Write the two files of a head to a model folder, each atomically."""
    FILES.save(Path(folder), dict(head.named_parameters()), {"config": asdict(head.config), "training": dict(training)})


def load_head(folder: Pathname) -> SparseTypingHead:
    """Head of a folder, in evaluation mode, float32, on the CPU.

    Raises:
        CheckpointError: there is none, or it is not ours.
    """
    place = Path(folder)
    path, weights = FILES.description(place), FILES.weights(place)
    if not recognises(place):
        raise CheckpointError(f"{place}: found no {path.name}, expected a model trained with latent typing")
    found = FILES.read(place).get("config")
    given: dict[str, Any] = found if isinstance(found, dict) else {}
    if differing := {item.name for item in fields(SparseTypingConfig)} ^ set(given):
        raise CheckpointError(f"{path}, field 'config': {', '.join(sorted(differing))} are missing or unknown")
    with torch.device("meta"):
        head = SparseTypingHead(SparseTypingConfig(**given))
    return filled(head, read_tensors(weights), weights).float()


def load_into(new: SparseTypingHead, source: str) -> SparseTypingHead:
    """Give a new head the weights of another one of the same sizes, from a folder, a run or a name on the Hub.

    Raises:
        CheckpointError: it has none, or one with other sizes.
        ConfigurationError: it was trained with other settings of the decoder's input.
    """
    folder = resolve(source)
    given = load_head(folder)
    for name in ("double_embedding", "mask_unselected"):
        theirs, ours = getattr(given.config, name), getattr(new.config, name)
        if theirs != ours:
            raise ConfigurationError(
                f"{name}: found {in_json(ours)}, expected {in_json(theirs)}, with which {folder} was trained"
            )
    try:
        new.load_state_dict(given.state_dict())
    except RuntimeError as error:
        raise CheckpointError(f"{folder}: its typer does not fit the encoder ({error})") from None
    return new


def load(folder: Pathname) -> SparseTypingModel:
    """Encoder and head of a folder, in evaluation mode.

    Raises:
        CheckpointError: one of them is missing or cannot be read.
    """
    head = load_head(folder)
    return SparseTypingModel(load_encoder(folder), head).eval()
