"""A plain encoder with Gaussian heads over its words, and its training on a source (CONTaiNER)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from loreweave.build.episodes import SamplerSettings
from loreweave.checkpoints.encoders import lacking_weights
from loreweave.corpus.counts import listed
from loreweave.encoding.model_names import resolve
from loreweave.encoding.words.tokenizer import stated_limit
from loreweave.errors import CheckpointError
from loreweave.models.dropout_settings import set_hidden_dropout
from loreweave.models.gaussian_embeddings import Gaussians, contrastive_loss, pair_distances
from loreweave.models.head_settings import Divergence
from loreweave.tasks.few_shot_ner.encoding import WordEncoding, read_transitions
from loreweave.tasks.few_shot_ner.episodic_training import EpisodicEncoding, episode_loss
from loreweave.tasks.few_shot_ner.network import GaussianWordEncoder, WordStates
from loreweave.tasks.few_shot_ner.settings import CONTAINER_SETTINGS, NAME, FewShotNerConfig
from loreweave.tasks.model_folders import (
    check_checkpoint_of,
    config_of,
    describe,
    is_checkpoint_of,
    read_all,
    settings_of,
    word_tokenizer,
)
from loreweave.tasks.starting_points import word_limit
from loreweave.training.settings.conditions import check_read
from loreweave.training.settings.configuration import fill, to_dict
from loreweave.training.settings.optimizer import OptimizerConfig
from loreweave.training.task_model import TaskModel

HEAD = "gaussian_head"
"""Prefix of the parameters outside the encoder."""

_KEPT = (*CONTAINER_SETTINGS, "objective", "layers", "state_dropout")
"""Settings that a checkpoint stores."""


def word_loss(
    output: WordStates, labels: Tensor, divergence: Divergence, least_variance: float = 0.0, outside_anchors: bool = True
) -> Tensor:
    """CONTaiNER's loss over all words of a batch; O is class 0.

    Args:
        labels: classes [words]; negative ones are ignored.
    """
    assert output.mean is not None and output.variance is not None
    known = labels >= 0
    points = Gaussians(output.mean[known], output.variance[known])
    anchors = None if outside_anchors else labels[known] > 0
    return contrastive_loss(pair_distances(points, divergence, least_variance), labels[known], anchors)


def build(source: str, labels: Sequence[str], config: FewShotNerConfig) -> TaskModel:
    """A plain encoder with new Gaussian heads, and the loss of its training.

    Raises:
        ConfigurationError: a setting that is not read.
        CheckpointError: there is no readable encoder.
    """
    check_read(config)
    kept = {name: getattr(config, name) for name in _KEPT}
    kept |= {"max_length": config.max_length, "optimizer": to_dict(config.optimizer)}
    model, encoding = start(source, labels, kept, config.dropout)
    if config.objective == "container":
        return TaskModel(model, encoding, loss_of(kept))
    sampler = SamplerSettings(way=config.way, shot=config.shot, query_shot=config.query_shot, seed=config.order_seed)
    return TaskModel(model, EpisodicEncoding(encoding, sampler, config.episodes), episode_loss(config.objective))


def loss_of(settings: dict[str, Any]) -> Callable[..., Tensor]:
    """Loss for the engine, weighted by the number of words (exact if an update is one batch)."""
    chosen = [settings[name] for name in ("divergence", "least_variance", "outside_anchors")]

    def weighted(output: WordStates, labels: Tensor, num_items_in_batch: Tensor | int | None = None) -> Tensor:
        counted = (labels >= 0).sum()
        total = counted if num_items_in_batch is None else num_items_in_batch
        return word_loss(output, labels, *chosen) * counted / torch.as_tensor(total, device=labels.device).clamp_min(1)

    return weighted


def start(
    source: str, labels: Sequence[str], settings: dict[str, Any], dropout: float | None = None
) -> tuple[GaussianWordEncoder, WordEncoding]:
    """Any encoder that `AutoModel` knows, with new heads; `settings` are stored in `config.json`."""
    config = config_of(source)
    describe(config, labels, {"task": NAME, "head": "gaussian", **settings})
    set_hidden_dropout(config, dropout)
    model, missing, _ = read_all(GaussianWordEncoder, source, config, new=HEAD)
    lacking = sorted(name for name in missing if not name.startswith(HEAD))
    if lacking:
        raise lacking_weights(source, lacking)
    return model, _encoding(source, model, settings.get("max_length"))


def load(path: Path, base: str | None = None, labels: Sequence[str] | None = None) -> TaskModel:
    """A checkpoint of `loreweave finetune few-shot-ner`.

    Raises:
        CheckpointError: the folder has no such model.
    """
    config = config_of(str(path))
    settings = settings_of(path)
    check_checkpoint_of(NAME, path)
    model, missing, _ = read_all(GaussianWordEncoder, str(path), config)
    if missing:
        raise CheckpointError(f"{path}: the weights lack {listed(sorted(missing))}")
    encoding = _encoding(str(path), model, settings["max_length"])
    encoding.transitions = read_transitions(path)
    model.eval()
    return TaskModel(model, encoding, loss_of(settings))


def load_any(path: Path, seed: int, max_length: int | None = None) -> tuple[TaskModel, bool]:
    """A checkpoint of this task, or any encoder with untrained heads; and whether it is a checkpoint.

    Raises:
        CheckpointError: there is no readable encoder.
    """
    folder = resolve(path)
    if is_checkpoint_of(NAME, folder):
        loaded, trained = load(folder), True
    else:
        torch.manual_seed(seed)
        loaded, trained = build(str(folder), ["O"], FewShotNerConfig(max_length=max_length or 128)), False
        loaded.model.eval()
    if max_length is not None:
        encoding: Any = loaded.encoding
        encoding.max_length = word_limit(loaded.model, max_length, None)
    return loaded, trained


def optimizer_of(model: PreTrainedModel) -> OptimizerConfig:
    """Optimizer of a checkpoint's own training, which the published runs use for the support set too."""
    return fill(OptimizerConfig, model.config.loreweave["optimizer"])


def _encoding(source: str, model: PreTrainedModel, max_length: int | None) -> WordEncoding:
    tokenizer = word_tokenizer(source)
    of_tokenizer = stated_limit(tokenizer)
    return WordEncoding(tokenizer, word_limit(model, max_length, of_tokenizer) or 128)
