"""An objective of somebody else: how many sub-words a window has, from the state of its start token."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from loreweave.objectives import ObjectiveConfig, ObjectiveLoss, RunContext, Tensors, TextObjective


@dataclass(kw_only=True)
class WordCountConfig(ObjectiveConfig):
    """Settings of the count."""

    scale: float = 0.1
    """Counts are multiplied by this."""


class WordCount(TextObjective):
    """Squared error of the number of sub-words."""

    name: ClassVar[str] = "word_count"
    settings = WordCountConfig
    config: WordCountConfig

    def __init__(self, config: WordCountConfig, context: RunContext) -> None:
        super().__init__(config, context)
        self.seen: list[int] = []

    def batch(self, item: int, words: Tensors) -> Tensors:
        return {**words, "labels": words["attention_mask"].sum(1)}

    def head(self, model: PreTrainedModel | None) -> nn.Module:
        assert model is not None
        return nn.Linear(model.config.hidden_size, 1)

    def loss(self, encoder: nn.Module | None, head: nn.Module, batch: Tensors) -> ObjectiveLoss:
        assert encoder is not None
        states: Tensor = encoder(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
        error = head(states[:, 0])[:, 0] - self.config.scale * batch["labels"]
        parts = {"error": error.detach().abs().sum()}
        return ObjectiveLoss(error.pow(2).sum(), torch.zeros((), dtype=torch.long), parts)

    def summary(self) -> list[str]:
        return [f"{self.name}: counts words"]

    def on_resume(self, update: int) -> list[str]:
        return [f"{self.name}: goes on after {update}"]

    def watch(self, metrics: Mapping[str, float], step: int, steps: int) -> list[str]:
        self.seen.append(step)
        return [f"{self.name}: off by {metrics['error']:.2f} at {step} of {steps}"]

    def save(self, encoder: nn.Module | None, head: nn.Module, folder: Path) -> None:
        (folder / "word_count.json").write_text(json.dumps({"scale": self.config.scale}))
