"""Builds and loads linkers over descriptions, and chooses on dev data how similarities and priors are combined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from loreweave.checkpoints.encoders import lacking_weights
from loreweave.corpus.knowledge.entity_table import EntityTable, read_entities
from loreweave.corpus.mentions.dictionary import MentionDictionary
from loreweave.encoding.words.tokenizer import stated_limit
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.models.dropout_settings import set_hidden_dropout
from loreweave.tasks.entity_linking.candidates import ENTITIES, NAMES, CandidateFinder
from loreweave.tasks.entity_linking.decision import PRIOR, ROW, SIMILARITY, Decision, best_nil, fit_weights, rank
from loreweave.tasks.entity_linking.encoding import DescriptionEncoding, linking_tokenizer
from loreweave.tasks.entity_linking.network import DescriptionLinker, EntityVectors, Inputs
from loreweave.tasks.entity_linking.record import LinkingRecord
from loreweave.tasks.entity_linking.scoring import score_outputs
from loreweave.tasks.entity_linking.settings import NAME, EntityLinkingConfig
from loreweave.tasks.entity_linking.texts import EntityTexts
from loreweave.tasks.starting_points import (
    SETTINGS,
    check_checkpoint_of,
    config_of,
    describe,
    read_all,
    word_limit,
    word_tokenizer,
)
from loreweave.training.evaluation import Evaluation, Outputs
from loreweave.training.losses import cross_entropy
from loreweave.training.task_model import TaskModel

_NO_LIMIT = 128
KEPT = ("max_length", "description_length", "candidates", "nearest", "temperature", "tune_nil")
"""Settings that a checkpoint stores."""


@dataclass(frozen=True)
class LinkingModel(TaskModel):
    """A linker whose weights of similarity and prior, and whose NIL, are chosen on dev data."""

    model: DescriptionLinker
    encoding: DescriptionEncoding

    @property
    def labels(self) -> list[str]:
        """No classes: the entities are those of the table."""
        return ["linked"]

    def tune(self, records: Sequence[LinkingRecord], examples: Sequence[Any], outputs: Outputs) -> None:
        """Fit the weights, then choose NIL."""
        encoding = self.encoding
        joined = encoding.join(examples, outputs)
        table, start = encoding.finder.table, Decision(similarity_weight=1 / self._setting("temperature"))
        groups, golds = [], []
        for record, output in zip(records, joined, strict=False):
            rows = [table.row_of(entity) if (entity := record.mentions[i].entity) is not None else None for i in record.asked()]
            golds.append(rows)
            for number, row in enumerate(rows):
                pairs = output[output[:, 0] == number]
                place = np.flatnonzero(pairs[:, ROW] == (-1 if row is None else row))
                if len(place):
                    one = Decision(similarity_weight=0, prior_weight=1).scores(pairs[:, SIMILARITY], pairs[:, PRIOR])
                    groups.append((np.column_stack([pairs[:, SIMILARITY], one]), int(place[0])))
        decision = fit_weights(groups, start)
        nil = None
        if self._setting("tune_nil"):
            best, right, none = [], [], []
            for output, rows in zip(joined, golds, strict=False):
                for found, row in zip(rank(output, len(rows), decision), rows, strict=True):
                    if len(found.rows):
                        best.append(float(found.scores[0]))
                        right.append(row is not None and int(found.rows[0]) == row)
                        none.append(row is None)
            nil = best_nil(best, right, none)
        weights = decision.to_dict()
        self.decide(weights if nil is None else weights | {"nil": nil})

    def _setting(self, name: str) -> Any:
        return getattr(self.model.config, SETTINGS)[name]

    def decision(self) -> dict[str, float]:
        """Weights and NIL."""
        return self.encoding.decision.to_dict()

    def decide(self, decision: Mapping[str, float]) -> None:
        """Set weights and NIL, also in the configuration that the checkpoint stores."""
        self.encoding.decision = Decision.from_dict(decision)
        getattr(self.model.config, SETTINGS)["decision"] = self.encoding.decision.to_dict()


def build(source: str, labels: Sequence[str], config: EntityLinkingConfig) -> LinkingModel:
    """An untrained linker on the encoder at `source`.

    Raises:
        ConfigurationError: there is no table of entities.
        CheckpointError: there is no readable encoder.
        DataError: the entities or the dictionary cannot be read.
    """
    if config.entities is None:
        raise ConfigurationError(
            "setting 'entities': found nothing, expected the entities to link to: entities=FILE (JSON Lines of {id, label, "
            "description, aliases}) or the folder of a knowledge graph"
        )
    table = EntityTable(read_entities(config.entities))
    kept = {name: getattr(config, name) for name in KEPT}
    dictionary = open_dictionary(config.dictionary)
    return start(source, table, dictionary, kept, hard_negatives=config.hard_negatives, dropout=config.dropout)


def start(
    source: str,
    table: EntityTable,
    dictionary: MentionDictionary | None,
    settings: Mapping[str, Any],
    *,
    hard_negatives: int = 2,
    dropout: float | None = None,
) -> LinkingModel:
    """Any encoder that `AutoModel` knows, as a linker; `settings` are stored in `config.json`."""
    config = config_of(source)
    weights = Decision(similarity_weight=1 / settings["temperature"])
    describe(config, ["linked"], {"task": NAME, "head": "descriptions", **settings, "decision": weights.to_dict()})
    set_hidden_dropout(config, dropout)
    model, missing, _ = read_all(DescriptionLinker, source, config)
    if missing:
        raise lacking_weights(source, missing)
    return assemble(model, word_tokenizer(source), table, dictionary, hard_negatives=hard_negatives)


def assemble(
    model: DescriptionLinker,
    words: Any,
    table: EntityTable,
    dictionary: MentionDictionary | None,
    *,
    hard_negatives: int = 2,
    stored: Callable[[np.ndarray], Tensor] | None = None,
) -> LinkingModel:
    """A linker of its parts, by the settings in its configuration."""
    settings = getattr(model.config, SETTINGS)
    tokenizer = linking_tokenizer(words)
    limit = word_limit(model, settings["max_length"], stated_limit(words)) or _NO_LIMIT
    texts = EntityTexts(table, tokenizer.words, min(settings["description_length"], limit))
    finder = CandidateFinder(table, dictionary, settings["candidates"])
    model.entities = EntityVectors(texts, partial(encode_entities, model), stored)
    encoding = DescriptionEncoding(
        tokenizer, finder, texts, limit, hard_negatives, Decision.from_dict(settings["decision"]), dictionary is None
    )

    def score(records: Sequence[LinkingRecord], outputs: Outputs, labels: Sequence[str], *_: Any) -> Evaluation:
        return score_outputs(records, outputs, encoding.finder.table, encoding.decision)

    def answer(records: Sequence[LinkingRecord], outputs: Outputs, labels: Sequence[str]) -> list[dict[str, Any]]:
        evaluation = score_outputs(records, outputs, encoding.finder.table, encoding.decision)
        return [{"id": row["id"], "predicted": row["predicted"]} for row in evaluation.predictions]

    return LinkingModel(model, encoding, cross_entropy, scorer=score, answerer=answer)


@torch.inference_mode()
def encode_entities(model: DescriptionLinker, inputs: Inputs) -> Tensor:
    """Vectors of a batch of entities' texts on the model's device."""
    device = next(model.parameters()).device
    return model.entity_vectors(*(torch.from_numpy(inputs[name]).to(device) for name in ("input_ids", "attention_mask")))


def load(path: Path, base: str | None = None, labels: Sequence[str] | None = None) -> LinkingModel:
    """A checkpoint of `loreweave finetune entity-linking`.

    Raises:
        CheckpointError: the folder has no such model, or no entities.
    """
    check_checkpoint_of(NAME, path)
    if not (path / ENTITIES).is_file():
        raise CheckpointError(f"{path}: found no {ENTITIES}, expected the entities of the training in the checkpoint")
    model, missing, _ = read_all(DescriptionLinker, str(path), config_of(str(path)))
    if missing:
        raise lacking_weights(str(path), missing)
    names = open_dictionary(str(path / NAMES)) if (path / NAMES).is_dir() else None
    return assemble(model.eval(), word_tokenizer(str(path)), EntityTable(read_entities(path / ENTITIES)), names)


def open_dictionary(path: str | None) -> MentionDictionary | None:
    """The dictionary in a folder of `loreweave build mentions`; None without a path."""
    return None if path is None else MentionDictionary.load(path)
