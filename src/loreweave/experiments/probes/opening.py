"""Opens any encoder for the probes: a plain one, a LUKE of any format, or a checkpoint with a head, which is left out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from transformers import PreTrainedModel

from loreweave.checkpoints.conversion import load_luke
from loreweave.checkpoints.encoders import load_encoder
from loreweave.checkpoints.word_tokenizers import has_tokenizer
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.files.reading import sha256_of
from loreweave.encoding import EntityTokenizer
from loreweave.encoding.model_names import resolve
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.experiments.probes.encoder import FrozenEncoder, MentionStates
from loreweave.experiments.probes.settings import ProbeConfig, States
from loreweave.models import LukeModel
from loreweave.models.word_positions import plain_words
from loreweave.tasks.contract import Execution
from loreweave.tasks.embedding_cache import hash_of_folder
from loreweave.tasks.model_folders import config_of, is_luke, word_tokenizer
from loreweave.tasks.starting_points import word_limit
from loreweave.training.devices import choose_device
from loreweave.training.inference import move
from loreweave.training.quiet import quiet

_NO_TOKENIZER = "found no word tokenizer; give --base FOLDER, the encoder that it started from or another model of its run"


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
        base = _base_of(place, execution.base)
        model, tokenizer = _luke(place, kinds, base) if luke else _plain(place, base)
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


def _luke(place: Path, kinds: Sequence[States], base: Path | None) -> tuple[PreTrainedModel, EntityTokenizer]:
    """A LUKE of any format. A checkpoint in a run has no tokenizer, so that of the base is used."""
    loaded = load_luke(place, LukeModel, base=base)
    if loaded.tokenizer is not None:
        return loaded.model, loaded.tokenizer
    if base is None:
        raise CheckpointError(f"{place}: {_NO_TOKENIZER}")
    if "entities" in kinds:
        return loaded.model, EntityTokenizer.from_pretrained(base)
    return loaded.model, _words(base, loaded.model)


def _plain(place: Path, base: Path | None) -> tuple[PreTrainedModel, EntityTokenizer]:
    """Any other encoder."""
    if getattr(config_of(str(place)), "is_encoder_decoder", False):
        raise CheckpointError(f"{place}: found an encoder with a decoder, expected an encoder alone")
    if base is None and not has_tokenizer(place):
        raise CheckpointError(f"{place}: {_NO_TOKENIZER}")
    model = load_encoder(place)
    return model, _words(base or place, model)


def _words(folder: Path, model: PreTrainedModel) -> EntityTokenizer:
    """The tokenizer of a folder, without entities.

    Raises:
        CheckpointError: it has more words than the encoder.
    """
    words = word_tokenizer(str(folder))
    limit = words.model_max_length if words.model_max_length < 10**6 else None
    tokenizer = EntityTokenizer(words, EntityVocabulary.from_counts({}).with_mask2(), max_length=limit)
    rows = len(cast(nn.Embedding, model.get_input_embeddings()).weight)
    if tokenizer.word_vocabulary_size > rows:
        found = f"{tokenizer.word_vocabulary_size} words in the tokenizer and {rows} in the encoder"
        raise CheckpointError(f"{folder}: found {found}, expected the tokenizer of this encoder")
    return tokenizer


def _base_of(place: Path, asked: str | None) -> Path | None:
    """The folder that has what a checkpoint lacks: the one that was asked for, or the final model of the checkpoint's run.

    Raises:
        ConfigurationError: one is given for a folder that lacks nothing.
    """
    if asked is not None:
        if (place / "config.json").is_file() and has_tokenizer(place):
            raise ConfigurationError(f"--base: {place} has a configuration and a tokenizer of its own; leave it out")
        return resolve(asked)
    final = place.parent.parent / "model"
    in_run = place.parent.name == "checkpoints" and not has_tokenizer(place)
    return final if in_run and has_tokenizer(final) else None


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
