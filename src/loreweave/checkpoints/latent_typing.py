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
from loreweave.checkpoints.tensor_files import read_tensors, write_safetensors
from loreweave.corpus.files.manifests import read_description
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.writing import atomic_path, write_json
from loreweave.encoding.model_names import resolve
from loreweave.errors import CheckpointError, ConfigurationError, DataError
from loreweave.models.sparse_typing import SparseTypingConfig, SparseTypingHead, SparseTypingModel

FORMAT = "loreweave latent typing"
FORMAT_VERSION = 1
DESCRIPTION, WEIGHTS = "latent_typing.json", "latent_typing.safetensors"


def recognises(folder: Pathname) -> bool:
    """Whether a folder has a typer."""
    return (Path(folder) / DESCRIPTION).is_file()


def save(folder: Pathname, head: SparseTypingHead, training: Mapping[str, Any]) -> None:
    """Write the two files of a head to a model folder, each atomically."""
    place = Path(folder)
    with atomic_path(place / WEIGHTS) as temporary:
        write_safetensors(dict(head.named_parameters()), temporary)
    described = {"config": asdict(head.config), "training": dict(training)}
    write_json(place / DESCRIPTION, {"format": FORMAT, "version": FORMAT_VERSION, **described})


def load_head(folder: Pathname) -> SparseTypingHead:
    """Head of a folder, in evaluation mode, float32, on the CPU.

    Raises:
        CheckpointError: there is none, or it is not ours.
    """
    place = Path(folder)
    if not recognises(place):
        raise CheckpointError(f"{place}: found no {DESCRIPTION}, expected a model trained with latent typing")
    path = place / DESCRIPTION
    try:
        found = read_description(path, FORMAT, FORMAT_VERSION).get("config")
    except DataError as error:
        raise CheckpointError(str(error)) from None
    given: dict[str, Any] = found if isinstance(found, dict) else {}
    if differing := {item.name for item in fields(SparseTypingConfig)} ^ set(given):
        raise CheckpointError(f"{path}, field 'config': {', '.join(sorted(differing))} are missing or unknown")
    with torch.device("meta"):
        head = SparseTypingHead(SparseTypingConfig(**given))
    try:
        head.load_state_dict(read_tensors(place / WEIGHTS), assign=True)
    except RuntimeError as error:
        raise CheckpointError(f"{place / WEIGHTS}: {error}") from None
    return head.float().eval()


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
            raise ConfigurationError(f"{name}: found {ours}, expected {theirs}, with which {folder} was trained")
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
