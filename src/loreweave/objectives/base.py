"""Interface of an objective: settings, batches, a loss, and hooks.

There are three kinds. A `WindowObjective` chooses targets in the windows of the text stream, which all of its kind share, and
scores the encoder's states there. A `TextObjective` reads the same windows, complete and before anything is masked. A
`StreamObjective` has batches of its own. The last two run the encoder themselves.

The file of an objective has, in this order: its settings (an `ObjectiveConfig`), its head if it has its own, and
the objective with `name`, `settings`, `build`, its batches (`mask` or `batch`), `head`, `loss`, and the hooks that it uses in
the order of `Objective`. Training and evaluation use objectives only through these methods.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from torch import Tensor, nn, no_grad, tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from loreweave.build.pretraining_store import PretrainingSet
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.encoding.model_names import resolve
from loreweave.errors import ConfigurationError
from loreweave.objectives.windows import Targets, Window, WordVocabulary, flat_targets
from loreweave.training.settings.ranges import Ranges, at_least, check_ranges

Tensors = dict[str, Tensor]
"""Micro-batch of one objective, or the encoder's inputs of the windows."""

Batch = dict[str, Tensors]
"""A micro-step: the input of each objective, by its name, and the windows under `WINDOWS`."""

WINDOWS = "windows"
"""No objective may have this name."""


@dataclass(kw_only=True)
class ObjectiveConfig:
    """The setting that every objective has."""

    RANGES: ClassVar[Ranges] = {("weight",): at_least(0)}

    weight: float = 1.0
    """Factor of the loss in the sum of the losses of all objectives."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{item.name}: found {value}, expected a finite number")
        check_ranges(self)


@dataclass(frozen=True)
class RunContext:
    """Input of a run from which its objectives are built.

    Attributes:
        tokenizer: the fast word tokenizer; None in a run without an encoder.
        words: properties of the tokenizer for masking.
        entities: the entity vocabulary of the model; None in a word-only run.
        links: the entity vocabulary of the links in the data, which a word-only run has too; None for plain text.
        data: the pre-training sets.
        seed: seed of the run.
        micro_steps: number of micro-steps per update, over all processes and accumulation steps.
    """

    tokenizer: PreTrainedTokenizerFast | None = None
    words: WordVocabulary | None = None
    entities: EntityVocabulary | None = None
    links: EntityVocabulary | None = None
    data: Sequence[PretrainingSet] = ()
    seed: int = 0
    micro_steps: int = 1


@dataclass
class ObjectiveLoss:
    """Sums over a micro-batch; training divides them by the number of targets of all processes and accumulation steps."""

    total: Tensor  # [] summed loss
    correct: Tensor | None  # [] number of correct predictions; None if nothing is predicted
    parts: Mapping[str, Tensor] = field(default_factory=dict)
    """Further logged values, each [] and multiplied by the number of targets."""


@dataclass(frozen=True)
class LeftOut:
    """Reason why an objective cannot be measured on held-out windows or a saved model."""

    reason: str


class Objective(ABC):
    """One of several losses that are added. Its micro-batches have `labels`, with one element for each target."""

    name: ClassVar[str]
    settings: ClassVar[type[ObjectiveConfig]]
    nothing: ClassVar[str] = "no target"
    """What the windows have if there is no target, for a warning."""

    def __init__(self, config: Any, context: RunContext) -> None:
        """Store only what batches need: each worker of a data loader gets a copy of the objective."""
        self.config = config

    @classmethod
    def build(cls, config: Any, context: RunContext) -> Self | None:
        """The objective with these settings, or None if they switch it off."""
        return cls(config, context)

    @property
    def weight(self) -> float:
        """Factor of the loss in the sum of all objectives."""
        return float(self.config.weight)

    @abstractmethod
    def head(self, model: PreTrainedModel | None) -> nn.Module:
        """The module that predicts: a part of `model`, or a new one, which then belongs to the objective."""

    @abstractmethod
    def loss(self, encoder: nn.Module | None, head: nn.Module, batch: Tensors) -> ObjectiveLoss:
        """The summed loss of a micro-batch.

        Args:
            encoder: None in a run without a model.
            head: the result of `head`.
            batch: tensors of the objective. For a `WindowObjective`, `states` has the encoder's states at its targets
                [targets, hidden].
        """

    # ---- hooks: each does nothing by default ----

    def count_targets(self, batch: Tensors) -> Tensor:
        """Number of targets that the sums of `loss` are divided by, of this process's micro-batch: the number of labels. []

        Every process calls it for every micro-batch before `loss`.
        """
        return tensor(batch["labels"].numel(), device=batch["labels"].device)

    @classmethod
    def files(cls, config: Any) -> dict[str, Path]:
        """Folders that the settings name, by setting. A resumed run must find the same content in them."""
        return {}

    @classmethod
    def for_held_out(cls, config: Any) -> Any | LeftOut:
        """The settings with which a run measures the objective on held-out windows, or why it is left out.

        Processes measure different numbers of batches, so the loss must exchange nothing between them.
        """
        return config

    @classmethod
    def for_evaluation(cls, config: Any, model: str | None) -> Any | LeftOut:
        """The settings with which the objective is evaluated on a saved model, or why it is left out.

        Objectives whose head is not in the model's folder are left out: the metrics of a new head have no meaning.
        """
        return cls.for_held_out(config)

    def prepare(self, model: PreTrainedModel | None) -> None:  # noqa: B027  a hook
        """Change the model before training, if this objective allows a different computation."""

    def longest_text(self) -> int:
        """Number of sub-words, including special tokens, of the longest text apart from the windows."""
        return 0

    def summary(self) -> list[str]:
        """Lines for the user before training: the input, and what was left out."""
        return []

    def on_resume(self, update: int) -> list[str]:
        """Lines for the user about differences between a run resumed after `update` updates and an uninterrupted one."""
        return []

    def watch(self, metrics: Mapping[str, float], step: int, steps: int) -> list[str]:
        """Check the means of a log line and return warnings for the user.

        A resumed run first passes the log lines of its earlier part, whose warnings are not shown again.

        Args:
            metrics: `loss`, `accuracy` and the parts of `ObjectiveLoss`, without the objective's name.
            step: number of the update.
            steps: number of updates of the whole run.
        """
        return []

    def save(self, encoder: nn.Module | None, head: nn.Module, folder: Path) -> None:  # noqa: B027  a hook
        """Write the objective's own head next to the encoder's files."""


class WindowObjective(Objective):
    """Chooses targets in a window, and scores the encoder's states at them."""

    side: ClassVar[Literal["words", "entities"]]
    """Whether its targets are words or entities of a window."""
    reads_links: ClassVar[bool] = False
    """Whether it reads the linked mentions of windows, which a word-only run otherwise leaves out."""

    @abstractmethod
    def mask(self, window: Window, rng: np.random.Generator) -> Targets:
        """Choose targets; replace ids of `window` if the objective masks them."""

    def batch(self, windows: Sequence[Window], width: int) -> Tensors:
        """`positions` of the targets in the flattened [batch * width] states, and their `labels`. Each [targets]"""
        shift = 1 if self.side == "words" else 0  # the start token comes before the words
        return flat_targets([window.targets[self.name] for window in windows], width, shift)


class TextObjective(Objective):
    """Reads the windows of the text stream before anything is masked."""

    @abstractmethod
    def batch(self, item: int, words: Tensors) -> Tensors:
        """Input of `loss` for micro-batch number `item`.

        Args:
            words: `input_ids` and `attention_mask` of the windows [batch, words].
        """


class StreamObjective(Objective):
    """Has micro-batches of its own."""

    @abstractmethod
    def batch(self, item: int) -> Tensors:
        """Micro-batch number `item`, which depends only on the settings and the run's seed."""

    @property
    @abstractmethod
    def micro_batches_per_epoch(self) -> int:
        """Number of micro-batches in one pass over the data."""

    @classmethod
    def for_held_out(cls, config: Any) -> Any | LeftOut:
        """Leave it out: held-out texts are windows, which the objective does not read."""
        return LeftOut("it reads no windows")


def check_replacements(random_probability: float, unchanged_probability: float) -> None:
    """Raise a `ValueError` if the two replacements add up to more than 1."""
    if random_probability + unchanged_probability > 1:
        both = random_probability + unchanged_probability
        raise ValueError(f"random_probability + unchanged_probability: found {both:g}, expected at most 1")


def words_of_run(context: RunContext) -> WordVocabulary:
    """The word vocabulary, for an objective over text.

    Raises:
        ConfigurationError: the run has no encoder and therefore none.
    """
    if context.words is None:
        raise ConfigurationError("model is null: a run without an encoder has no words to predict")
    return context.words


def model_of_run(objective: Objective, model: PreTrainedModel | None) -> PreTrainedModel:
    """The model, for an objective that reads texts.

    Raises:
        ConfigurationError: the run has none.
    """
    if model is None:
        raise ConfigurationError(f"{objective.name} needs a model to read texts")
    return model


def with_saved_head(
    objective: type[Objective], config: Any, model: str | None, has_head: Callable[[Path], bool], head: str
) -> Any | LeftOut:
    """Settings for evaluation with the head that is saved with a model, unless the setting `head` names another.

    Args:
        objective: the objective.
        config: its settings.
        model: folder or name of the model.
        has_head: whether a folder has such a head.
        head: what it is called in the reason for leaving the objective out.
    """
    if config.head is not None:
        return config
    if model is not None and has_head(resolve(model)):
        return replace(config, head=model)
    return LeftOut(f"the model has no {head}; set objectives.{objective.name}.head to a folder with one")


def folder_of_head(config: Any) -> dict[str, Path]:
    """The folder that the setting `head` names, for `files`."""
    return {} if config.head is None else {"head": resolve(config.head)}


def entities_of_run(objective: type[Objective], context: RunContext) -> EntityVocabulary:
    """The entity vocabulary, for an objective that needs it.

    Raises:
        ConfigurationError: a word-only run has none.
    """
    if context.entities is None:
        raise ConfigurationError(f"word_only leaves entities out: set objectives.{objective.name} to null")
    return context.entities


def cross_entropy_sum(logits: Tensor, labels: Tensor) -> ObjectiveLoss:
    """Summed softmax cross-entropy in float32 of `logits` [targets, classes], and the number of correct predictions."""
    total = nn.functional.cross_entropy(logits.float(), labels, reduction="sum")
    with no_grad():
        correct = (logits.argmax(-1) == labels).sum()
    return ObjectiveLoss(total, correct)
