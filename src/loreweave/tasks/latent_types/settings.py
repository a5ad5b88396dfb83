"""Settings of latent types: what `key=value` after `loreweave evaluate` and `predict` may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from loreweave.models.head_settings import DecodingMethod
from loreweave.training.settings.conditions import ReadWhen, when
from loreweave.training.settings.fields import check_at_least, check_positive

NAME = "latent-types"


@dataclass(kw_only=True)
class ModelSettings:
    """Settings of reading sentences."""

    rebuild: bool = True
    """Rebuild the sentence from the selected words."""
    max_length: int = 128
    """Maximum number of sub-words per sentence."""

    def __post_init__(self) -> None:
        check_at_least(self, 3, "max_length")


@dataclass(kw_only=True)
class EvaluationSettings(ModelSettings):
    """Settings of an analysis of a corpus."""

    top: int = 12
    """Number of words that are listed for each type."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least(self, 0, "top")


@dataclass(kw_only=True)
class PredictionSettings(ModelSettings):
    """Settings of `loreweave predict latent-types`."""

    READ_WHEN: ClassVar[ReadWhen] = {
        ("method",): when(rebuild=True),
        ("beams",): when(method="beam"),
        ("temperature", "seed"): when(method="sample"),
    }

    method: DecodingMethod = "greedy"
    """Method of rebuilding sentences."""
    beams: int = 4
    """Number of beams of `method=beam`."""
    temperature: float = 1.0
    """Temperature of `method=sample`."""
    seed: int = 0
    """Random seed of `method=sample`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least(self, 1, "beams")
        check_positive(self, "temperature")
