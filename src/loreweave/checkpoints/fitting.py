"""Loads the tensors of a file into a model: every shape is checked, and everything missing or left over is reported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel

from loreweave.checkpoints.loading import LoadReport
from loreweave.corpus.counts import listed
from loreweave.corpus.files.reading import Pathname
from loreweave.errors import CheckpointError

ModelT = TypeVar("ModelT", bound=PreTrainedModel)

ENCODER_PARTS = ("embeddings.", "entity_embeddings.", "encoder.", "pooler.")
PRETRAINING_HEADS = ("lm_head", "entity_predictions", "cls", "cls_entity_predictions")

_EXTRA_QUERY = re.compile(r"\.(w2e|e2w|e2e)_query\.")
_POSITION_BUFFER = re.compile(r"(^|\.)embeddings\.position_ids$")
# Tensors that a model computes from another one: name -> the tensors that it may equal.
_TIED = {
    "lm_head.decoder.weight": ("luke.embeddings.word_embeddings.weight",),
    "lm_head.decoder.bias": ("lm_head.bias",),
    "lm_head.bias": ("lm_head.decoder.bias",),
    "entity_predictions.decoder.weight": ("luke.entity_embeddings.entity_embeddings.weight",),
}


def untrained_modules(config: PreTrainedConfig) -> list[str]:
    """Names of the heads in a model's files that were never trained."""
    return list(getattr(config, "untrained_modules", None) or [])


def build(cls: type[ModelT], config: PreTrainedConfig, seed: int) -> ModelT:
    """A model whose initial values depend only on the seed; the global random state is not changed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return cls(config).eval()


def with_prefix(tensors: Mapping[str, Tensor], cls: type[PreTrainedModel]) -> dict[str, Tensor]:
    """Encoder tensors named as in `cls`: with `luke.` in head models, without it in the bare encoder."""
    prefix = f"{cls.base_model_prefix}."
    bare = {name.removeprefix(prefix) if name.startswith(prefix) else name: tensor for name, tensor in tensors.items()}
    if cls.__name__ == "LukeModel":
        return bare
    return {prefix + name if name.startswith(ENCODER_PARTS) else name: tensor for name, tensor in bare.items()}


def fit_state_dict(
    model: PreTrainedModel, tensors: Mapping[str, Tensor], path: Pathname, report: LoadReport | None = None
) -> LoadReport:
    """Load `tensors` into `model` (names with or without `luke.`) and report every difference.

    Accepted: extra queries (copied from `query`, or left out if the model has none), `position_ids` buffers, a
    missing pooler, tied decoders, heads of pre-training if the model has none, and a whole head that the file
    lacks (a new one).

    Raises:
        CheckpointError: a shape differs (names the tensor and both shapes), a parameter is missing, or a tensor
            of the file does not belong to the model.
    """
    report = report or LoadReport("state dict", str(path))
    given = with_prefix(tensors, type(model))
    expected = model.state_dict()
    _drop_unexpected(given, expected, path, report, bare=type(model).__name__ == "LukeModel")
    for name, tensor in given.items():
        if tensor.shape != expected[name].shape:
            found, wanted = list(tensor.shape), list(expected[name].shape)
            raise CheckpointError(f"{path}: {name} has the shape {found}, the model expects {wanted}")
    _drop_tied(given, report)
    _fill_missing(given, expected, path, report)
    model.load_state_dict(given, strict=False)
    model.tie_weights()
    return report


def _drop_unexpected(
    given: dict[str, Tensor], expected: Mapping[str, Tensor], path: Pathname, report: LoadReport, bare: bool
) -> None:
    unexpected = []
    for name in [name for name in given if name not in expected]:
        reason = _reason_to_leave_out(name, bare)
        if reason is None:
            unexpected.append(name)
        else:
            report.dropped[name] = reason
            del given[name]
    if unexpected:
        raise CheckpointError(f"{path}: found tensors that the model does not have: {listed(unexpected)}")


def _reason_to_leave_out(name: str, bare: bool) -> str | None:
    if _POSITION_BUFFER.search(name):
        return "a buffer of old versions"
    if _EXTRA_QUERY.search(name):
        return "entity-aware attention is off"
    if name.removeprefix("luke.").startswith("pooler."):
        return "this model does not use the pooled state"
    if name.partition(".")[0] in PRETRAINING_HEADS:
        return "a pre-training head that this model does not have"
    return "a head; only the encoder was requested" if bare and not name.startswith(ENCODER_PARTS) else None


def _drop_tied(given: dict[str, Tensor], report: LoadReport) -> None:
    """Leave out what the model computes from another tensor, and report differences in the file."""
    for name, sources in _TIED.items():
        source = next((source for source in sources if source in given), None)
        if name not in given or source is None:
            continue
        difference = (given[name].float() - given[source].float()).abs().max().item() if given[name].numel() else 0.0
        if difference > 0:
            report.dropped[name] = f"tied to {source} here, differs from it in the file by up to {difference:.3g}"
            report.lost.append(f"{name} is a separate table in the file, which differs from {source} by up to {difference:.3g}")
        del given[name]


def _fill_missing(given: dict[str, Tensor], expected: Mapping[str, Tensor], path: Pathname, report: LoadReport) -> None:
    missing = [name for name in expected if name not in given]
    for name in missing:
        if _EXTRA_QUERY.search(name) and (source := _EXTRA_QUERY.sub(".query.", name)) in given:
            given[name] = given[source]
            report.copied[name] = "copy of query"
    tied = [name for name in missing if any(source in given for source in _TIED.get(name, ()))]
    missing = [name for name in missing if name not in given and name not in tied]
    new: dict[str, str] = {name: _module_that_may_be_new(name) for name in missing}
    partial = [n for n, module in new.items() if not module or any(g.startswith(f"{module}.") for g in given)]
    if partial:
        raise CheckpointError(f"{path}: the file lacks {listed(partial)}, which the model needs")
    report.new_modules = tuple(dict.fromkeys([*report.new_modules, *new.values()]))


def _module_that_may_be_new(name: str) -> str:
    """Name of the pooler or head that the parameter belongs to; empty for the encoder, which is never new."""
    encoder = name.removeprefix("luke.")
    if encoder.startswith("pooler."):
        return name.partition("pooler.")[0] + "pooler"
    return "" if encoder.startswith(ENCODER_PARTS) else name.partition(".")[0]
