"""Settings of entity typing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from loreweave.training.finetuning_config import FinetuningConfig

NAME = "entity-typing"


@dataclass(kw_only=True)
class EntityTypingConfig(FinetuningConfig):
    """Settings of entity typing; the defaults are those of LUKE on Open Entity (specs/luke.md 4.0)."""

    head: Literal["auto", "luke", "markers", "kepler"] = "auto"
    """`luke`: the entity's state, dropout, linear. `markers`: the opening marker's state of a plain encoder, dropout,
    linear. `kepler`: the same state through two tanh layers. `auto`: `luke` for a LUKE, `markers` for any other."""
    multi_label: bool = True
    """Any number of types a mention, each by its own probability. `false`: one type a mention, the likeliest; every training
    mention needs exactly one label then, and `accuracy` is the number to look at."""
    threshold: float = 0.5
    """A type is predicted where its probability is above this. The checkpoint keeps it; `loreweave evaluate ... threshold=`
    tries another."""
    kepler_released_readout: bool = False
    """`kepler` reads the token after the marker, as its released code does, not the marker, as its paper says."""
    kepler_second_end: bool = False
    """`kepler` gets a second end token after the last, as in its released code (specs/kepler.md 6.3)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_threshold(self.threshold)
        if not self.multi_label and self.threshold != 0.5:
            raise ValueError("threshold: with multi_label=false the likeliest type is predicted; leave it out")


@dataclass(kw_only=True)
class TypingScoring:
    """How types are scored."""

    threshold: float | None = None
    """A type is predicted where its probability is above this; null is the checkpoint's own."""

    def __post_init__(self) -> None:
        if self.threshold is not None:
            check_threshold(self.threshold)


def check_threshold(threshold: float) -> None:
    """Refuse what is no probability between 0 and 1.

    Raises:
        ValueError: it is none.
    """
    if not 0 < threshold < 1:
        raise ValueError(f"threshold: found {threshold}, expected a probability between 0 and 1")


@dataclass(frozen=True)
class Decision:
    """What a checkpoint keeps about how logits become types: see `EntityTypingConfig`."""

    multi_label: bool = True
    threshold: float = 0.5
