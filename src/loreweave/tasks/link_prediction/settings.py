"""Settings of link prediction: the `key=value` of `loreweave evaluate` and `predict`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from loreweave.encoding.entity_texts import LEAST_LENGTH, TextKind
from loreweave.metrics.known_answers import Side
from loreweave.training.settings.conditions import ReadWhen, when
from loreweave.training.settings.ranges import SEED, Ranges, at_least, check_ranges

ProtocolName = Literal["transductive", "kepler-inductive", "blp", "grail"]
Unseen = Literal["encode", "worst", "skip"]
AskedSide = Literal["both"] | Side


@dataclass(kw_only=True)
class ModelSettings:
    """Settings of loading a checkpoint."""

    READ_WHEN: ClassVar[ReadWhen] = {
        ("scorer", "pooling", "max_length", "text", "relation_text"): when(
            untrained=True, reason="a trained checkpoint has its own"
        ),
        ("objective",): when(untrained=False, reason="an untrained encoder has no head to choose from"),
    }
    RANGES: ClassVar[Ranges] = {("max_length",): at_least(LEAST_LENGTH), ("block_size",): at_least(8)}

    cache: Path | None = None
    """Folder in which embeddings are stored for later commands. Null: they are kept in memory."""
    objective: str | None = None
    """Objective whose head is used (`knowledge_embedding`, `contrastive_knowledge`, ...), if the checkpoint was trained with
    several."""
    untrained: bool = False
    """Use an encoder that was not trained on a graph. Relations are then encoded from their texts, as for RoBERTa in KEPLER's
    tables."""
    scorer: str | None = None
    """Scorer of an untrained encoder. Null: `transe_l1`. A trained checkpoint has its own."""
    pooling: Literal["first", "mean"] | None = None
    """Pooling of an untrained encoder. Null: `first`. A trained checkpoint has its own."""
    max_length: int | None = None
    """Maximum number of sub-words per text, for an untrained encoder. Null: the maximum of the encoder, at most 512."""
    text: TextKind | None = None
    """Text of an entity, for an untrained encoder. Null: `description`."""
    relation_text: TextKind | None = None
    """Text of a relation, for an untrained encoder. Null: `description`."""
    block_size: int | None = None
    """Number of candidates that are scored at once. Null: as many as fit the device."""

    def __post_init__(self) -> None:
        if self.block_size is not None and (self.block_size < 8 or self.block_size % 8):
            raise ValueError(f"block_size: found {self.block_size}, expected a multiple of 8")
        check_ranges(self)


@dataclass(kw_only=True)
class EvaluationSettings(ModelSettings):
    """Settings of the questions, the candidates and the metrics."""

    READ_WHEN: ClassVar[ReadWhen] = {
        ("negatives", "repetitions"): when(protocol="grail", reason="the other protocols rank among all candidates"),
    }
    RANGES: ClassVar[Ranges] = {("negatives", "repetitions"): at_least(1), ("bootstrap",): at_least(0), ("seed",): SEED}

    protocol: ProtocolName = "transductive"
    """Selection of the questions, and of the entities among which answers are ranked. `transductive`: all entities of the
    graph. `kepler-inductive`, `blp` and `grail`: as in the papers of these names on entities that are not in `train`."""
    split: str | None = None
    """Split whose triples are the questions. Null: `test`, or `inductive_test` with `protocol=grail`."""
    side: AskedSide = "both"
    """Side of the triples that is predicted."""
    unseen: Unseen | None = None
    """Treatment of triples with an entity that is not in `train`: `encode` the entity from its text, give it the `worst` rank,
    or `skip` the triple. Null: `encode`, or `worst` if the model has a table of entities and reads no texts."""
    negatives: int = 50
    """Number of wrong answers per question with `protocol=grail` (as in the paper; its released code draws 49)."""
    repetitions: int = 5
    """Number of times that `protocol=grail` draws wrong answers."""
    bootstrap: int = 1000
    """Number of resamples of the questions for the 95 % intervals; 0: no intervals."""
    seed: int = 0
    """Random seed of the wrong answers and of the resamples."""


@dataclass(kw_only=True)
class PredictionSettings(ModelSettings):
    """Settings of `loreweave predict link-prediction`."""

    RANGES: ClassVar[Ranges] = {("top",): at_least(1)}

    top: int = 10
    """Number of answers per question."""
    allow_self: bool = False
    """Whether the entity of a question can be one of its answers."""


@dataclass(kw_only=True)
class ScoringSettings:
    """Settings of scoring ranked lists."""

    split: str = "test"
    """Split of the graph whose triples are the gold answers."""
    side: AskedSide = "both"
    """Side of a triple that is scored."""
