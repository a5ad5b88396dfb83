"""Settings of few-shot relations: what `key=value` after `loreweave finetune`, `evaluate` and `predict` may change."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from loreweave.build.relation_episodes import EpisodeShape
from loreweave.training.finetuning_config import FinetuningConfig
from loreweave.training.optimizer_settings import OptimizerConfig, ScheduleConfig

NAME = "few-shot-relation"

Method = Literal["proto", "pair"]
Representation = Literal["markers", "pooled", "entities"]
Distance = Literal["euclidean", "dot"]


@dataclass(kw_only=True)
class FewShotRelationConfig(FinetuningConfig):
    """Settings of training in episodes of a source; the defaults are those of FewRel's toolkit with KEPLER's rate (specs 6,
    6.2), but for fewer episodes."""

    method: Method = "proto"
    """`proto`: a query is compared with the mean vector of each relation's support. `pair`: a classifier reads each support
    sentence together with the query, and its scores are averaged."""
    representation: Representation = "markers"
    """The states of the opening markers side by side (two of a sentence, four of a pair), or the first state (`pooled`); of a
    LUKE and proto also the states of both `entities`."""
    markers: Literal["two", "four"] = "two"
    """Whether mentions close with the marker that opens them."""
    distance: Distance = "euclidean"
    """Of proto: minus the squared distance, or the inner product (`dot`)."""
    encoding_dropout: float = 0.5
    """Of proto: dropout of the vectors."""
    way: int = 5
    shot: int = 1
    queries: int = 1
    """Queries of each relation in an episode."""
    na_rate: float = 0.0
    """Of pair: so many times `queries` sentences of other relations, which have none of the episode's."""
    episodes: int = 2000
    """Of an epoch. Every epoch has the same ones in another order: one long epoch never repeats any."""
    relations: list[str] | None = None
    """Train on these of the source alone; null is all."""

    head: str = "few-shot"
    """The only one."""
    max_length: int | None = 128
    """Sub-words of a sentence; of a pair at most half of what the encoder holds."""
    epochs: int = 1
    batch_size: int = 4
    """Episodes per process and micro-step."""
    gradient_accumulation_steps: int = 1
    leftover: Literal["drop", "flush"] = "flush"
    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig(
            learning_rate=2e-5, betas=(0.9, 0.999), epsilon=1e-6, weight_decay=0.01, bias_correction=True, max_grad_norm=0.0
        )
    )
    schedule: ScheduleConfig = field(default_factory=lambda: ScheduleConfig(name="linear", warmup_steps=300))
    seed: int = 0
    keep: Literal["best", "last"] = "last"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.shape()
        if self.representation == "entities" and self.method == "pair":
            raise ValueError("representation: pair reads two sentences, which have no two entities; use markers or pooled")
        if self.na_rate and self.method == "proto":
            raise ValueError("na_rate: proto has no prototype for none of the relations; use method=pair")
        if not 0 <= self.encoding_dropout < 1:
            raise ValueError(f"encoding_dropout: found {self.encoding_dropout}, expected a number from 0 to below 1")
        if self.episodes < 1:
            raise ValueError(f"episodes: found {self.episodes}, expected 1 or more")

    def shape(self) -> EpisodeShape:
        """Of the episodes."""
        return EpisodeShape(way=self.way, shot=self.shot, queries=self.queries, na_rate=self.na_rate)


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
