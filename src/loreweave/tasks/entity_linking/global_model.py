"""Builds and loads LUKE's global model: any LUKE with an entity head, or a published disambiguation model."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from loreweave.checkpoints.formats import hugging_face
from loreweave.corpus.knowledge.entity_table import EntityTable
from loreweave.corpus.mentions.dictionary import MentionDictionary
from loreweave.encoding import EntityTokenizer
from loreweave.errors import CheckpointError
from loreweave.models.dropout_settings import set_hidden_dropout
from loreweave.tasks.entity_linking.candidates import CandidateFinder
from loreweave.tasks.entity_linking.decision import Decision
from loreweave.tasks.entity_linking.description_rows import DescriptionRows, read_map
from loreweave.tasks.entity_linking.encoding import EntityTexts
from loreweave.tasks.entity_linking.global_encoding import GlobalEncoding
from loreweave.tasks.entity_linking.global_network import LukeLinker
from loreweave.tasks.entity_linking.linker import LinkingModel, linker_of
from loreweave.tasks.entity_linking.settings import NAME, EntityLinkingConfig
from loreweave.tasks.model_folders import SETTINGS, describe, settings_of
from loreweave.tasks.starting_points import read_luke, word_limit

KEPT = ("max_length", "description_length", "candidates", "tune_nil", "order", "mask_share", "max_mention_length", "language")
"""Settings that a checkpoint stores."""
START = Decision(similarity_weight=1.0, prior_weight=0.0)
"""The published model takes the best logit, whatever the priors are."""
_NO_LIMIT = 512


def build(source: str, table: EntityTable, dictionary: MentionDictionary | None, config: EntityLinkingConfig) -> LinkingModel:
    """A LUKE with its entity head, whose entity table is not trained.

    Raises:
        CheckpointError: it has no entity head, or no tokenizer.
    """
    loaded = read_luke(source, LukeLinker, config.base, config.entity_aware_attention, config.seed)
    model = loaded.model
    assert isinstance(model, LukeLinker) and loaded.tokenizer is not None
    if any(name.startswith("entity_predictions") for name in loaded.report.new_modules):
        raise CheckpointError(
            f"{source}: found a LUKE without a head for masked entities, expected one pre-trained with them; "
            "head=descriptions links with any encoder"
        )
    settings = {name: getattr(config, name) for name in KEPT}
    describe(model.config, ["linked"], {"task": NAME, "head": "luke", **settings, "decision": START.to_dict()})
    if config.dropout is not None:  # it is set when the modules are made
        set_hidden_dropout(model.config, config.dropout)
        weights, model = model.state_dict(), LukeLinker(model.config)
        model.load_state_dict(weights)
    model.freeze_entities()
    return assemble(model, loaded.tokenizer, table, dictionary, seed=config.seed)


def load(
    path: Path,
    table: EntityTable,
    dictionary: MentionDictionary | None,
    base: str | None = None,
    language: str | None = None,
) -> LinkingModel:
    """A checkpoint of `loreweave finetune entity-linking` that started from a LUKE; `language` is that of other entities."""
    loaded = read_luke(str(path), LukeLinker, base)
    assert isinstance(loaded.model, LukeLinker) and loaded.tokenizer is not None and loaded.format == hugging_face.NAME
    settings = settings_of(path)
    setattr(loaded.model.config, SETTINGS, settings if language is None else {**settings, "language": language})
    loaded.model.eval().has_changed = False
    return assemble(loaded.model, loaded.tokenizer, table, dictionary, read_map(path))


def assemble(
    model: LukeLinker,
    tokenizer: EntityTokenizer,
    table: EntityTable,
    dictionary: MentionDictionary | None,
    fitted: Tensor | None = None,
    *,
    seed: int = 0,
) -> LinkingModel:
    """A linker of its parts, by the settings in its configuration.

    Raises:
        ConfigurationError: the language of the entities is not one of those of the entity vocabulary.
    """
    settings: Mapping[str, Any] = getattr(model.config, SETTINGS)
    limit = word_limit(model, settings["max_length"], tokenizer.max_length) or _NO_LIMIT
    whole = EntityTokenizer(
        tokenizer.word_tokenizer, tokenizer.entity_vocabulary, max_entity_length=sys.maxsize,
        max_mention_length=settings["max_mention_length"], piece_rule=tokenizer.piece_rule,
    )  # fmt: skip
    model.mask_id, model.order = tokenizer.entity_vocabulary.mask_id, settings["order"]
    model.luke.skip_padding = True
    rows = DescriptionRows(model, whole, table, min(settings["description_length"], limit), fitted, settings.get("language"))
    texts = EntityTexts(table, whole.words, min(settings["description_length"], limit))
    encoding = GlobalEncoding(
        whole, CandidateFinder(table, dictionary, settings["candidates"]), texts, limit,
        decision=Decision.from_dict(settings["decision"]), learn_names=dictionary is None,
        rows=rows, original=tokenizer, mask_share=settings["mask_share"], seed=seed,
    )  # fmt: skip
    return linker_of(model, encoding, START)
