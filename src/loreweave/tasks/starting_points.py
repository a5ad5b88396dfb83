"""Prepares an encoder for a task: labels, marker tokens, small entity table, dropout."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from transformers import PreTrainedModel

from loreweave.checkpoints.encoders import lacking_weights
from loreweave.checkpoints.loading import LoadedCheckpoint
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.encoding import MARKER_TOKENS, EntityTokenizer, add_marker_tokens
from loreweave.encoding.words.tokenizer import stated_limit
from loreweave.errors import CheckpointError
from loreweave.models.dropout_settings import set_hidden_dropout
from loreweave.models.word_positions import usable_positions
from loreweave.tasks.mentions.marker_classifier import MarkerClassifier
from loreweave.tasks.model_folders import SETTINGS, config_of, describe, read_all, word_tokenizer
from loreweave.training.class_names import are_numbered, label_names, name_classes
from loreweave.training.quiet import quiet
from loreweave.training.settings.finetuning import EncoderSettings, LukeSettings

MARKER_STARTS = dict(zip(MARKER_TOKENS, ("@", "#"), strict=True))
"""Tokens whose rows are copied to the new markers."""

FOUR_MARKER_STARTS = {"<e1>": '"', "<e2>": "$", "</e1>": "#", "</e2>": "%"}
"""Four markers of two mentions, the opening ones first, and the tokens that they are copied from: those that KEPLER's
released code uses directly, the first four of GPT-2's vocabulary."""


def start_luke_encoder(
    source: str, cls: type[PreTrainedModel], labels: Sequence[str], config: LukeSettings, **settings: Any
) -> tuple[PreTrainedModel, EntityTokenizer]:
    """A new model of `cls` whose `encoder` has the weights of a LUKE of any format, without a head and a pooler.

    The arguments are those of `start_luke`.
    """
    from loreweave.models import LukeForEntityPairClassification

    started, tokenizer = start_luke(source, LukeForEntityPairClassification, labels, config, **settings)
    model = cls(started.config)
    weights = started.get_submodule("luke").state_dict()
    encoder = model.get_submodule("encoder")
    encoder.load_state_dict({name: tensor for name, tensor in weights.items() if not name.startswith("pooler.")})
    return model, tokenizer


def start_luke(
    source: str,
    cls: type[PreTrainedModel],
    labels: Sequence[str],
    config: LukeSettings,
    *,
    classifier_bias: bool | None = None,
    states: int | None = None,
    **settings: Any,
) -> tuple[PreTrainedModel, EntityTokenizer]:
    """A LUKE with a new classifier; see `start_luke_head` for the rest.

    Args:
        source: folder, archive or hub name.
        cls: class of the head, which is `classifier`.
        labels: names of the classes.
        config: entity-aware attention, dropout and limits are read from it.
        classifier_bias: whether the new classifier has a bias. Default: as the class.
        states: number of hidden states that it reads. Default: as the class.
        settings: stored in the checkpoint's `config.json`.
    """
    model, tokenizer = start_luke_head(source, cls, labels, config, **settings)
    if classifier_bias is not None:
        model.config.classifier_bias = classifier_bias
    new_classifier(model, len(labels), config.seed, classifier_bias, states)
    return model, tokenizer


def start_luke_head(
    source: str,
    cls: type[PreTrainedModel],
    labels: Sequence[str],
    config: LukeSettings,
    *,
    more_markers: Mapping[str, str] | None = None,
    keep_head: bool = False,
    keep_entities: bool = False,
    **settings: Any,
) -> tuple[PreTrainedModel, EntityTokenizer]:
    """A LUKE of any format with a new head, special entities only, and both marker tokens; its old head is left out.

    Args:
        source: folder, archive or hub name.
        cls: class of the head; its initial values depend on the seed only.
        labels: names of the classes.
        config: entity-aware attention, dropout and limits are read from it.
        more_markers: further marker tokens -> the tokens whose rows are copied to them.
        keep_head: keep the head of the source, which is of the same class.
        keep_entities: keep the whole table of entities.
        settings: stored in the checkpoint's `config.json`.
    """
    from loreweave.checkpoints.fitting import build, fit_state_dict
    from loreweave.checkpoints.formats.lite import lite
    from loreweave.models import LukeModel

    loaded = read_luke(source, cls if keep_head else LukeModel, config.base, config.entity_aware_attention, config.seed)
    loaded = loaded if keep_entities else lite(loaded)
    assert loaded.tokenizer is not None, "checked by read_luke"
    describe(loaded.model.config, labels, settings)
    set_hidden_dropout(loaded.model.config, config.dropout)
    model = build(cls, loaded.model.config, config.seed)
    fit_state_dict(model, loaded.model.state_dict(), source)
    words = with_markers(model, loaded.tokenizer.word_tokenizer, MARKER_STARTS | dict(more_markers or {}))
    tokenizer = EntityTokenizer(
        words,
        loaded.tokenizer.entity_vocabulary,
        max_mention_length=config.max_mention_length,
        max_length=word_limit(model, config.max_length, loaded.tokenizer.max_length),
        piece_rule="legacy",
    )
    return model, tokenizer


def read_luke(
    source: str, cls: type[PreTrainedModel], base: str | None, entity_aware_attention: bool | None = None, seed: int = 0
) -> LoadedCheckpoint:
    """A LUKE in any format, with its tokenizer.

    Raises:
        CheckpointError: it cannot be read, or has no tokenizer.
    """
    from loreweave.checkpoints.conversion import load_luke
    from loreweave.checkpoints.formats import hugging_face

    loaded = load_luke(source, cls, base=base, entity_aware_attention=entity_aware_attention, seed=seed)
    if loaded.tokenizer is None:
        way_out = "give --base FOLDER (finetune: base=FOLDER), the encoder that it started from"
        if loaded.format == hugging_face.NAME:  # its words belong to the rows of its own tables
            files = "tokenizer*.json, vocab.json, merges.txt and entity_vocab.json, if there are such files"
            way_out += f" with the same words and entities; or copy its tokenizer into this folder ({files})"
        raise CheckpointError(f"{source}: found no word tokenizer in this {loaded.format} checkpoint; {way_out}")
    return loaded


def load_luke_classifier(
    path: Path,
    cls: type[PreTrainedModel],
    base: str | None,
    released_labels: Sequence[str],
    labels: Sequence[str] | None = None,
) -> tuple[PreTrainedModel, EntityTokenizer]:
    """A fine-tuned LUKE of any format.

    Args:
        released_labels: names for a released file with as many classes, whose format cannot store names.
        labels: names given by the user.

    Raises:
        CheckpointError: it has no classifier of that class, or does not name its classes.
    """
    from loreweave.checkpoints.formats import hugging_face, luke_finetuned

    loaded = read_luke(str(path), cls, base)
    assert loaded.tokenizer is not None, "checked by read_luke"
    if "classifier" in loaded.report.new_modules:
        raise CheckpointError(f"{path}: found a LUKE without a classifier, expected a fine-tuned one")
    if loaded.format == luke_finetuned.NAME:
        loaded.tokenizer.piece_rule = "legacy"  # of the code that trained it
    config = loaded.model.config
    nameless = loaded.format != hugging_face.NAME and are_numbered(list((config.id2label or {}).values()))
    if labels is None and nameless and len(config.id2label or {}) == len(released_labels):
        labels = released_labels
    name_classes(config, labels)
    label_names(config)  # raises an error if a class has no name of its own
    return loaded.model, loaded.tokenizer


def start_plain(
    source: str,
    labels: Sequence[str],
    config: EncoderSettings,
    *,
    markers: Mapping[str, str],
    cls: type[MarkerClassifier] = MarkerClassifier,
    **settings: Any,
) -> tuple[MarkerClassifier, EntityTokenizer]:
    """Any encoder that `AutoModel` knows, with a new `MarkerClassifier`.

    Args:
        source: folder or hub name.
        labels: names of the classes.
        config: dropout and limits are read from it.
        markers: marker token -> the token whose row is copied to a new one.
        cls: class of the model.
        settings: `head`, `readouts` and other settings in the checkpoint's `config.json`.
    """
    model_config = config_of(source)
    describe(model_config, labels, settings | {"markers": list(markers), "max_length": config.max_length})
    set_hidden_dropout(model_config, config.dropout)
    model, missing, _ = read_all(cls, source, model_config, new="classifier.")
    lacking = sorted(name for name in missing if not name.startswith("classifier."))
    if lacking:
        raise lacking_weights(source, lacking)
    head = {name for name, _ in model.named_parameters() if name.startswith("classifier.")}
    if head - set(missing):  # the files have a head of this form, for other labels
        model.classifier = cls(model.config).classifier
    words = with_markers(model, word_tokenizer(source), markers)
    return model, plain_tokenizer(words, model)


def plain_tokenizer(words: Any, model: PreTrainedModel) -> EntityTokenizer:
    """Tokenizer of a plain encoder: markers and windows as for a LUKE, without entities."""
    settings = getattr(model.config, SETTINGS)
    rule = settings.get("piece_rule", "legacy")
    limit = stated_limit(words)
    return EntityTokenizer(
        words,
        EntityVocabulary.from_counts({}).with_mask2(),
        max_length=word_limit(model, settings["max_length"], limit),
        **dict(zip(("entity_token_1", "entity_token_2"), settings["markers"][:2], strict=False)),
        max_mention_length=sys.maxsize,  # nothing is averaged over a mention's words
        piece_rule=rule,
    )


def load_plain(
    folder: Path, cls: type[MarkerClassifier] = MarkerClassifier, labels: Sequence[str] | None = None
) -> tuple[MarkerClassifier, Any]:
    """A saved `MarkerClassifier`, or a model of a subclass, and its word tokenizer; `labels` are names given by the user."""
    model_config = config_of(str(folder))
    if not hasattr(model_config, SETTINGS):
        raise CheckpointError(f"{folder}: found a plain encoder, expected a fine-tuned checkpoint (loreweave finetune)")
    name_classes(model_config, labels)
    label_names(model_config)
    model, missing, unexpected = read_all(cls, str(folder), model_config)
    if missing or unexpected:
        raise CheckpointError(f"{folder}: the weights do not fit: missing {missing}, unexpected {unexpected}")
    return model.eval(), word_tokenizer(str(folder))


def new_classifier(
    model: PreTrainedModel,
    classes: int,
    seed: int,
    bias: bool | None = None,
    states: int | None = None,
    name: str = "classifier",
) -> None:
    """Replace the classifier of a model by a new one: normal(0, `initializer_range`), bias 0.

    Args:
        model: model with a linear classifier.
        classes: number of classes.
        seed: seed of the weights.
        bias: whether it has a bias. Default: as the old one.
        states: number of hidden states that it reads. Default: as the old one.
        name: name of the classifier in the model.
    """
    old = model.get_submodule(name)
    assert isinstance(old, nn.Linear)
    size = old.in_features if states is None else states * model.config.hidden_size
    new = nn.Linear(size, classes, bias=old.bias is not None if bias is None else bias)
    generator = torch.Generator().manual_seed(seed)
    nn.init.normal_(new.weight, std=model.config.initializer_range, generator=generator)
    if new.bias is not None:
        nn.init.zeros_(new.bias)
    model.set_submodule(name, new)


@torch.no_grad()
def with_markers(model: PreTrainedModel, words: Any, starts: Mapping[str, str] = MARKER_STARTS) -> Any:
    """Add missing marker tokens to a word tokenizer, and rows for them to the model, copied from other rows."""
    known = words.get_vocab()
    new = {marker: start for marker, start in starts.items() if marker not in known}
    add_marker_tokens(words, new)
    size = max(words.get_vocab().values()) + 1
    table: Any = model.get_input_embeddings()
    more = size - len(table.weight)
    if more > 0 and not isinstance(table, nn.Embedding):  # a class (I-BERT's) that transformers does not resize
        table.weight = nn.Parameter(torch.cat([table.weight, table.weight.new_zeros(more, table.weight.shape[1])]))
        model.config.vocab_size = size
    elif more > 0:
        with quiet():
            model.resize_token_embeddings(size, mean_resizing=False)
    rows = cast(nn.Embedding, model.get_input_embeddings()).weight
    for marker, start in new.items():
        source = words(start, add_special_tokens=False)["input_ids"][-1]
        rows[words.convert_tokens_to_ids(marker)] = rows[source]
    return words


def word_limit(model: PreTrainedModel, wanted: int | None, of_tokenizer: int | None) -> int | None:
    """Maximum number of sub-words per input: the minimum of the requested one, the positions and the tokenizer's."""
    return min((limit for limit in (wanted, usable_positions(model), of_tokenizer) if limit is not None), default=None)


def window_length(model: PreTrainedModel, wanted: int | None, of_tokenizer: int | None) -> int:
    """Length of the windows of long texts: `word_limit`, or 512 if neither the encoder nor its tokenizer has a limit."""
    return word_limit(model, wanted, of_tokenizer) or 512
