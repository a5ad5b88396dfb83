"""Models of transformers for a task, with the head that their class has: new, or fine-tuned by anybody."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn
from transformers import AutoModelForTokenClassification, PreTrainedConfig, PreTrainedModel

from loreweave.checkpoints.encoders import lacking_weights
from loreweave.corpus.counts import listed
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.encoding import EntityTokenizer
from loreweave.encoding.words.tokenizer import stated_limit
from loreweave.errors import CheckpointError
from loreweave.models.dropout_settings import set_hidden_dropout
from loreweave.tasks.model_folders import config_of, describe, settings_of, word_tokenizer
from loreweave.tasks.starting_points import new_classifier, word_limit
from loreweave.training.class_names import LABELS_WANTED
from loreweave.training.quiet import quiet
from loreweave.training.settings.finetuning import EncoderSettings

Shapes = dict[str, tuple[list[int], list[int]]]
"""Name of a parameter -> its shape in the files, and in the model."""


def read_with_head(
    auto: Any, source: str, model_config: PreTrainedConfig, kind: str
) -> tuple[PreTrainedModel, list[str], Shapes]:
    """A model, the names of parameters that the files lack, and those of another shape.

    Args:
        auto: a class such as `AutoModelForTokenClassification`.
        source: folder or Hub name.
        model_config: the configuration, with the names of the classes.
        kind: purpose of the model, for messages.

    Raises:
        CheckpointError: transformers has no such class for the encoder.
    """
    try:
        with quiet():
            loaded: Any = auto.from_pretrained(
                source, config=model_config, output_loading_info=True, ignore_mismatched_sizes=True
            )
    except ValueError as error:
        raise CheckpointError(f"{source}: found no encoder for {kind}: {error}") from error
    model, info = loaded
    shapes = {name: (list(found), list(wanted)) for name, found, wanted in sorted(info["mismatched_keys"])}
    return model, sorted(info["missing_keys"]), shapes


def load_with_head(auto: Any, folder: Path, model_config: PreTrainedConfig, kind: str) -> PreTrainedModel:
    """A fine-tuned model, in evaluation mode. The arguments are those of `read_with_head`.

    Raises:
        CheckpointError: it has no such head, or another number of classes than names.
    """
    model, missing, resized = read_with_head(auto, str(folder), model_config, kind)
    for name, (found, wanted) in resized.items():
        problem = f"{name} has the shape {found}, {wanted} is that of the {model_config.num_labels} classes that are named"
        raise CheckpointError(f"{folder}: {problem}; {LABELS_WANTED}")
    if missing:
        raise CheckpointError(f"{folder}: found no fine-tuned model of {kind}: it lacks {listed(missing)}")
    return model.eval()


def words_alone(source: str, model: PreTrainedModel, max_length: int | None) -> tuple[EntityTokenizer, Any]:
    """The tokenizer of an encoder that knows no entities, and the one of transformers that it is made of."""
    words = word_tokenizer(source)
    limit = stated_limit(words)
    return EntityTokenizer(words, EntityVocabulary.from_counts({}), max_length=word_limit(model, max_length, limit)), words


def start_tagger(
    source: str, labels: Sequence[str], config: EncoderSettings, **settings: Any
) -> tuple[PreTrainedModel, EntityTokenizer]:
    """Any encoder for which transformers has a class of token classification, with a new classifier.

    Args:
        source: folder or hub name.
        labels: names of the classes.
        config: dropout and limits are read from it.
        settings: stored in the checkpoint's `config.json`.
    """
    model_config = config_of(source)
    describe(model_config, labels, settings)
    set_hidden_dropout(model_config, config.dropout)
    model, missing, resized = read_with_head(AutoModelForTokenClassification, source, model_config, _TAGS)
    lacking = [name for name in [*missing, *resized] if name.startswith(f"{model.base_model_prefix}.")]
    if lacking:
        raise lacking_weights(source, lacking)
    if isinstance(getattr(model, "classifier", None), nn.Linear):
        new_classifier(model, len(labels), config.seed)
    return model, words_alone(source, model, config.max_length)[0]


def load_tagger(folder: Path, labels: Sequence[str] | None = None) -> tuple[PreTrainedModel, EntityTokenizer]:
    """A fine-tuned model of token classification, ours or of transformers, and its tokenizer.

    Args:
        folder: folder of the model.
        labels: names of its classes given by the user.

    Raises:
        CheckpointError: it has no classifier, or the number of classes differs from that of names.
    """
    model_config = config_of(str(folder))
    if labels is not None:
        model_config.id2label = dict(enumerate(labels))
    model = load_with_head(AutoModelForTokenClassification, folder, model_config, _TAGS)
    return model, words_alone(str(folder), model, settings_of(folder).get("max_length"))[0]


_TAGS = "token classification"
