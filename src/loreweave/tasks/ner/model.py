"""Heads of NER: LUKE's over candidate spans, and tags of words over any encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from loreweave.corpus.files.reading import read_json
from loreweave.encoding import EntityTokenizer
from loreweave.errors import ConfigurationError
from loreweave.tasks.heads import with_head
from loreweave.tasks.ner.encoding import NEGATIVE, NerSettings, SpanEncoding, TagEncoding, tags_of_types
from loreweave.tasks.ner.foreign_classes import span_classes, tag_classes
from loreweave.tasks.ner.settings import NAME, NerConfig
from loreweave.tasks.starting_points import (
    is_luke,
    load_luke_classifier,
    settings_of,
    start_luke,
    word_limit,
)
from loreweave.tasks.transformers_heads import load_tagger, start_tagger
from loreweave.training.class_names import label_names
from loreweave.training.losses import cross_entropy
from loreweave.training.task_model import TaskModel

CONLL_LABELS = ("NIL", "MISC", "PER", "ORG", "LOC")
"""Classes of the published checkpoints for CoNLL-2003."""

_NO_LIMIT = 512
"""Maximum number of sub-words per input if neither the encoder nor its tokenizer has a limit."""


@dataclass(frozen=True)
class NerModel(TaskModel):
    """A model whose classes differ from its labels: those are types of mentions, without prefixes or the class of none."""

    encoding: SpanEncoding | TagEncoding

    @property
    def labels(self) -> list[str]:
        """Types of mentions."""
        return self.encoding.types


def build(source: str, labels: Sequence[str], config: NerConfig) -> NerModel:
    """An untrained model for these types, on the encoder at `source`.

    Raises:
        ConfigurationError: see `with_head`; a type has the name of the class of no mention, or settings contradict each other.
        CheckpointError: there is no readable encoder.
    """
    config, luke = with_head(config, source)
    head = config.head
    negative = [label for label in labels if label in NEGATIVE]
    if negative:
        raise ConfigurationError(f"found the type {negative[0]!r}, which stands for no mention; give it another name")
    settings = NerSettings(
        **{field.name: getattr(config, field.name) for field in fields(NerSettings) if field.name != "tags"},
        tags=config.tags if head == "tags" else None,
    )
    kept = {"task": NAME, "head": head, **asdict(settings)}
    if head == "luke":
        if config.shared_words and config.span_features == "words":
            raise ConfigurationError("setting 'shared_words': it has no effect with span_features=words, which has no entities")
        from loreweave.models.luke.heads import SPAN_STATES, LukeForEntitySpanClassification

        classes, states = [NEGATIVE[0], *labels], SPAN_STATES[config.span_features]
        model, tokenizer = start_luke(source, LukeForEntitySpanClassification, classes, config, states=states, **kept)
        model.config.shared_words = config.shared_words
        model.config.span_features = config.span_features
        return _spanning(model, tokenizer, settings, classes)
    classes = tags_of_types(labels, config.tags)
    if luke:
        from loreweave.models import LukeForTokenClassification

        model, tokenizer = start_luke(source, LukeForTokenClassification, classes, config, **kept)
    else:
        model, tokenizer = start_tagger(source, classes, config, **kept)
    return NerModel(model, _tagging(model, tokenizer, settings, classes, plain=not luke), cross_entropy)


def load(path: Path, base: str | None = None, labels: Sequence[str] | None = None) -> NerModel:
    """A fine-tuned checkpoint: ours, of transformers (spans of a LUKE, tags of any encoder), or a released one of
    LUKE (which needs `base`).

    Raises:
        CheckpointError: the folder has no NER model.
    """
    kept = settings_of(path)
    settings = NerSettings(**{field.name: kept[field.name] for field in fields(NerSettings) if field.name in kept})
    model: Any
    if not is_luke(str(path)):
        model, tokenizer = load_tagger(path, labels)
        return NerModel(
            model, _tagging(model, tokenizer, settings, tag_classes(label_names(model.config), path), plain=True), cross_entropy
        )
    from loreweave.models import LukeForEntitySpanClassification, LukeForTokenClassification

    if "LukeForTokenClassification" in _architectures(path):
        model, tokenizer = load_luke_classifier(path, LukeForTokenClassification, base, (), labels)
        return NerModel(
            model,
            _tagging(model, tokenizer, settings, tag_classes(label_names(model.config), path), plain=False),
            cross_entropy,
        )
    model, tokenizer = load_luke_classifier(path, LukeForEntitySpanClassification, base, CONLL_LABELS, labels)
    return _spanning(model, tokenizer, settings, span_classes(label_names(model.config), path))


def _architectures(path: Path) -> list[str]:
    """Name of the model's class in `config.json`; empty for released files."""
    file = path / "config.json"
    return list(read_json(file).get("architectures") or ()) if file.is_file() else []


def _spanning(model: Any, tokenizer: EntityTokenizer, settings: NerSettings, classes: list[str]) -> NerModel:
    """The number of spans differs much between the texts of a batch, so padding is not computed."""
    model.luke.skip_padding = True
    return NerModel(model, SpanEncoding(tokenizer, settings, classes, _limit(model, tokenizer, settings)), cross_entropy)


def _tagging(model: Any, tokenizer: EntityTokenizer, settings: NerSettings, classes: list[str], *, plain: bool) -> TagEncoding:
    return TagEncoding(tokenizer, settings, classes, _limit(model, tokenizer, settings), plain=plain)


def _limit(model: PreTrainedModel, tokenizer: EntityTokenizer, settings: NerSettings) -> int:
    return word_limit(model, settings.max_length, tokenizer.max_length) or _NO_LIMIT
