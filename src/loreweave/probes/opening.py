"""Opens any encoder for the probes: a plain one, a LUKE of any format, or a checkpoint with a head, which is left out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from loreweave.checkpoints.encoders import load_encoder
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.files.reading import sha256_of
from loreweave.encoding import EntityTokenizer
from loreweave.encoding.model_names import resolve
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.models import LukeModel
from loreweave.models.word_positions import plain_words
from loreweave.probes.encoder import FrozenEncoder, MentionStates
from loreweave.probes.settings import ProbeConfig
from loreweave.tasks.contract import Execution
from loreweave.tasks.embedding_cache import hash_of_folder
from loreweave.tasks.starting_points import config_of, is_luke, read_luke, word_limit, word_tokenizer
from loreweave.training.devices import choose_device
from loreweave.training.inference import move
from loreweave.training.quiet import quiet


def open_encoder(name: str, config: ProbeConfig, execution: Execution) -> list[FrozenEncoder]:
    """The encoder of that name, once for each kind of states; a plain encoder has words only.

    Raises:
        CheckpointError: there is no readable encoder.
        ConfigurationError: only entities are asked for, and it is not a LUKE; or it has no such layer.
    """
    place = resolve(name)
    luke = is_luke(str(place))
    kinds = [kind for kind in config.states if luke or kind == "words"]
    if not kinds:
        raise ConfigurationError(f"{name}: states=entities needs a LUKE, found another encoder; use states=words,entities")
    with quiet():
        model, tokenizer = _luke(place, execution) if luke else _plain(place, execution)
    layers = _check_layer(model, config.layer, name)
    tokenizer.max_entity_length = sys.maxsize
    tokenizer.max_length = word_limit(model, config.max_length, tokenizer.max_length)
    move(model, choose_device(execution.device)).eval()
    facts = {
        "path": str(place),
        "sha256": hash_of_folder(place) if place.is_dir() else sha256_of(place),
        "family": str(model.config.model_type),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "hidden_size": int(model.config.hidden_size),
        "layers": layers,
        "max_length": tokenizer.max_length,
    }
    opened = []
    for kind in kinds:
        own = _for_words(tokenizer) if kind == "words" else tokenizer
        states = MentionStates(model, config.layer, kind == "entities")
        column = name if kind == "words" else f"{name} (entities)"
        opened.append(FrozenEncoder(column, states, own, kind, facts, execution.batch_size, execution.precision))
    return opened


def _luke(place: Path, execution: Execution) -> tuple[PreTrainedModel, EntityTokenizer]:
    loaded = read_luke(str(place), LukeModel, execution.base)
    assert loaded.tokenizer is not None, "checked by read_luke"
    return loaded.model, loaded.tokenizer


def _plain(place: Path, execution: Execution) -> tuple[PreTrainedModel, EntityTokenizer]:
    if execution.base is not None:
        raise ConfigurationError(f"--base is for a LUKE in an older format, found another encoder in {place}; leave it out")
    if getattr(config_of(str(place)), "is_encoder_decoder", False):
        raise CheckpointError(f"{place}: found an encoder with a decoder, expected an encoder alone")
    words = word_tokenizer(str(place))
    limit = words.model_max_length if words.model_max_length < 10**6 else None
    return load_encoder(place), EntityTokenizer(words, EntityVocabulary.from_counts({}).with_mask2(), max_length=limit)


def _for_words(tokenizer: EntityTokenizer) -> EntityTokenizer:
    """A tokenizer that keeps all sub-words of a mention, because their mean is its vector."""
    return EntityTokenizer(
        tokenizer.word_tokenizer,
        tokenizer.entity_vocabulary,
        max_mention_length=sys.maxsize,
        max_entity_length=sys.maxsize,
        max_length=tokenizer.max_length,
        piece_rule=tokenizer.piece_rule,
    )


@torch.inference_mode()
def _check_layer(model: PreTrainedModel, layer: int, name: str) -> int:
    """Number of layers.

    Raises:
        ConfigurationError: there is no such layer.
    """
    encoder: Any = model.eval()
    layers = len(encoder(input_ids=plain_words(model), output_hidden_states=True).hidden_states) - 1
    if not -layers - 1 <= layer <= layers:
        numbers = f"0 (the embeddings) to {layers}, or -{layers + 1} to -1"
        raise ConfigurationError(f"layer: found {layer}, expected {numbers}, the layers of {name}")
    return layers
