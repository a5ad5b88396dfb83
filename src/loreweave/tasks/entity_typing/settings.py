"""Settings of entity typing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from loreweave.errors import DataError
from loreweave.tasks.entity_typing.reader import TypingRecord
from loreweave.tasks.mentions.settings import MentionHead
from loreweave.training.settings.conditions import LeftOpen, ReadWhen, when
from loreweave.training.settings.finetuning import LUKE_SETTINGS, Encoded, FinetuningConfig, LukeSettings
from loreweave.training.settings.ranges import BETWEEN_0_AND_1, Ranges, check_ranges

NAME = "entity-typing"


@dataclass(kw_only=True)
class EntityTypingConfig(FinetuningConfig, LukeSettings):
    """Settings of entity typing; the defaults are those of LUKE on Open Entity (Yamada et al. 2020, section 4.1)."""

    READ_WHEN: ClassVar[ReadWhen] = {
        LUKE_SETTINGS: when(head="luke"),
        ("threshold",): when(multi_label=True, reason="otherwise the most likely type is predicted"),
        ("kepler_released_readout", "kepler_second_end"): when(head="kepler"),
    }
    LEFT_OPEN: ClassVar[LeftOpen] = {"head": "auto"}
    PLAIN_HEAD: ClassVar[str] = "markers"
    ENCODED: ClassVar[Encoded] = ("head", "multi_label", "kepler_second_end")
    RANGES: ClassVar[Ranges] = {("threshold",): BETWEEN_0_AND_1}

    head: MentionHead = "auto"
    """`luke`: a linear layer over the state of the entity. `markers`: a linear layer over the state of the opening marker, with
    any plain encoder. `kepler`: as `markers`, with two tanh layers before the linear layer. `auto`: `luke` for a LUKE,
    `markers` for any other encoder."""
    multi_label: bool = True
    """`true`: any number of types per mention, each with its own probability. `false`: the most likely type is predicted, every
    training mention needs exactly one label, and `accuracy` is the main metric."""
    threshold: float = 0.5
    """A type is predicted if its probability is above this value. The checkpoint stores it; `loreweave evaluate ... threshold=`
    sets another value."""
    kepler_released_readout: bool = False
    """`kepler`: classify by the state of the token after the marker, as the released code does. `false`: by the state of the
    marker, as in the paper."""
    kepler_second_end: bool = False
    """`kepler`: add a second end token to the input, as the released code does."""


def not_one_label(record: TypingRecord) -> str | None:
    """Reason why a model that predicts one type cannot be trained on a record; None if it can."""
    if len(set(record.labels)) == 1:
        return None
    found = f"the labels {', '.join(record.labels)}" if record.labels else "no label"
    return f"found {found} of {record.mention!r}, expected one label, because multi_label=false predicts one type per mention"


def unfit(config: EntityTypingConfig, record: TypingRecord) -> DataError | None:
    """The error of a training record whose labels do not fit the settings; None if they do."""
    reason = None if config.multi_label else not_one_label(record)
    return None if reason is None else DataError(reason, field="labels")


@dataclass(kw_only=True)
class TypingScoring:
    """Settings of scoring."""

    RANGES: ClassVar[Ranges] = {("threshold",): BETWEEN_0_AND_1}

    threshold: float | None = None
    """A type is predicted if its probability is above this value. Null: the threshold of the checkpoint."""

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True)
class Decision:
    """Settings that a checkpoint stores to turn logits into types: see `EntityTypingConfig`."""

    multi_label: bool = True
    threshold: float = 0.5
