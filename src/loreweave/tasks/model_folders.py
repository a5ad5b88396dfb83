"""The folder of a model: its configuration, the settings of its task in it, its weights and its tokenizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from transformers import AutoConfig, AutoTokenizer, PreTrainedConfig, PreTrainedModel

from loreweave.corpus.files.reading import read_json
from loreweave.encoding.model_names import resolve
from loreweave.encoding.words.known import check_words
from loreweave.errors import CheckpointError
from loreweave.models.head_settings import HEAD_SETTINGS
from loreweave.training.quiet import quiet

M = TypeVar("M", bound=PreTrainedModel)
SETTINGS = "loreweave"
"""Key of `config.json` for the settings of a checkpoint's task."""


def is_luke(source: str) -> bool:
    """Whether a folder, file or Hub name is a LUKE; a folder with another encoder's configuration is not."""
    folder = Path(source)
    model_type = read_json(folder / "config.json").get("model_type") if (folder / "config.json").is_file() else None
    if model_type is not None:
        return bool(model_type == "luke")
    if folder.exists():
        return True  # legacy formats (AllenNLP's have a config.json too); loading reports errors of anything else
    return config_of(source).model_type == "luke"


def settings_of(folder: Path) -> dict[str, Any]:
    """Task settings in a fine-tuned checkpoint's `config.json`; empty if it is not ours."""
    file = folder / "config.json"
    return dict(read_json(file).get(SETTINGS) or {}) if file.is_file() else {}


def is_checkpoint_of(task: str, folder: Path) -> bool:
    """Whether a folder has a checkpoint that `loreweave finetune` made for the task of that name."""
    return bool(settings_of(folder).get("task") == task)


def check_checkpoint_of(task: str, folder: Path) -> None:
    """Refuse a folder without a checkpoint of a task.

    Raises:
        CheckpointError: it has none.
    """
    if not is_checkpoint_of(task, folder):
        raise CheckpointError(f"{folder}: found no checkpoint of {task}, expected one made by 'loreweave finetune {task}'")


def describe(model_config: PreTrainedConfig, labels: Sequence[str], settings: Mapping[str, Any]) -> None:
    """Write the label names and the task's settings to a configuration, without settings of another head."""
    for name in HEAD_SETTINGS:
        vars(model_config).pop(name, None)
    model_config.id2label = dict(enumerate(labels))
    model_config.label2id = {label: index for index, label in enumerate(labels)}
    setattr(model_config, SETTINGS, dict(settings))


def read_all(
    cls: type[M], source: str, model_config: PreTrainedConfig, new: str | None = None
) -> tuple[M, list[str], list[str]]:
    """The model, names of parameters that are not in the files, and names in the files that are not in the model.

    Args:
        new: prefix of the parameters that may have other shapes in the files, because they are new.

    Raises:
        CheckpointError: another parameter has another shape.
    """
    with quiet():
        loaded: Any = cls.from_pretrained(source, config=model_config, output_loading_info=True, ignore_mismatched_sizes=True)
    model, info = loaded
    for name, found, wanted in sorted(info["mismatched_keys"]):
        if new is None or not name.startswith(new):
            raise CheckpointError(f"{source}: {name} has the shape {list(found)}, the model expects {list(wanted)}")
    return model, sorted(info["missing_keys"]), sorted(info["unexpected_keys"])


def config_of(source: str) -> PreTrainedConfig:
    """The configuration of a folder or Hub name.

    Raises:
        CheckpointError: there is no readable configuration.
    """
    try:
        return AutoConfig.from_pretrained(source)
    except (OSError, ValueError, AttributeError, TypeError) as error:  # the latter two: a setting of another type
        resolve(source, weights=False)  # raises an error if there is no such folder or model
        raise CheckpointError(f"{source}: found no readable model: {error}") from error


def word_tokenizer(source: str) -> Any:
    """The tokenizer of a folder or Hub name, as transformers reads it.

    Raises:
        CheckpointError: there is no readable tokenizer.
    """
    try:
        words = AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{source}: found no readable tokenizer: {error}") from error
    check_words(words, source)
    return words
