"""Heads of NER: LUKE's over candidate spans, and tags of words over any encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from loreweave.corpus.files.reading import read_json
from loreweave.encoding import EntityTokenizer
from loreweave.errors import ConfigurationError
from loreweave.tasks.heads import with_head
from loreweave.tasks.model_folders import SETTINGS, is_luke, settings_of
from loreweave.tasks.ner.encoding import NEGATIVE, NerSettings, SpanEncoding, TagEncoding, tags_of_types
from loreweave.tasks.ner.foreign_classes import span_classes, tag_classes
from loreweave.tasks.ner.prior import start_from_shares
from loreweave.tasks.ner.record import NerRecord
from loreweave.tasks.ner.settings import NAME, NerConfig
from loreweave.tasks.ner.threshold import best_threshold
from loreweave.tasks.starting_points import load_luke_classifier, start_luke, window_length
from loreweave.tasks.transformers_heads import load_tagger, start_tagger
from loreweave.training.class_names import label_names
from loreweave.training.evaluation import Outputs
from loreweave.training.losses import cross_entropy
from loreweave.training.task_model import TaskModel

CONLL_LABELS = ("NIL", "MISC", "PER", "ORG", "LOC")
"""Classes of the published checkpoints for CoNLL-2003."""


@dataclass(frozen=True, kw_only=True)
class Learning:
    """Settings of the training that a checkpoint does not store: see `NerConfig`."""

    prior_bias: bool = False
    tune_threshold: bool = False
    class_weights: tuple[float, ...] | None = None
    """Weight of each class in the loss; None: all are 1."""

    @classmethod
    def of(cls, config: NerConfig, classes: Sequence[str]) -> Learning:
        """The settings of a run, for a model whose first class is that of no mention."""
        weights = None if config.negative_weight == 1 else (config.negative_weight, *[1.0] * (len(classes) - 1))
        return cls(prior_bias=config.prior_bias, tune_threshold=config.tune_threshold, class_weights=weights)

    def loss(self) -> Callable[..., Tensor]:
        """Cross-entropy with the weights of the classes."""
        return cross_entropy if self.class_weights is None else partial(cross_entropy, class_weights=self.class_weights)


@dataclass(frozen=True)
class NerModel(TaskModel):
    """A model whose classes differ from its labels: those are types of mentions, without prefixes or the class of none.

    Attributes:
        learning: settings of the training that the checkpoint does not store.
    """

    encoding: SpanEncoding | TagEncoding
    learning: Learning = Learning()

    @property
    def labels(self) -> list[str]:
        """Types of mentions."""
        return self.encoding.types

    def prepare(self, examples: Sequence[Any]) -> str:
        """Start the bias of the classifier from the classes of the training examples, if `prior_bias` asks for it.

        Raises:
            ConfigurationError: the model has no linear classifier with a bias.
        """
        if not self.learning.prior_bias:
            return ""
        targets = [example.targets for example in examples]
        return start_from_shares(self.model, targets, self.encoding.classes, self.learning.class_weights)

    def tune(self, records: Sequence[NerRecord], examples: Sequence[Any], outputs: Outputs) -> None:
        """Choose the threshold of spans, if `tune_threshold` asks for it."""
        encoding = self.encoding
        if not self.learning.tune_threshold or not isinstance(encoding, SpanEncoding):
            return
        gold = sum(len({(m.start, m.end, m.label) for m in record.mentions}) for record in records)
        candidates = encoding.candidates(records, examples, outputs)
        self.decide({"threshold": best_threshold(candidates, gold, encoding.negative, encoding.settings.nested)})

    def decision(self) -> dict[str, float]:
        """The threshold of spans, if it was chosen on dev data."""
        threshold = self.encoding.settings.threshold
        return {} if threshold is None else {"threshold": threshold}

    def decide(self, decision: Mapping[str, float]) -> None:
        """Set the threshold of spans, also in the configuration that the checkpoint stores."""
        threshold = decision.get("threshold")
        self.encoding.settings = replace(self.encoding.settings, threshold=threshold)
        getattr(self.model.config, SETTINGS)["threshold"] = threshold


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
        **{field.name: getattr(config, field.name) for field in fields(NerSettings) if hasattr(config, field.name)}
        | {"tags": config.tags if head == "tags" else None}
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
        return _spanning(model, tokenizer, settings, classes, Learning.of(config, classes))
    classes = tags_of_types(labels, config.tags)
    if luke:
        from loreweave.models import LukeForTokenClassification

        model, tokenizer = start_luke(source, LukeForTokenClassification, classes, config, **kept)
    else:
        model, tokenizer = start_tagger(source, classes, config, **kept)
    learning = Learning.of(config, classes)
    return NerModel(model, _tagging(model, tokenizer, settings, classes, plain=not luke), learning.loss(), learning=learning)


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


def _spanning(
    model: Any, tokenizer: EntityTokenizer, settings: NerSettings, classes: list[str], learning: Learning | None = None
) -> NerModel:
    """The number of spans differs much between the texts of a batch, so padding is not computed."""
    model.luke.skip_padding = True
    learning = learning or Learning()
    encoding = SpanEncoding(tokenizer, settings, classes, window_length(model, settings.max_length, tokenizer.max_length))
    return NerModel(model, encoding, learning.loss(), learning=learning)


def _tagging(model: Any, tokenizer: EntityTokenizer, settings: NerSettings, classes: list[str], *, plain: bool) -> TagEncoding:
    return TagEncoding(
        tokenizer, settings, classes, window_length(model, settings.max_length, tokenizer.max_length), plain=plain
    )
