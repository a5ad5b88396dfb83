"""Start of a pre-training run: the model, its word vocabulary and its new heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from loreweave.build.entity_sentences import read_entity_sentences
from loreweave.build.pretraining_set import PretrainingSet
from loreweave.checkpoints.conversion import load_luke
from loreweave.checkpoints.fitting import untrained_modules
from loreweave.checkpoints.new_luke.entity_rows import EntitySources, start_rows_from_reading
from loreweave.checkpoints.new_luke.from_encoder import EntitiesStart, luke_from_encoder
from loreweave.corpus.counts import counted, listed
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.encoding import EntityTokenizer
from loreweave.encoding.model_names import resolve
from loreweave.errors import ConfigurationError
from loreweave.models import LukeForMaskedLM, LukeModel
from loreweave.models.dropout_settings import set_all_dropout
from loreweave.models.luke.attention import LukeSelfAttention
from loreweave.pretraining.configuration import READ_STARTS, PretrainingConfig
from loreweave.tasks.model_folders import is_luke
from loreweave.training.devices import autocast, choose_attention, choose_device
from loreweave.training.settings.fields import default_of

_OF_A_NEW_LUKE = ("entities_start", "entity_embedding_size", "entity_occurrences")
"""Settings that are read if a LUKE is made from another encoder."""


@dataclass
class Start:
    """A model ready for pre-training.

    Attributes:
        model: None for a graph with entities in a table, and then there is no tokenizer either.
        tokenizer: tokenizer that is saved with the model.
        words: the fast word tokenizer inside it.
        vocabulary: entity vocabulary; None for a word-only run, also of a LUKE.
        new_modules: heads that are still random.
        notes: lines for the user about what is new.
    """

    model: PreTrainedModel | None
    tokenizer: EntityTokenizer | PreTrainedTokenizerFast | None
    words: PreTrainedTokenizerFast | None
    vocabulary: EntityVocabulary | None
    new_modules: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def start(config: PretrainingConfig, sets: Sequence[PretrainingSet]) -> Start:
    """Load or build the model of `config`, and check that the data sets were built for it."""
    if config.model is None:
        if sets:
            raise ConfigurationError("model: found null, expected an encoder for `data`")
        return Start(None, None, None, None)
    vocabulary = common_vocabulary(sets)
    folder = resolve(config.model)
    begun = _load(config, folder, vocabulary, sets)
    if config.word_only:
        begun.vocabulary = None
    assert begun.model is not None and begun.words is not None
    check_sets(config.model, begun, sets)
    _apply_settings(begun.model, config)
    return begun


def _load(
    config: PretrainingConfig, folder: Path, vocabulary: EntityVocabulary | None, sets: Sequence[PretrainingSet]
) -> Start:
    """A LUKE unchanged; another encoder as a LUKE, or plain if nothing needs entities."""
    assert config.model is not None
    if is_luke(str(folder)):
        return _luke(config, folder)
    if config.word_only or vocabulary is None:
        return _plain(config, folder)
    return _new_luke(config, folder, vocabulary, sets)


def common_vocabulary(sets: Sequence[PretrainingSet]) -> EntityVocabulary | None:
    """Entity vocabulary of the sets that have one (plain text has none)."""
    found = [(data.path, data.vocabulary) for data in sets if data.vocabulary is not None]
    for path, other in found[1:]:
        if other.to_hugging_face() != found[0][1].to_hugging_face():
            raise ConfigurationError(f"{path} has another entity vocabulary than {found[0][0]}")
    return found[0][1] if found else None


def _plain(config: PretrainingConfig, path: Path) -> Start:
    if config.freeze_entity_embeddings:
        reason = "word_only=true" if config.word_only else "data without links"
        raise ConfigurationError(f"freeze_entity_embeddings: found true, but {config.model} has no entities with {reason}")
    tokenizer = AutoTokenizer.from_pretrained(path)
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise ConfigurationError(f"{config.model} has a slow tokenizer ({type(tokenizer).__name__}); a fast one is needed")
    model_config = AutoConfig.from_pretrained(path)
    set_all_dropout(model_config, config.dropout)
    model, report = AutoModelForMaskedLM.from_pretrained(path, config=model_config, output_loading_info=True)
    heads = [name for name, _ in model.named_children() if name != model.base_model_prefix]
    missing = [head for head in heads if any(key.startswith(f"{head}.") for key in report["missing_keys"])]
    return Start(model, tokenizer, tokenizer, None, [*dict.fromkeys([*missing, *untrained_modules(model.config)])])


def _luke(config: PretrainingConfig, folder: Path) -> Start:
    loaded = load_luke(folder, LukeForMaskedLM, entity_aware_attention=config.entity_aware_attention)
    if loaded.tokenizer is None or loaded.vocabulary is None:
        raise ConfigurationError(f"{config.model} has no tokenizer or entity vocabulary to pre-train with")
    if config.entity_texts is not None:
        raise ConfigurationError(
            f"entity_texts: found {config.entity_texts}, but {config.model} is a LUKE, which keeps its entities; leave it out"
        )
    new = untrained_modules(loaded.model.config)
    begun = Start(loaded.model, loaded.tokenizer, loaded.tokenizer.word_tokenizer, loaded.vocabulary, new)
    unread = [name for name in _OF_A_NEW_LUKE if getattr(config, name) != default_of(PretrainingConfig, name)]
    if unread:
        begun.notes.append(f"{config.model} is a LUKE, which keeps its entities and does not read {listed(unread, 3)}")
    return begun


def _new_luke(config: PretrainingConfig, folder: Path, vocabulary: EntityVocabulary, sets: Sequence[PretrainingSet]) -> Start:
    reads = config.entities_start in READ_STARTS
    built = luke_from_encoder(
        folder,
        vocabulary,
        entity_embedding_size=config.entity_embedding_size,
        entities_start="words" if reads else cast(EntitiesStart, config.entities_start),
        seed=config.seed,
    )
    words = built.tokenizer.word_tokenizer
    begun = Start(built.model, built.tokenizer, words, vocabulary, list(built.new_modules))
    if reads:
        for data in sets:
            _check_words(words, data)
        sources = _sources(config, vocabulary, sets)
        with autocast(sources.device, config.precision):
            begun.notes.append(start_rows_from_reading(built.model, built.tokenizer, sources))
    return begun


def _sources(config: PretrainingConfig, vocabulary: EntityVocabulary, sets: Sequence[PretrainingSet]) -> EntitySources:
    """What is read for the rows of entities."""
    return EntitySources(
        sets=[data.dataset for data in sets] if config.entities_start == "occurrences" else (),
        sentences={} if config.entity_texts is None else read_entity_sentences(config.entity_texts, vocabulary),
        occurrences=config.entity_occurrences,
        max_words=config.max_words,
        seed=config.seed,
        device=choose_device(config.device),
    )


def check_sets(model: str, begun: Start, sets: Sequence[PretrainingSet]) -> None:
    """Check that sets were built for a model.

    Raises:
        ConfigurationError: a set has another word tokenizer or another entity vocabulary.
    """
    for data in sets:
        assert begun.words is not None
        _check_words(begun.words, data)
    vocabulary = common_vocabulary(sets)
    if begun.vocabulary is not None and vocabulary is not None:
        _check_entities(begun.vocabulary, vocabulary, model, sets[0])


def _check_words(words: PreTrainedTokenizerFast, data: PretrainingSet) -> None:
    if data.manifest["tokenizer"]["sha256"] is None:  # converted from a set that names its tokenizer only
        return
    own = data.tokenizer().get_vocab()
    ids = words.get_vocab()
    differing = next((token for token, token_id in own.items() if ids.get(token) != token_id), None)
    if differing is not None:
        raise ConfigurationError(
            f"{data.path} was made with another word tokenizer: it has {differing!r} as {own[differing]}, "
            f"the model's has {ids.get(differing)}"
        )


def _check_entities(own: EntityVocabulary, given: EntityVocabulary, model: str, data: PretrainingSet) -> None:
    """A model's vocabulary may have `[MASK2]` when the data's has not; otherwise they must be equal."""
    if own.with_mask2().to_hugging_face() != given.with_mask2().to_hugging_face():
        raise ConfigurationError(
            f"{model} has another entity vocabulary ({counted(len(own), 'row')}) than the data {data.path} "
            f"({counted(len(given), 'row')}); build the data with the model's vocabulary"
        )


def _apply_settings(model: PreTrainedModel, config: PretrainingConfig) -> None:
    choose_attention(model, choose_device(config.device), config.precision, config.attention)
    if isinstance(model.base_model, LukeModel):
        model.base_model.skip_padding = config.skip_padding
    if config.dropout is not None:
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = config.dropout
            elif isinstance(module, LukeSelfAttention):
                module.dropout = config.dropout
        set_all_dropout(model.config, config.dropout)
    if not config.entity_prediction_bias and hasattr(model, "entity_predictions"):
        bias = model.get_parameter("entity_predictions.bias")
        nn.init.zeros_(bias)  # `freeze` keeps it so
