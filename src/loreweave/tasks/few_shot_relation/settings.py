"""Settings of few-shot relations: the `key=value` of `loreweave finetune`, `evaluate` and `predict`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from loreweave.build.relation_episodes import EpisodeShape
from loreweave.tasks.episodes.settings import NOT_READ
from loreweave.training.retention import Keep
from loreweave.training.settings.conditions import LeftOpen, ReadWhen, when
from loreweave.training.settings.finetuning import LUKE_SETTINGS, FinetuningConfig, Leftover, LukeSettings
from loreweave.training.settings.optimizer import OptimizerConfig, ScheduleConfig
from loreweave.training.settings.ranges import SEED, SHARE_BELOW_1, Ranges, at_least, check_ranges

NAME = "few-shot-relation"

Method = Literal["proto", "pair"]
Representation = Literal["markers", "pooled", "entities"]
Distance = Literal["euclidean", "dot"]


@dataclass(kw_only=True)
class FewShotRelationConfig(FinetuningConfig, LukeSettings):
    """Settings of training in episodes of a source. The defaults are those of FewRel's toolkit with KEPLER's learning rate
    (Han et al. 2018; Wang et al. 2021), with fewer episodes."""

    READ_WHEN: ClassVar[ReadWhen] = {
        **NOT_READ,
        ("distance", "encoding_dropout"): when(method="proto", reason="pair compares by a classifier"),
        ("na_rate",): when(method="pair", reason="proto has no prototype for none of the relations"),
        ("markers",): when(representation=("markers", "pooled"), reason="entities have the two markers of LUKE"),
        LUKE_SETTINGS: when(representation="entities"),
    }
    RANGES: ClassVar[Ranges] = {
        ("way",): at_least(2),
        ("shot", "queries", "episodes"): at_least(1),
        ("na_rate",): at_least(0),
        ("encoding_dropout",): SHARE_BELOW_1,
    }

    method: Method = "proto"
    """`proto`: a query is compared with the mean vector of each relation's support. `pair`: a classifier reads each support
    sentence together with the query, and its scores are averaged."""
    representation: Representation = "markers"
    """`markers`: the concatenated states of the opening markers (two per sentence, four per pair). `pooled`: the state of the
    first token. `entities` (only for a LUKE, with `method=proto`): the states of both entities."""
    markers: Literal["two", "four"] = "two"
    """`two`: the same marker opens and closes a mention. `four`: different markers."""
    distance: Distance = "euclidean"
    """Similarity of two vectors with `method=proto`: the negative squared distance (`euclidean`) or the inner product
    (`dot`)."""
    encoding_dropout: float = 0.5
    """Dropout of the vectors with `method=proto`."""
    way: int = 5
    """Number of relations in an episode."""
    shot: int = 1
    """Number of support sentences per relation in an episode."""
    queries: int = 1
    """Number of queries per relation in an episode."""
    na_rate: float = 0.0
    """Number of queries whose relation is not in the episode, as a multiple of `queries` (only with `method=pair`)."""
    episodes: int = 2000
    """Number of episodes per epoch. Every epoch has the same episodes in another order."""
    relations: list[str] | None = None
    """Relations of the training file from which episodes are drawn. Null: all."""

    max_length: int | None = 128
    """Maximum number of sub-words per sentence; with `method=pair`, at most half of the maximum of the encoder."""
    epochs: int = 1
    batch_size: int = 4
    """Number of episodes per process and micro-step."""
    gradient_accumulation_steps: int = 1
    leftover: Leftover = "flush"
    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig(
            learning_rate=2e-5, betas=(0.9, 0.999), epsilon=1e-6, weight_decay=0.01, bias_correction=True, max_grad_norm=0.0
        )
    )
    schedule: ScheduleConfig = field(default_factory=lambda: ScheduleConfig(name="linear", warmup_steps=300))
    seed: int = 0
    keep: Keep = "last"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.shape()
        if self.representation == "entities" and self.method == "pair":
            raise ValueError("representation: found entities, which are not supported with method=pair; use markers or pooled")

    def shape(self) -> EpisodeShape:
        """Settings of the episodes."""
        return EpisodeShape(way=self.way, shot=self.shot, queries=self.queries, na_rate=self.na_rate)


@dataclass(kw_only=True)
class MethodSettings:
    """Settings of the prediction of a query's relation. Null: the value that is stored in the checkpoint."""

    READ_WHEN: ClassVar[ReadWhen] = {("distance",): when(method="proto", reason="pair compares by a classifier")}
    LEFT_OPEN: ClassVar[LeftOpen] = {"method": None}
    RANGES: ClassVar[Ranges] = {("max_length",): at_least(1), ("seed",): SEED}

    method: Method | None = None
    """`proto` or `pair`. Null: the method of the checkpoint, or `proto` for an encoder that was not trained for this task. The
    classifier of `pair` is untrained in such an encoder."""
    representation: Representation | None = None
    """Vector of a sentence: the states of the opening `markers`, the state of the first token (`pooled`), or, for a LUKE with
    `method=proto`, the states of both `entities`. Null: that of the checkpoint, or `markers` for an encoder that was not
    trained for this task."""
    distance: Distance | None = None
    """Similarity of two vectors with `method=proto`: the negative squared distance (`euclidean`) or the inner product (`dot`).
    Null: that of the checkpoint, or `euclidean`."""
    max_length: int | None = None
    """Maximum number of sub-words per sentence. Null: that of the checkpoint, or 128 for an encoder that was not trained for
    this task."""
    seed: int = 0
    """Random seed of drawn episodes, of a new classifier, and of the resamples."""

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(kw_only=True)
class EvaluationSettings(MethodSettings):
    """Settings of the episodes and of scoring."""

    RANGES: ClassVar[Ranges] = {
        ("way",): at_least(2),
        ("shot", "queries", "episodes"): at_least(1),
        ("na_rate", "bootstrap"): at_least(0),
    }

    way: int | None = None
    """Number of relations in a drawn episode. Null: 5. Not read for a file of episodes, which has its own number."""
    shot: int | None = None
    """Number of support sentences per relation. Null: 1."""
    queries: int | None = None
    """Number of queries per relation. Null: 1."""
    na_rate: float | None = None
    """Number of queries whose relation is not in the episode, as a multiple of `queries`. Null: 0."""
    relations: list[str] | None = None
    """Relations that may be drawn. Null: all in the file."""
    episodes: int | None = None
    """Number of episodes. Null: 1000 drawn episodes, or all episodes of a file."""
    answers: Path | None = None
    """File with the gold numbers of FewRel's test files, a JSON list."""
    bootstrap: int = 1000
    """Number of resamples of the episodes for the 95 % interval; 0: no interval."""


@dataclass(kw_only=True)
class PredictionSettings(MethodSettings):
    """Settings of `loreweave predict few-shot-relation`."""

    format: str | None = None
    """Format of the support file. Null: recognised."""
