"""An encoder that compares sentences by their relation, and its training in episodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput, SequenceClassifierOutput

from loreweave.corpus.files.reading import read_json
from loreweave.encoding import EntityTokenizer
from loreweave.encoding.model_names import resolve
from loreweave.errors import ConfigurationError
from loreweave.models.dropout_settings import hidden_dropout
from loreweave.models.luke.heads import entity_states
from loreweave.tasks.few_shot_relation.encoding import SOURCE_FILE, Drawing, EpisodeEncoding
from loreweave.tasks.few_shot_relation.matching import pair_logits, prototype_logits
from loreweave.tasks.few_shot_relation.settings import NAME, FewShotRelationConfig, MethodSettings
from loreweave.tasks.mentions.inputs import MarkerEncoding, MentionEncoding
from loreweave.tasks.mentions.marker_classifier import MarkerClassifier, OneLayerHead
from loreweave.tasks.model_folders import check_checkpoint_of, is_checkpoint_of, is_luke, settings_of
from loreweave.tasks.relations.record import mentions_of
from loreweave.tasks.starting_points import (
    FOUR_MARKER_STARTS,
    MARKER_STARTS,
    load_plain,
    plain_tokenizer,
    start_luke_encoder,
    start_plain,
    word_limit,
)
from loreweave.training.losses import cross_entropy
from loreweave.training.settings.conditions import check_read
from loreweave.training.settings.configuration import fill
from loreweave.training.task_model import TaskModel


class EpisodeModel(MarkerClassifier):
    """An encoder of transformers whose inputs have markers, or a LUKE with entities, for episodes or for single inputs.

    With proto, the head is dropout only, and the vector of an input is its states at the markers. With pair, it returns the
    two scores of an input: that its relations differ, and that they are equal.
    """

    def new_head(self, config: PreTrainedConfig) -> nn.Module:
        """Dropout, or the classifier of pairs."""
        settings = config.loreweave
        if settings["method"] == "proto":
            return nn.Dropout(settings["encoding_dropout"])
        return OneLayerHead(settings["readouts"] * config.hidden_size, 2, hidden_dropout(config))

    def encode(self, *inputs: Any, **named: Any) -> tuple[Tensor, BaseModelOutput]:
        """States at `state_positions`, or of head and tail as entities, concatenated; and the output."""
        if self.config.loreweave["representation"] != "entities":
            return super().encode(*inputs, **named)
        output = self.encoder(*inputs, **named)
        return entity_states(output)[:, :2].flatten(1), output

    def forward(
        self,
        *inputs: Any,
        support_rows: Tensor | None = None,
        query_rows: Tensor | None = None,
        pair_rows: Tensor | None = None,
        **named: Any,
    ) -> SequenceClassifierOutput:
        """Logits [episodes, queries, classes]; without rows the vectors [inputs, size] or scores [inputs, 2] themselves."""
        states, _ = self.encode(*inputs, **named)
        found = self.classifier(states)
        settings = self.config.loreweave
        if pair_rows is not None:
            logits = pair_logits(found[pair_rows])
            found = logits if settings["none_of_the_above"] else logits[..., :-1]
        elif support_rows is not None:
            found = prototype_logits(found[support_rows], found[query_rows], settings["distance"])
        return SequenceClassifierOutput(logits=found)


def build(source: str, labels: Sequence[str], config: FewShotRelationConfig) -> TaskModel:
    """An encoder for training in episodes of these relations.

    Raises:
        ConfigurationError: `relations` has one that the source lacks, or a setting is not read.
        CheckpointError: there is no readable encoder.
    """
    check_read(config)
    if unknown := sorted(set(config.relations or ()) - set(labels)):
        raise ConfigurationError(f"setting 'relations': the source lacks {', '.join(unknown)}; it has {', '.join(labels)}")
    names = list(config.relations or labels)
    num_states = 1 if config.representation == "pooled" else 4 if config.method == "pair" else 2
    kept = {name: getattr(config, name) for name in ("method", "representation", "distance", "encoding_dropout")}
    kept |= {"task": NAME, "head": "few-shot", "readouts": num_states, "none_of_the_above": config.na_rate > 0}
    torch.manual_seed(config.seed)
    if config.representation == "entities":
        model, tokenizer = _start_luke(source, names, config, kept)
    else:
        markers = MARKER_STARTS if config.markers == "two" else FOUR_MARKER_STARTS
        model, tokenizer = start_plain(source, names, config, cls=EpisodeModel, markers=markers, **kept)
    drawing = Drawing(config.shape(), config.episodes, config.order_seed, tuple(names))
    return TaskModel(model, _encoding(model, tokenizer, drawing), cross_entropy)


def load(path: Path, base: str | None = None, labels: Sequence[str] | None = None) -> TaskModel:
    """A checkpoint of `loreweave finetune few-shot-relation`.

    Raises:
        CheckpointError: the folder has no such model.
    """
    check_checkpoint_of(NAME, path)
    model, words = load_plain(path, EpisodeModel)
    if model.config.loreweave["representation"] == "entities":
        encoding = _encoding(model, EntityTokenizer.from_pretrained(path))
    else:
        encoding = _encoding(model, plain_tokenizer(words, model))
    if (path / SOURCE_FILE).is_file():
        encoding.source_relations = tuple(read_json(path / SOURCE_FILE))
    return TaskModel(model, encoding, cross_entropy)


def load_any(path: Path, settings: MethodSettings) -> tuple[TaskModel, bool]:
    """A checkpoint of this task, or any encoder as it is; and whether it is a checkpoint.

    Raises:
        CheckpointError: there is no readable encoder.
        ConfigurationError: a setting differs from the checkpoint's.
    """
    folder = resolve(path)
    asked = {name: getattr(settings, name) for name in ("method", "representation", "max_length")}
    asked = {name: value for name, value in asked.items() if value is not None}
    if not is_checkpoint_of(NAME, folder):
        start = fill(FewShotRelationConfig, {"seed": settings.seed, **asked})
        built = build(str(folder), ["untrained"], start)
        built.model.eval()
        return built, False
    kept = settings_of(folder)
    for name, value in asked.items():
        if value != kept[name]:
            raise ConfigurationError(f"{name}: found {value}, but {path} was trained with {kept[name]}; leave it out")
    return load(folder), True


def _start_luke(
    source: str, names: Sequence[str], config: FewShotRelationConfig, kept: Mapping[str, Any]
) -> tuple[PreTrainedModel, EntityTokenizer]:
    """A LUKE of any format, without its head and without the entities that episodes do not use."""
    if not is_luke(source):
        raise ConfigurationError(f"{source}: representation=entities needs a LUKE; use markers or pooled with a plain encoder")
    kept = {**kept, "markers": list(MARKER_STARTS), "max_length": config.max_length}
    return start_luke_encoder(source, EpisodeModel, names, config, **kept)


def _encoding(model: PreTrainedModel, tokenizer: EntityTokenizer, drawing: Drawing | None = None) -> EpisodeEncoding:
    settings = model.config.loreweave
    if settings["method"] == "pair":
        whole = word_limit(model, None, tokenizer.words.max_length)
        if whole is not None:  # two sentences share the positions, and have fewer special tokens together
            room = (whole + 4 - tokenizer.words.special.count(pair=True)) // 2
            tokenizer.max_length = min(room, tokenizer.max_length or room)
    if settings["representation"] == "entities":
        luke = MentionEncoding(tokenizer, "entity_pair_classification", mentions_of, _no_targets, brackets=False)
        return EpisodeEncoding(luke, settings["method"], settings["representation"], drawing or Drawing())
    closing = [tokenizer.words.id_of(marker) for marker in settings["markers"][2:]]
    sentences = MarkerEncoding(
        tokenizer, "entity_pair_classification", mentions_of, _no_targets,
        brackets=False, end_markers=tuple(id for id in closing if id is not None),
    )  # fmt: skip
    return EpisodeEncoding(sentences, settings["method"], settings["representation"], drawing or Drawing())


def _no_targets(records: Sequence[Any], labels: Sequence[str]) -> list[None]:
    """Sentences have no class of their own; episodes have."""
    return [None] * len(records)
