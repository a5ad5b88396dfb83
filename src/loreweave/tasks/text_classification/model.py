"""Models of text classification: transformers' own class for any encoder, and ours for a LUKE."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import AutoModel, AutoModelForSequenceClassification, PreTrainedConfig, PreTrainedModel

from loreweave.checkpoints.encoders import lacking_weights
from loreweave.encoding import EntityTokenizer
from loreweave.errors import CheckpointError
from loreweave.models import LukeForSequenceClassification
from loreweave.models.dropout_settings import set_hidden_dropout
from loreweave.models.segments import reads_segments
from loreweave.tasks.model_folders import config_of, describe, is_luke, settings_of
from loreweave.tasks.starting_points import load_luke_classifier, start_luke
from loreweave.tasks.text_classification.encoding import TextEncoding
from loreweave.tasks.text_classification.prediction import answer
from loreweave.tasks.text_classification.record import NUMBER
from loreweave.tasks.text_classification.scoring import score
from loreweave.tasks.text_classification.settings import NAME, NUMBER_METRIC, TextClassificationConfig
from loreweave.tasks.transformers_heads import load_with_head, words_alone
from loreweave.training.class_names import are_numbered, label_names, name_classes
from loreweave.training.losses import cross_entropy, squared_error
from loreweave.training.quiet import quiet
from loreweave.training.settings.conditions import check_read
from loreweave.training.task_model import TaskModel

_NUMBERED = "LABEL_"
_Problem = Literal["regression", "single_label_classification"]
"""transformers' names of the problem types of a head."""
_REGRESSION: _Problem = "regression"
_CLASSES: _Problem = "single_label_classification"


def build(source: str, labels: Sequence[str], config: TextClassificationConfig) -> TaskModel:
    """An untrained model on the encoder at `source`, whose own head, if any, is left out.

    Args:
        source: folder or hub name; a LUKE in any format.
        labels: names of the classes, or `NUMBER` alone for a model that predicts a number.
        config: the settings.

    Raises:
        CheckpointError: there is no readable encoder.
        ConfigurationError: a setting that the encoder does not read.
    """
    settings: dict[str, Any] = {"task": NAME, "pairs": config.pairs, "positive_label": config.positive_label}
    problem: _Problem = _REGRESSION if list(labels) == [NUMBER] else _CLASSES
    luke = is_luke(source)
    check_read(config, encoder="luke" if luke else "plain")
    if luke:
        model, tokenizer = start_luke(source, LukeForSequenceClassification, labels, config, **settings)
        model.config.problem_type = problem
        return _task_model(model, tokenizer, None, settings)
    model_config = config_of(source)
    describe(model_config, labels, settings | {"max_length": config.max_length})
    model_config.problem_type = problem
    set_hidden_dropout(model_config, config.dropout)
    model = _start(source, model_config)
    return _task_model(model, *words_alone(source, model, config.max_length), settings)


def load(path: Path, base: str | None = None, labels: Sequence[str] | None = None) -> TaskModel:
    """A fine-tuned checkpoint, ours or of transformers (`...ForSequenceClassification`).

    Classes named by numbers (`LABEL_1`) get these numbers as names, as in files without names.

    Raises:
        CheckpointError: the folder has no model of text classification that predicts one class or a number.
    """
    settings = settings_of(path)
    if is_luke(str(path)):
        model, tokenizer = load_luke_classifier(path, LukeForSequenceClassification, base, (), labels)
        _name(model.config, labels, path)
        return _task_model(model, tokenizer, None, settings)
    model_config = config_of(str(path))
    if labels is not None:
        model_config.id2label = dict(enumerate(labels))
    _name(model_config, labels, path)
    loaded = load_with_head(AutoModelForSequenceClassification, path, model_config, "text classification")
    return _task_model(loaded, *words_alone(str(path), loaded, settings.get("max_length")), settings)


def _task_model(model: PreTrainedModel, tokenizer: EntityTokenizer, words: Any, settings: dict[str, Any]) -> TaskModel:
    numbers = label_names(model.config) == [NUMBER]
    segments = reads_segments(model.base_model)
    return TaskModel(
        model,
        TextEncoding(tokenizer, segments, settings.get("pairs"), words),
        metric=NUMBER_METRIC if numbers else None,
        loss=squared_error if numbers else cross_entropy,
        scorer=partial(score, positive_label=settings.get("positive_label")),
        answerer=answer,
    )


def _name(model_config: PreTrainedConfig, labels: Sequence[str] | None, path: Path) -> None:
    """Name the classes of a checkpoint: as the user does, by their numbers, or `NUMBER` of a model of numbers.

    Raises:
        CheckpointError: a model of several classes at once.
    """
    problem, names = model_config.problem_type, list((model_config.id2label or {}).values())
    if problem not in (None, _REGRESSION, _CLASSES):
        raise CheckpointError(f"{path}: found a model for {problem}, expected a model that predicts one class or a number")
    if len(names) == 1:
        name_classes(model_config, [NUMBER])
    elif labels is None and are_numbered(names):
        name_classes(model_config, [str(name).removeprefix(_NUMBERED) for name in names])


def _start(source: str, model_config: PreTrainedConfig) -> PreTrainedModel:
    """transformers' class with a new head over the encoder's weights; a pooler that is not in the files is new too.

    Raises:
        CheckpointError: transformers has no such class for the encoder, or the files lack weights of it.
    """
    try:
        with quiet():
            model: PreTrainedModel = AutoModelForSequenceClassification.from_config(model_config, dtype=torch.float32)
            read: Any = AutoModel.from_pretrained(
                source, config=model_config, dtype=torch.float32, output_loading_info=True, ignore_mismatched_sizes=True
            )
    except ValueError as error:
        raise CheckpointError(f"{source}: found no encoder for text classification: {error}") from error
    encoder, info = read
    lacking = sorted(name for name in info["missing_keys"] if "pooler" not in name)
    lacking += sorted(name for name, *_ in info["mismatched_keys"])
    if lacking:
        raise lacking_weights(source, lacking)
    found = model.base_model.load_state_dict(encoder.state_dict(), strict=False)
    assert not [name for name in found.missing_keys if "pooler" not in name], found
    return model
