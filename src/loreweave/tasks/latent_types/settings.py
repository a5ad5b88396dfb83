"""Settings of latent types: what `key=value` after `loreweave evaluate` and `predict` may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from loreweave.training.settings.conditions import ReadWhen, when

NAME = "latent-types"


@dataclass(kw_only=True)
class ModelSettings:
    """How sentences are read."""

    rebuild: bool = True
    """Rebuild the sentence from the selected words."""
    max_length: int = 128
    """Maximum number of sub-words per sentence."""

    def __post_init__(self) -> None:
        if self.max_length < 3:
            raise ValueError(f"max_length: found {self.max_length}, expected 3 or more")


@dataclass(kw_only=True)
class EvaluationSettings(ModelSettings):
    """Settings of an analysis of a corpus."""

    top: int = 12
    """Number of words that are listed for each type."""


@dataclass(kw_only=True)
class PredictionSettings(ModelSettings):
    """How `loreweave predict latent-types` answers."""

    READ_WHEN: ClassVar[ReadWhen] = {
        ("method",): when(rebuild=True),
        ("beams",): when(method="beam"),
        ("temperature", "seed"): when(method="sample"),
    }

    method: Literal["greedy", "beam", "sample"] = "greedy"
    """How sentences are rebuilt."""
    beams: int = 4
    """Number of beams of `method=beam`."""
    temperature: float = 1.0
    """Temperature of `method=sample`."""
    seed: int = 0
    """Random seed of `method=sample`."""
