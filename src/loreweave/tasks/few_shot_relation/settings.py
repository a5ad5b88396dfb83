"""Settings of few-shot relations: what `key=value` after `loreweave evaluate` and `predict` may change."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from loreweave.tasks.few_shot_relation.matching import Distance

Method = Literal["proto", "pair"]
Representation = Literal["markers", "pooled", "entities"]


@dataclass(kw_only=True)
class MethodSettings:
    """How a query gets its relation. A checkpoint of this task says all but `distance` itself; null takes what it says."""

    method: Method | None = None
    """Of a plain encoder: `proto` (the default) or `pair`, whose new classifier knows nothing."""
    representation: Representation | None = None
    """Of a plain encoder: the states of the opening `markers` (the default), or the first state (`pooled`); of a LUKE and
    proto also those of both `entities`."""
    distance: Distance | None = None
    """Of proto: `euclidean` (the default; squared) or `dot`."""
    max_length: int | None = None
    """Sub-words of a sentence of a plain encoder; null is 128."""
    format: str | None = None
    """Of the annotated sentences; null recognises it."""
    seed: int = 0
    """Of drawn episodes, of a new classifier, and of resampling."""


@dataclass(kw_only=True)
class EvaluationSettings(MethodSettings):
    """What is asked, and how answers become numbers."""

    way: int | None = None
    """Relations of a drawn episode; null is 5. A file of episodes has its own."""
    shot: int | None = None
    """Support sentences of each relation; null is 1."""
    queries: int | None = None
    """Queries of each relation; null is 1."""
    na_rate: float | None = None
    """So many times `queries` sentences of other relations are asked about too; null is 0."""
    relations: list[str] | None = None
    """Draw from these alone; null is all of the file."""
    episodes: int | None = None
    """So many; null draws 1000, and scores all of a file."""
    answers: Path | None = None
    """Gold numbers of FewRel's test files: a JSON list."""
    skip_bad: bool = False
    """Leave out bad records or episodes and count them."""
    bootstrap: int = 1000
    """Resamples of the episodes for the 95 % interval; 0 makes none."""

    def __post_init__(self) -> None:
        if self.bootstrap < 0 or (self.episodes is not None and self.episodes < 1):
            raise ValueError("bootstrap: expected 0 or more; episodes: expected 1 or more")


@dataclass(kw_only=True)
class PredictionSettings(MethodSettings):
    """How `loreweave predict few-shot-relation` answers."""
