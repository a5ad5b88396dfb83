"""Settings of relation classification."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from loreweave.tasks.mentions.settings import MentionHead
from loreweave.training.settings.conditions import LeftOpen, ReadWhen, either, when
from loreweave.training.settings.finetuning import LUKE_SETTINGS, Encoded, FinetuningConfig, LukeSettings

NAME = "relation-classification"

TypedMarkers = Literal["none", "tokens", "punctuation"]


@dataclass(kw_only=True)
class RelationConfig(FinetuningConfig, LukeSettings):
    """Settings of relation classification; the defaults are those of LUKE on TACRED (Yamada et al. 2020, section 4.2)."""

    READ_WHEN: ClassVar[ReadWhen] = {
        ("head",): when(multi_label=False, reason="documents have a head of their own"),
        LUKE_SETTINGS: either(when(head="luke", multi_label=False), when(head="auto", multi_label=True, encoder="luke")),
        ("feature_cache",): when(multi_label=False, reason="the facts of documents are kept beside their encoded form"),
        ("no_label",): when(multi_label=False, reason="pairs without a relation have no label in documents"),
        ("classifier_bias",): when(head=("luke", "markers"), multi_label=False),
        ("kepler_character_markers",): when(head="kepler", multi_label=False),
        ("hidden_layer",): when(head="markers", multi_label=False),
        ("typed_markers",): when(head="markers", multi_label=False, reason="the other heads have markers of their own"),
        ("mention_types",): when(typed_markers="tokens", reason="only these markers are one for each type"),
    }
    LEFT_OPEN: ClassVar[LeftOpen] = {"head": "auto", "multi_label": None}
    PLAIN_HEAD: ClassVar[str] = "markers"
    ENCODED: ClassVar[Encoded] = ("head", "multi_label", "kepler_character_markers", "typed_markers", "mention_types")

    head: MentionHead = "auto"
    """`luke`: a linear layer over the states of both entities. `markers`: a linear layer over the states of the two opening
    markers, with any plain encoder. `kepler`: as `markers`, with four markers and a tanh layer before the linear layer. `auto`:
    `luke` for a LUKE, `markers` for any other encoder."""
    multi_label: bool | None = None
    """`true`: any number of relations per pair of entities, for documents whose entities have several mentions (DocRED).
    `false`: one relation per pair of mentions. Null: as in the training file."""
    no_label: str | None = None
    """Label for "no relation", which the scores exclude. Null: no_relation, Other or NA, if the data have it."""
    classifier_bias: bool | None = None
    """Whether the classifier has a bias. Null: yes with `markers`, no with `luke` (but the checkpoints of LUKE for KBP37 and
    RELX have one)."""
    hidden_layer: bool = False
    """`markers`: a linear layer with ReLU and dropout between the states and the classifier (Zhou and Chen 2022). `false`: only
    dropout."""
    kepler_character_markers: bool = False
    """`kepler`: put one mention between the characters " and #, and the other between $ and %, as the released code does,
    although texts can contain these characters. `false`: use four new tokens, whose embeddings start as those of the
    characters."""
    typed_markers: TypedMarkers = "none"
    """`markers`: show the types of head and tail, which the records must have, in the markers (Zhou and Chen 2022). `tokens`:
    each type has markers of its own. `punctuation`: the name of the type follows the opening marker, as in `* person *` for the
    head and `^ city ^` for the tail. `none`: the markers show no types."""
    mention_types: list[str] | None = None
    """Types of mentions that have markers of their own with `typed_markers=tokens`. Null: those of the training data."""
    epochs: int = 5
    batch_size: int = 4
    gradient_accumulation_steps: int = 8
    seed: int = 42
    eval_batch_size: int = 128


@dataclass(kw_only=True)
class RelationScoring:
    """Settings of scoring, which a checkpoint stores for its evaluation."""

    no_label: str | None = None
    """Label for "no relation", which the scores exclude. Null: that of the checkpoint, or no_relation, Other or NA if the data
    have it."""
    train: Path | None = None
    """Training file whose facts are excluded from Ign F1 (only for documents). Null: the training file of the checkpoint."""
