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
    kepler_released_readout: bool = False
    """`kepler` reads the token after the marker, as its released code does, not the marker, as its paper says."""
    kepler_second_end: bool = False
    """`kepler` gets a second end token after the last, as in its released code (specs/kepler.md 6.3)."""
