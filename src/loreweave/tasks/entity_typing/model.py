"""Heads of entity typing: LUKE's, and two over a plain encoder with markers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from loreweave.tasks.entity_typing.encoding import luke_encoding, marker_encoding
from loreweave.tasks.entity_typing.reader import COARSE_LABELS
from loreweave.tasks.entity_typing.scoring import answer, score
from loreweave.tasks.entity_typing.settings import NAME, Decision, EntityTypingConfig
from loreweave.tasks.heads import with_head
from loreweave.tasks.model_folders import is_luke, settings_of
from loreweave.tasks.starting_points import (
    MARKER_STARTS,
    load_luke_classifier,
    load_plain,
    plain_tokenizer,
    start_luke,
    start_plain,
)
from loreweave.training.losses import binary_cross_entropy, cross_entropy
from loreweave.training.task_model import Encoding, TaskModel

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_KEPLER_MARKERS = {"madeupword0000": "@", "madeupword0001": "#"}
"""KEPLER's markers: unused words of RoBERTa's vocabulary."""


def build(source: str, labels: Sequence[str], config: EntityTypingConfig) -> TaskModel:
    """An untrained model for these labels, on the encoder at `source`.

    Raises:
        ConfigurationError: see `with_head`.
        CheckpointError: there is no readable encoder.
    """
    config, _ = with_head(config, source)
    head, decision = config.head, Decision(config.multi_label, config.threshold)
    if head == "luke":
        from loreweave.models import LukeForEntityClassification

        model, tokenizer = start_luke(
            source, LukeForEntityClassification, labels, config, task=NAME, head=head, **asdict(decision)
        )
        return _decided(model, luke_encoding(tokenizer, decision.multi_label), decision)
    shift = int(head == "kepler" and config.kepler_released_readout)
    markers = _KEPLER_MARKERS if head == "kepler" else MARKER_STARTS
    second_end = head == "kepler" and config.kepler_second_end
    plain, tokenizer = start_plain(
        source, labels, config, markers=markers,
        task=NAME, head=head, readouts=1, shift=shift, second_end=second_end,
        **asdict(decision),
    )  # fmt: skip
    encoding = marker_encoding(tokenizer, decision.multi_label, shift=shift, second_end=second_end)
    return _decided(plain, encoding, decision)


def load(path: Path, base: str | None = None, labels: Sequence[str] | None = None) -> TaskModel:
    """A fine-tuned checkpoint: ours, of transformers, or a released one of LUKE (which needs `base`).

    Raises:
        CheckpointError: the folder has no entity-typing model.
    """
    kept = settings_of(path)
    decision = Decision(kept.get("multi_label", True), kept.get("threshold", 0.5))
    if not is_luke(str(path)) or kept.get("head", "luke") != "luke":
        plain, words = load_plain(path, labels=labels)
        tokenizer = plain_tokenizer(words, plain)
        second_end = kept.get("second_end", False)  # older checkpoints do not have the setting
        encoding = marker_encoding(tokenizer, decision.multi_label, shift=kept["shift"], second_end=second_end)
        return _decided(plain, encoding, decision)
    from loreweave.models import LukeForEntityClassification

    # Released files name no labels; theirs are the sorted labels of Open Entity's training file.
    model, tokenizer = load_luke_classifier(path, LukeForEntityClassification, base, COARSE_LABELS, labels)
    return _decided(model, luke_encoding(tokenizer, decision.multi_label), decision)


def _decided(model: PreTrainedModel, encoding: Encoding, decision: Decision) -> TaskModel:
    """The model with how its logits become types."""
    loss = binary_cross_entropy if decision.multi_label else cross_entropy
    return TaskModel(
        model, encoding, loss, scorer=partial(score, decision=decision), answerer=partial(answer, decision=decision)
    )
