"""Settings of relation classification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from loreweave.training.finetuning_config import FinetuningConfig

NAME = "relation-classification"


@dataclass(kw_only=True)
class RelationConfig(FinetuningConfig):
    """Settings of relation classification; the defaults are those of LUKE on TACRED (specs/luke.md 4.0)."""

    head: Literal["auto", "luke", "markers", "kepler"] = "auto"
    """`luke`: the states of both entities, dropout, linear. `markers`: the states of the two opening markers of a plain
    encoder, dropout, linear. `kepler`: the same states through a tanh layer, with four markers. `auto`: `luke` for a
    LUKE, `markers` for any other."""
    classifier_bias: bool = False
    """`luke` has a bias, as the checkpoints for KBP37 and RELX."""
    kepler_character_markers: bool = False
    """`kepler` marks the mentions with the characters " # and $ %, as its released code does, which text may hold as well;
    otherwise with four new tokens that start from them."""
    epochs: int = 5
    batch_size: int = 4
    gradient_accumulation_steps: int = 8
    seed: int = 42
    eval_batch_size: int = 128
