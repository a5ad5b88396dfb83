"""Builds and loads models of documents."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from loreweave.encoding import EntityTokenizer
from loreweave.tasks.model_folders import is_luke, settings_of
from loreweave.tasks.relation_classification.document_encoding import DocumentEncoding, read_facts
from loreweave.tasks.relation_classification.network import DocumentRelationModel, threshold_loss
from loreweave.tasks.relation_classification.scoring import Kept, score
from loreweave.tasks.relation_classification.settings import NAME, RelationConfig
from loreweave.tasks.starting_points import load_plain, plain_tokenizer, start_luke_encoder, start_plain, word_limit
from loreweave.training.settings.conditions import check_read
from loreweave.training.task_model import TaskModel

HEAD = "documents"
"""Name of this head in `config.json`."""


def build_documents(source: str, labels: Sequence[str], config: RelationConfig) -> TaskModel:
    """An untrained model of documents on the encoder at `source`; a LUKE also reads entities.

    Raises:
        ConfigurationError: a setting that is not read.
        CheckpointError: there is no readable encoder.
    """
    luke = is_luke(source)
    check_read(config, encoder="luke" if luke else "plain")
    torch.manual_seed(config.seed)
    if not luke:
        plain, tokenizer = start_plain(
            source, labels, config, cls=DocumentRelationModel, markers={}, task=NAME, head=HEAD, luke=False, readouts=0
        )
        return _task_model(plain, DocumentEncoding(tokenizer))
    kept: dict[str, Any] = {"task": NAME, "head": HEAD, "luke": True, "readouts": 0, "markers": []}
    kept["max_length"] = config.max_length
    model, tokenizer = start_luke_encoder(source, DocumentRelationModel, labels, config, **kept)
    return _task_model(model, DocumentEncoding(tokenizer, luke=True))


def load_documents(path: Path, labels: Sequence[str] | None = None) -> TaskModel:
    """Load a checkpoint for documents; `labels` are names given by the user.

    Raises:
        CheckpointError: its weights do not fit.
    """
    model, words = load_plain(path, DocumentRelationModel, labels)
    settings = settings_of(path)
    if settings["luke"]:
        tokenizer = EntityTokenizer.from_pretrained(path)
        tokenizer.max_length = word_limit(model, settings["max_length"], tokenizer.max_length)
    else:
        tokenizer = plain_tokenizer(words, model)
    return _task_model(model, DocumentEncoding(tokenizer, settings["luke"], read_facts(path)))


def _task_model(model: PreTrainedModel, encoding: DocumentEncoding) -> TaskModel:
    kept = Kept(facts=lambda: encoding.facts)  # known when training has encoded its documents
    return TaskModel(model, encoding, threshold_loss, partial(score, kept=kept))
