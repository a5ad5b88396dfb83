"""Heads of entity typing: LUKE's, and two over a plain encoder with markers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loreweave.errors import ConfigurationError
from loreweave.tasks.entity_typing.encoding import luke_encoding, marker_encoding
from loreweave.tasks.entity_typing.reader import COARSE_LABELS
from loreweave.tasks.entity_typing.settings import NAME, EntityTypingConfig
from loreweave.tasks.registry import TaskModel
from loreweave.tasks.starting_points import (
    MARKER_STARTS,
    is_luke,
    load_luke_classifier,
    load_plain,
    plain_tokenizer,
    settings_of,
    start_luke,
    start_plain,
)

_KEPLER_MARKERS = {"madeupword0000": "@", "madeupword0001": "#"}
"""KEPLER's markers: spare words of RoBERTa's vocabulary (specs/kepler.md 6.3)."""


def build(source: str, labels: Sequence[str], config: EntityTypingConfig) -> TaskModel:
    """An untrained model for these labels on the encoder at `source`.

    Raises:
        ConfigurationError: `head=luke` for an encoder that is no LUKE.
        CheckpointError: no readable encoder.
    """
    luke = is_luke(source)
    head = config.head if config.head != "auto" else "luke" if luke else "markers"
    if head == "luke":
        if not luke:
            raise ConfigurationError(f"{source}: head=luke needs a LUKE; a plain encoder takes head=markers or kepler")
        from loreweave.models import LukeForEntityClassification

        model, tokenizer = start_luke(source, LukeForEntityClassification, labels, config, task=NAME, head=head)
        return TaskModel(model, luke_encoding(tokenizer))
    shift = int(head == "kepler" and config.kepler_released_readout)
    markers = _KEPLER_MARKERS if head == "kepler" else MARKER_STARTS
    second_end = head == "kepler" and config.kepler_second_end
    plain, tokenizer = start_plain(
        source, labels, config, markers=markers,
        task=NAME, head=head, readouts=1, shift=shift, second_end=second_end,
    )  # fmt: skip
    return TaskModel(plain, marker_encoding(tokenizer, shift=shift, second_end=second_end))


def load(path: Path, base: str | None = None, labels: Sequence[str] | None = None) -> TaskModel:
    """A fine-tuned checkpoint: one of ours, of transformers, or a released one of LUKE (which needs `base`).

    Raises:
        CheckpointError: the folder holds no entity-typing model.
    """
    if not is_luke(str(path)) or settings_of(path).get("head", "luke") != "luke":
        plain, words = load_plain(path, labels=labels)
        tokenizer = plain_tokenizer(words, plain)
        kept = settings_of(path)
        second_end = kept.get("second_end", False)  # checkpoints of before there was the setting
        return TaskModel(plain, marker_encoding(tokenizer, shift=kept["shift"], second_end=second_end))
    from loreweave.models import LukeForEntityClassification

    # Released files name no labels; theirs are the sorted ones of Open Entity's training file (specs/luke.md 4.1).
    model, tokenizer = load_luke_classifier(path, LukeForEntityClassification, base, COARSE_LABELS, labels)
    return TaskModel(model, luke_encoding(tokenizer))
