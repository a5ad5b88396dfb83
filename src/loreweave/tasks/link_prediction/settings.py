"""Settings of link prediction: what `key=value` after `loreweave evaluate` and `predict` may change."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from loreweave.encoding.entity_texts import TextKind
from loreweave.training.settings.conditions import ReadWhen, when

ProtocolName = Literal["transductive", "kepler-inductive", "blp", "grail"]
Side = Literal["head", "tail"]
Unseen = Literal["encode", "worst", "skip"]


@dataclass(kw_only=True)
class ModelSettings:
    """How a checkpoint is read."""

    READ_WHEN: ClassVar[ReadWhen] = {
        ("scorer", "pooling", "max_length", "text", "relation_text"): when(
            untrained=True, reason="a trained checkpoint has its own"
        ),
        ("objective",): when(untrained=False, reason="an untrained encoder has no head to choose from"),
    }

    cache: Path | None = None
    """Folder that keeps embeddings between runs; null keeps them in memory."""
    objective: str | None = None
    """Which head of a checkpoint that was trained with several (`knowledge_embedding`, `contrastive_knowledge`, ...)."""
    untrained: bool = False
    """Take an encoder without a head as it is, relations read from their texts: the RoBERTa rows of KEPLER's tables."""
    scorer: str | None = None
    """Of an untrained encoder; null is `transe_l1`. A trained checkpoint says its own."""
    pooling: Literal["first", "mean"] | None = None
    """Of an untrained encoder; null is `first`. A trained checkpoint says its own."""
    max_length: int | None = None
    """Tokens of a text for an untrained encoder; null is the least of 512 and what it can read."""
    text: TextKind | None = None
    """What an untrained encoder reads of an entity; null is `description`."""
    relation_text: TextKind | None = None
    """What it reads of a relation; null is `description`."""
    block_size: int | None = None
    """Candidates that are scored at once; null is as fits the device."""

    def __post_init__(self) -> None:
        if self.block_size is not None and (self.block_size < 8 or self.block_size % 8):
            raise ValueError("block_size: expected a multiple of 8")


@dataclass(kw_only=True)
class EvaluationSettings(ModelSettings):
    """What is asked, among which answers, and how ranks become numbers."""

    READ_WHEN: ClassVar[ReadWhen] = {
        ("negatives", "repetitions"): when(protocol="grail", reason="the other protocols rank among all candidates"),
    }

    protocol: ProtocolName = "transductive"
    split: str | None = None
    """The triples that are asked; null is `test`, for the protocol grail `inductive_test`."""
    side: Literal["both", "head", "tail"] = "both"
    """Which side of a triple is asked for."""
    unseen: Unseen | None = None
    """Triples with an entity that `train` lacks: `encode` it from its text, give it the `worst` rank, or `skip` the
    triple. Null is encode; for tabled entities, which have no text to encode, worst."""
    negatives: int = 50
    """Wrong answers per question in the protocol grail (the paper's number; its released code draws 49)."""
    repetitions: int = 5
    """How often the protocol grail draws them."""
    bootstrap: int = 1000
    """Resamples of the questions for the 95 % intervals; 0 makes none."""
    seed: int = 0
    """Of the wrong answers and of the resamples."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.negatives, self.repetitions) < 1 or self.bootstrap < 0:
            raise ValueError("negatives and repetitions: expected at least 1; bootstrap: expected 0 or more")


@dataclass(kw_only=True)
class PredictionSettings(ModelSettings):
    """What `loreweave predict link-prediction` answers."""

    top: int = 10
    """Answers to a question."""
    allow_self: bool = False
    """Whether the entity that is asked about may be an answer to its own question."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.top < 1:
            raise ValueError("top: expected at least 1")
