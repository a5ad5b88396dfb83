"""Builds linkers over descriptions: a bi-encoder on any encoder."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from loreweave.checkpoints.encoders import lacking_weights
from loreweave.corpus.knowledge.entity_table import EntityTable
from loreweave.corpus.mentions.dictionary import MentionDictionary
from loreweave.encoding.words.tokenizer import stated_limit
from loreweave.models.dropout_settings import set_hidden_dropout
from loreweave.tasks.entity_linking.candidates import CandidateFinder
from loreweave.tasks.entity_linking.decision import Decision
from loreweave.tasks.entity_linking.encoding import DescriptionEncoding, EntityTexts, linking_tokenizer
from loreweave.tasks.entity_linking.global_network import LukeLinker
from loreweave.tasks.entity_linking.linker import LinkingModel, linker_of
from loreweave.tasks.entity_linking.network import DescriptionLinker, EntityVectors, Inputs
from loreweave.tasks.entity_linking.settings import NAME, EntityLinkingConfig
from loreweave.tasks.model_folders import SETTINGS, config_of, describe, read_all, word_tokenizer
from loreweave.tasks.starting_points import word_limit

_NO_LIMIT = 128
KEPT = ("max_length", "description_length", "candidates", "nearest", "temperature", "tune_nil")
"""Settings that a checkpoint stores."""


def build(source: str, table: EntityTable, dictionary: MentionDictionary | None, config: EntityLinkingConfig) -> LinkingModel:
    """Any encoder that `AutoModel` knows, as a linker; the checkpoint stores the settings in `config.json`.

    Raises:
        CheckpointError: there is no readable encoder.
    """
    settings = {name: getattr(config, name) for name in KEPT}
    model_config = config_of(source)
    weights = Decision(similarity_weight=1 / config.temperature)
    describe(model_config, ["linked"], {"task": NAME, "head": "descriptions", **settings, "decision": weights.to_dict()})
    set_hidden_dropout(model_config, config.dropout)
    model, missing, _ = read_all(DescriptionLinker, source, model_config)
    if missing:
        raise lacking_weights(source, missing)
    return assemble(model, word_tokenizer(source), table, dictionary, hard_negatives=config.hard_negatives)


def load(path: Path, table: EntityTable, dictionary: MentionDictionary | None) -> LinkingModel:
    """A checkpoint of `loreweave finetune entity-linking` that started from a plain encoder."""
    model, missing, _ = read_all(DescriptionLinker, str(path), config_of(str(path)))
    if missing:
        raise lacking_weights(str(path), missing)
    return assemble(model.eval(), word_tokenizer(str(path)), table, dictionary)


def over_words_of(luke: LukeLinker, encoding: DescriptionEncoding, table: EntityTable) -> LinkingModel:
    """A linker over descriptions of the words of a LUKE, whose weights it shares; it needs no names of entities."""
    config, defaults = deepcopy(luke.config), EntityLinkingConfig()
    kept = {name: getattr(defaults, name) for name in KEPT} | getattr(config, SETTINGS)
    setattr(config, SETTINGS, kept | {"decision": Decision(similarity_weight=1 / defaults.temperature).to_dict()})
    with torch.device("meta"):  # no memory for weights that are not used
        model = DescriptionLinker(config)
    model.set_submodule(model.base_model_prefix, luke.luke)
    found = assemble(model, encoding.tokenizer.word_tokenizer, table, None)
    found.encoding.look_up = False
    return found


def assemble(
    model: DescriptionLinker,
    words: Any,
    table: EntityTable,
    dictionary: MentionDictionary | None,
    *,
    hard_negatives: int = 2,
    stored: Callable[[np.ndarray], Tensor] | None = None,
) -> LinkingModel:
    """A linker of its parts, by the settings in its configuration."""
    settings = getattr(model.config, SETTINGS)
    tokenizer = linking_tokenizer(words)
    limit = word_limit(model, settings["max_length"], stated_limit(words)) or _NO_LIMIT
    texts = EntityTexts(table, tokenizer.words, min(settings["description_length"], limit))
    finder = CandidateFinder(table, dictionary, settings["candidates"])
    model.entities = EntityVectors(texts, partial(encode_entities, model), stored)
    encoding = DescriptionEncoding(
        tokenizer, finder, texts, limit, hard_negatives, Decision.from_dict(settings["decision"]), dictionary is None
    )
    return linker_of(model, encoding, Decision(similarity_weight=1 / settings["temperature"]))


@torch.inference_mode()
def encode_entities(model: DescriptionLinker, inputs: Inputs) -> Tensor:
    """Vectors of a batch of entities' texts on the model's device."""
    device = next(model.parameters()).device
    return model.entity_vectors(*(torch.from_numpy(inputs[name]).to(device) for name in ("input_ids", "attention_mask")))
