"""Items of a pre-training run: item s is one micro-step over all streams, so each stream has its own batch size."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from loreweave.objectives import Batch, Objective, StreamObjective
from loreweave.pretraining.stream import TextStream


class MicroSteps(torch.utils.data.Dataset[Batch]):
    """A map-style data set: the micro-batch of the text stream, and those of the objectives with streams of their own.

    Args:
        text: None in a run without text.
        objectives: all objectives of the run.
        length: number of micro-steps of the whole run, over all processes.
    """

    def __init__(self, text: TextStream | None, objectives: Sequence[Objective], length: int) -> None:
        self.text = text
        self.objectives = list(objectives)
        self.length = length
        self._own = [o for o in self.objectives if isinstance(o, StreamObjective)]

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, item: int) -> Batch:
        batch = {} if self.text is None else self.text[item]
        return batch | {objective.name: objective.batch(item) for objective in self._own}


def to_device(batch: Batch, device: torch.device) -> Batch:
    """A micro-batch on a device."""
    return {name: {key: tensor.to(device) for key, tensor in tensors.items()} for name, tensors in batch.items()}
