"""Model class of a fine-tuned state dict, by its head's name and shape."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from transformers import PreTrainedModel

from loreweave import models
from loreweave.corpus.files.reading import Pathname
from loreweave.errors import CheckpointError

LEGACY_HEADS = ("typing", "classifier", "scorer", "qa_outputs")

_CLASSIFIERS = {
    1: "LukeForEntityClassification",
    2: "LukeForEntityPairClassification",
    3: "LukeForEntitySpanClassification",
}


def head_of(tensors: Mapping[str, Tensor]) -> str | None:
    """Name of the fine-tuned head in a state dict, None if there is none."""
    return next((head for head in LEGACY_HEADS if f"{head}.weight" in tensors), None)


def class_of_head(head: str, tensors: Mapping[str, Tensor], hidden_size: int, path: Pathname) -> type[PreTrainedModel]:
    """Model class of a head; `classifier` is distinguished by its width: one, two or three hidden states.

    Raises:
        CheckpointError: no class uses the features of this head (ablations without word or entity features).
    """
    if head == "typing":
        return models.LukeForEntityClassification
    if head == "scorer":
        return models.LukeForEntityCloze
    if head == "qa_outputs":
        return models.LukeForQuestionAnswering
    width = tensors["classifier.weight"].shape[1]
    name = _CLASSIFIERS.get(width // hidden_size) if width % hidden_size == 0 else None
    if name is None:
        raise CheckpointError(
            f"{path}: classifier.weight reads {width} numbers, expected 1, 2 or 3 times the hidden size {hidden_size}"
        )
    cls: type[PreTrainedModel] = getattr(models, name)
    return cls
