"""Settings of latent types: what `key=value` after `loreweave evaluate` and `predict` may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from loreweave.models.head_settings import DecodingMethod
from loreweave.training.settings.conditions import ReadWhen, when
from loreweave.training.settings.ranges import POSITIVE, SEED, Ranges, at_least, check_ranges

NAME = "latent-types"


@dataclass(kw_only=True)
class ModelSettings:
    """Settings of reading sentences."""

    RANGES: ClassVar[Ranges] = {("max_length",): at_least(3)}

    rebuild: bool = True
    """Rebuild the sentence from the selected words."""
    max_length: int = 128
    """Maximum number of sub-words per sentence."""

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(kw_only=True)
class EvaluationSettings(ModelSettings):
    """Settings of an analysis of a corpus."""

    RANGES: ClassVar[Ranges] = {("top",): at_least(0)}

    top: int = 12
    """Number of words that are listed for each type."""


@dataclass(kw_only=True)
class PredictionSettings(ModelSettings):
    """Settings of `loreweave predict latent-types`."""

    READ_WHEN: ClassVar[ReadWhen] = {
        ("method",): when(rebuild=True),
        ("beams",): when(method="beam"),
        ("temperature", "seed"): when(method="sample"),
    }
    RANGES: ClassVar[Ranges] = {("beams",): at_least(1), ("temperature",): POSITIVE, ("seed",): SEED}

    method: DecodingMethod = "greedy"
    """Method of rebuilding sentences."""
    beams: int = 4
    """Number of beams of `method=beam`."""
    temperature: float = 1.0
    """Temperature of `method=sample`."""
    seed: int = 0
    """Random seed of `method=sample`."""
