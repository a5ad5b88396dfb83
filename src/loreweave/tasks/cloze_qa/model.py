"""Models of cloze questions: LUKE's head over entities, and the same over the markers of a plain encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from loreweave.checkpoints.formats.luke_finetuned import CLOZE_TOKENS
from loreweave.encoding import EntityTokenizer
from loreweave.errors import CheckpointError
from loreweave.models import LukeForEntityCloze
from loreweave.tasks.cloze_qa.encoding import ClozeEncoding, ClozeSettings, MarkerClozeEncoding
from loreweave.tasks.cloze_qa.network import READOUTS, CandidateClassifier
from loreweave.tasks.cloze_qa.record import LABEL
from loreweave.tasks.cloze_qa.settings import NAME, ClozeConfig
from loreweave.tasks.heads import with_head
from loreweave.tasks.model_folders import is_luke, settings_of
from loreweave.tasks.starting_points import load_plain, plain_tokenizer, read_luke, start_luke_head, start_plain, word_limit
from loreweave.training.losses import binary_cross_entropy
from loreweave.training.task_model import TaskModel

_STARTS = dict(zip(CLOZE_TOKENS, ("@", "#", "*"), strict=True))
"""Tokens whose rows are copied to the new ones."""


def build(source: str, labels: Sequence[str], config: ClozeConfig) -> TaskModel:
    """An untrained model on the encoder at `source`.

    Raises:
        ConfigurationError: see `with_head`; or `max_length` leaves no room for words.
        CheckpointError: there is no readable encoder.
    """
    config, _ = with_head(config, source)
    settings = ClozeSettings(
        max_length=config.max_length,
        max_query_length=config.max_query_length,
        doc_stride=config.doc_stride,
        released_repetition=config.released_repetition,
    )
    stored: dict[str, Any] = {"task": NAME, "head": config.head} | asdict(settings)
    if config.head == "luke":
        model, tokenizer = start_luke_head(source, LukeForEntityCloze, labels, config, more_markers=_STARTS, **stored)
        return _task_model(model, tokenizer, settings)
    stored.pop("max_length")  # `start_plain` stores it
    stored |= {"candidate_features": config.candidate_features, "readouts": READOUTS[config.candidate_features]}
    plain, tokenizer = start_plain(source, labels, config, markers=_STARTS, cls=CandidateClassifier, **stored)
    return _task_model(plain, tokenizer, settings)


def load(path: Path, base: str | None = None, labels: Sequence[str] | None = None) -> TaskModel:
    """A fine-tuned checkpoint: ours, or a released one of LUKE (which needs `base`), which is read as its code does.

    Raises:
        CheckpointError: the folder has no model for cloze questions.
    """
    kept = settings_of(path)
    settings = ClozeSettings(**{each.name: kept[each.name] for each in fields(ClozeSettings) if each.name in kept})
    if not is_luke(str(path)) or kept.get("head", "luke") != "luke":
        plain, words = load_plain(path, CandidateClassifier, labels)
        return _task_model(plain, plain_tokenizer(words, plain), settings)
    loaded = read_luke(str(path), LukeForEntityCloze, base)
    assert loaded.tokenizer is not None, "checked by read_luke"
    if "scorer" in loaded.report.new_modules:
        raise CheckpointError(f"{path}: found a LUKE without a scorer of candidates, expected one fine-tuned for {NAME}")
    missing = [token for token in CLOZE_TOKENS if loaded.tokenizer.words.id_of(token) is None]
    if missing:
        raise CheckpointError(f"{path}: found a tokenizer without {', '.join(missing)}, expected that of the fine-tuned model")
    loaded.model.config.id2label, loaded.model.config.label2id = {0: LABEL}, {LABEL: 0}
    return _task_model(loaded.model, loaded.tokenizer, settings)


def _task_model(model: PreTrainedModel, tokenizer: EntityTokenizer, settings: ClozeSettings) -> TaskModel:
    limit = word_limit(model, settings.max_length, tokenizer.max_length)
    assert limit is not None, "every encoder has a number of positions"
    encoding = ClozeEncoding if isinstance(model, LukeForEntityCloze) else MarkerClozeEncoding
    return TaskModel(model, encoding(tokenizer, settings, limit), binary_cross_entropy)
