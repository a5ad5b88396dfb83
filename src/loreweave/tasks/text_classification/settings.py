"""Settings of text classification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from loreweave.corpus.counts import listed
from loreweave.errors import ConfigurationError, DataError
from loreweave.models.head_settings import IGNORED
from loreweave.tasks.text_classification.record import TextRecord, has_numbers, labels_of
from loreweave.training.settings.conditions import ReadWhen, never, when
from loreweave.training.settings.fields import written
from loreweave.training.settings.finetuning import Encoded, FinetuningConfig, Leftover, LukeSettings
from loreweave.training.settings.optimizer import OptimizerConfig

NAME = "text-classification"
POSITIVE = ("1", "yes", "true", "positive", "pos", "duplicate", "equivalent", "acceptable", "entailment", "spam")
"""Names that a positive class can have, if the user does not name it."""
CLASS_METRICS = ("accuracy", "macro_f1", "matthews_correlation")
POSITIVE_METRICS = ("precision", "recall", "f1")
NUMBER_METRICS = ("pearson", "spearman", "mean_squared_error")
METRICS = (*CLASS_METRICS, *POSITIVE_METRICS, *NUMBER_METRICS)
NUMBER_METRIC = "spearman"
"""Metric that selects the epoch if the labels are numbers."""


@dataclass(kw_only=True)
class TextClassificationConfig(FinetuningConfig, LukeSettings):
    """Settings of text classification; the defaults are those of RoBERTa on GLUE (Liu et al. 2019, table 10).

    The head is the one that transformers has for the encoder: for RoBERTa (and KEPLER) dropout, linear, tanh, dropout, linear
    over the first token; for BERT and LUKE the pooler, dropout, linear.
    """

    READ_WHEN: ClassVar[ReadWhen] = {
        ("base",): when(encoder="luke"),
        ("entity_aware_attention", "max_mention_length"): never("a LUKE reads the words of the texts and no entities"),
    }
    ENCODED: ClassVar[Encoded] = ("pairs",)

    max_length: int | None = None
    """Maximum number of sub-words per input, including special tokens. Null: the maximum of the encoder. Longer texts are cut
    at the end, the longer text of a pair first, and counted."""
    pairs: bool | None = None
    """Whether inputs are pairs of texts. Null: as in the training file."""
    positive_label: str | None = None
    """Positive class of data with two classes; `precision`, `recall` and `f1` are those of this class. Null: the class with the
    name 1, yes, true, positive, pos, duplicate, equivalent, acceptable, entailment or spam, if exactly one has such a name."""
    epochs: int = 10
    batch_size: int = 32
    gradient_accumulation_steps: int = 1
    leftover: Leftover = "flush"
    optimizer: OptimizerConfig = field(default_factory=lambda: OptimizerConfig(weight_decay=0.1, bias_correction=True))
    seed: int = 1


@dataclass(kw_only=True)
class TextScoring:
    """Settings of scoring."""

    positive_label: str | None = None
    """Positive class of data with two classes; `precision`, `recall` and `f1` are those of this class. Null: that of the
    checkpoint, or the class with the name 1, yes, true, positive, pos, duplicate, equivalent, acceptable, entailment or spam,
    if exactly one has such a name."""


def positive_class(labels: Sequence[str], asked: str | None) -> str | None:
    """The class whose F1 is scored; None if its name does not show it, or if there are not two classes.

    Raises:
        ConfigurationError: the user names another class, or there are not two.
    """
    if asked is None:
        found = [label for label in labels if label.casefold() in POSITIVE]
        return found[0] if len(labels) == 2 and len(found) == 1 else None
    if len(labels) != 2 or asked not in labels:
        raise ConfigurationError(
            f"setting 'positive_label': found {asked!r}, expected one of two classes, but they are {listed(labels, 8)}"
        )
    return asked


def check_no_class(asked: str | None) -> None:
    """Refuse `positive_label` for labels that are numbers.

    Raises:
        ConfigurationError: the user names a class.
    """
    if asked is not None:
        raise ConfigurationError("setting 'positive_label': the labels are numbers, which have no classes; leave it out")


def settings_for(config: TextClassificationConfig, records: Sequence[TextRecord]) -> TextClassificationConfig:
    """The settings with `pairs` as in the training records.

    Raises:
        ConfigurationError: a setting does not fit the records.
    """
    kinds = {record.text_pair is not None for record in records}
    if len(kinds) == 1 and config.pairs not in (None, *kinds):
        found = "single texts" if config.pairs else "pairs of texts"
        raise ConfigurationError(
            f"setting 'pairs': found {written(config.pairs)}, but the training file has {found}; leave it out"
        )
    pairs = kinds.pop() if len(kinds) == 1 else config.pairs
    numbers, labels = has_numbers(records), labels_of(records)
    if numbers:
        check_no_class(config.positive_label)
    known: tuple[str, ...] = NUMBER_METRICS[:2] if numbers else CLASS_METRICS
    if not numbers and positive_class(labels, config.positive_label) is not None:
        known += POSITIVE_METRICS
    metric = config.metric
    if metric is not None and metric not in known:
        why = "the labels are numbers" if numbers else f"the labels are the classes {listed(labels, 8)}"
        why = "a smaller error is better" if numbers and metric in NUMBER_METRICS else why
        way_out = "; positive_label=NAME names the class that it is about" if metric in POSITIVE_METRICS else ""
        raise ConfigurationError(f"setting 'metric': found {metric}, but {why}; expected {', '.join(known)}{way_out}")
    return replace(config, pairs=pairs)


def unfit(config: TextClassificationConfig, record: TextRecord) -> DataError | None:
    """The error of a record that a model cannot learn from; None if it can."""
    if record.label is None:
        return DataError("found no label, expected one (--skip-bad leaves such records out and counts them)", field="labels")
    if record.label == float(IGNORED) and isinstance(record.label, float):
        reason = f"found the number {IGNORED}, which stands for 'no label' in training; move or scale the numbers"
        return DataError(reason, field="labels")
    return None
