"""Heads of relation classification: LUKE's, and two over a plain encoder with markers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from loreweave.encoding import EntityTokenizer
from loreweave.errors import ConfigurationError
from loreweave.tasks.heads import with_head
from loreweave.tasks.mentions.inputs import MentionEncoding
from loreweave.tasks.model_folders import SETTINGS, is_luke, settings_of
from loreweave.tasks.relation_classification.document_model import HEAD, build_documents, load_documents
from loreweave.tasks.relation_classification.encoding import luke_encoding, marker_encoding, typed_encoding
from loreweave.tasks.relation_classification.reader import chosen_no_label
from loreweave.tasks.relation_classification.scoring import Kept, score
from loreweave.tasks.relation_classification.settings import NAME, RelationConfig
from loreweave.tasks.relations.typed_markers import starts_of_markers
from loreweave.tasks.starting_points import (
    FOUR_MARKER_STARTS,
    MARKER_STARTS,
    load_luke_classifier,
    load_plain,
    plain_tokenizer,
    start_luke,
    start_plain,
)
from loreweave.training.losses import cross_entropy
from loreweave.training.task_model import TaskModel

_PERSON = (
    "age alternate_names cause_of_death charges children cities_of_residence city_of_birth city_of_death "
    "countries_of_residence country_of_birth country_of_death date_of_birth date_of_death employee_of origin other_family "
    "parents religion schools_attended siblings spouse stateorprovince_of_birth stateorprovince_of_death "
    "stateorprovinces_of_residence title"
)
_ORGANIZATION = (
    "alternate_names city_of_headquarters country_of_headquarters dissolved founded founded_by member_of members "
    "number_of_employees/members parents political/religious_affiliation shareholders stateorprovince_of_headquarters "
    "subsidiaries top_members/employees website"
)
TACRED_LABELS = (
    "no_relation", *(f"org:{name}" for name in _ORGANIZATION.split()), *(f"per:{name}" for name in _PERSON.split())
)  # fmt: skip
"""The 42 labels of TACRED in the order of the published checkpoints' classes."""


def build(source: str, labels: Sequence[str], config: RelationConfig) -> TaskModel:
    """An untrained model for these labels, on the encoder at `source`.

    Raises:
        ConfigurationError: see `with_head`; or `no_label` is not a label.
        CheckpointError: there is no readable encoder.
    """
    if config.multi_label:
        return build_documents(source, labels, config)
    chosen_no_label(labels, config.no_label)  # refuses unknown labels
    config, _ = with_head(config, source)
    head = config.head
    if head == "luke":
        from loreweave.models import LukeForEntityPairClassification

        model, tokenizer = start_luke(
            source, LukeForEntityPairClassification, labels, config,
            classifier_bias=bool(config.classifier_bias), task=NAME, head=head, no_label=config.no_label,
        )  # fmt: skip
        return _task_model(model, luke_encoding(tokenizer))
    markers: dict[str, str] = MARKER_STARTS
    settings: dict[str, Any] = {}
    if head == "kepler":
        # KEPLER's code tokenizes the whole text and then inserts the markers, so the text begins without a space.
        markers, settings = FOUR_MARKER_STARTS, {"piece_rule": "boundary", "head_dropout": 0.0}
        if config.kepler_character_markers:
            markers = {character: character for character in FOUR_MARKER_STARTS.values()}
    else:
        settings["classifier_bias"] = config.classifier_bias is not False
        markers = MARKER_STARTS | starts_of_markers(_types_with_markers(config), tuple(MARKER_STARTS.values()))
        settings |= {name: getattr(config, name) for name in ("hidden_layer", "typed_markers", "mention_types")}
    plain, tokenizer = start_plain(
        source, labels, config, markers=markers, task=NAME, head=head, readouts=2, no_label=config.no_label, **settings
    )
    return _task_model(plain, _plain_encoding(plain, tokenizer))


def _types_with_markers(config: RelationConfig) -> list[str]:
    """Types of mentions that get markers of their own.

    Raises:
        ConfigurationError: they are not known.
    """
    if config.typed_markers != "tokens":
        return []
    if not config.mention_types:
        raise ConfigurationError("typed_markers=tokens needs mention_types, found none")
    return config.mention_types


def _plain_encoding(model: PreTrainedModel, tokenizer: EntityTokenizer) -> MentionEncoding:
    """The encoding for a plain encoder, by the settings in its configuration."""
    settings = getattr(model.config, SETTINGS)
    typed = settings.get("typed_markers", "none")  # older checkpoints do not have the setting
    if typed != "none":
        return typed_encoding(tokenizer, typed, settings["mention_types"] or ())
    return marker_encoding(tokenizer, settings["markers"][2:])


def load(path: Path, base: str | None = None, labels: Sequence[str] | None = None) -> TaskModel:
    """A fine-tuned checkpoint: ours, of transformers, or a released one of LUKE (which needs `base`).

    Raises:
        CheckpointError: the folder has no relation classification model.
    """
    if settings_of(path).get("head") == HEAD:
        return load_documents(path, labels)
    if not is_luke(str(path)) or settings_of(path).get("head", "luke") != "luke":
        plain, words = load_plain(path, labels=labels)
        return _task_model(plain, _plain_encoding(plain, plain_tokenizer(words, plain)))
    from loreweave.models import LukeForEntityPairClassification

    # Released files name no labels; theirs are the sorted labels of TACRED's training file.
    model, tokenizer = load_luke_classifier(path, LukeForEntityPairClassification, base, TACRED_LABELS, labels)
    return _task_model(model, luke_encoding(tokenizer))


def _task_model(model: PreTrainedModel, encoding: MentionEncoding) -> TaskModel:
    """The model with the label for no relation in its configuration, which scoring needs."""
    settings = getattr(model.config, SETTINGS, None) or {}
    return TaskModel(model, encoding, cross_entropy, scorer=partial(score, kept=Kept(settings.get("no_label"))))
