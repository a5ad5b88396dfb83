"""Settings of relation classification."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
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
    multi_label: bool | None = None
    """Any number of relations a pair, of documents with entities by all their mentions, which are read once for all pairs.
    Null: as the training file, documents (DocRED) or pairs of mentions."""
    no_label: str | None = None
    """The label that stands for none of the relations, which scores leave out; null knows no_relation, Other and NA."""
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

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.multi_label and self.head != "auto":
            raise ValueError(f"head: {self.head} chooses one relation for two mentions; leave it out with multi_label=true")
        if self.multi_label and self.no_label is not None:
            raise ValueError("no_label: pairs without a relation have no label in documents; leave it out")


@dataclass(kw_only=True)
class RelationScoring:
    """How relations are scored; what a checkpoint keeps of it goes for its own evaluation."""

    no_label: str | None = None
    """The label that stands for none of the relations, which scores leave out; null is the checkpoint's, or knows
    no_relation, Other and NA."""
    train: Path | None = None
    """Of documents: the training file, whose facts Ign F1 leaves out; null is what the checkpoint was trained on."""
