"""Fine-tuning on a support set: one batch, step after step until the loss rises (CONTaiNER; specs 4.6)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from loreweave.models.gaussian_embeddings import Gaussians
from loreweave.tasks.few_shot_ner.encoding import WordEncoding, WordExample
from loreweave.tasks.few_shot_ner.model import HEAD, GaussianWordEncoder, WordStates, optimizer_of
from loreweave.tasks.few_shot_ner.settings import SupportTuning
from loreweave.training.batches import batches_by_length
from loreweave.training.devices import autocast
from loreweave.training.optimizers import build_optimizer

_SENTENCES = 8
"""Sentences of one pass through the encoder; the loss is over all of them, whose padding would be wasted."""

Reason = Literal["loss rose", "max_steps", "loss was no number"]


@dataclass(frozen=True)
class Tuned:
    """How one fine-tuning went: the loss before each step, and why it ended."""

    losses: list[float]
    reason: Reason


class SupportTuner:
    """Fine-tunes one model on one support set after another, each time from the same weights.

    The master copy of the weights that change is kept in memory; with `part=heads` these are the heads alone.

    Args:
        model: on its device.
        loss: of the model's training, (output, labels) -> scalar.
        seed: set anew for each support set, so that episodes do not depend on their order.
    """

    def __init__(
        self,
        model: GaussianWordEncoder,
        encoding: WordEncoding,
        loss: Callable[..., Tensor],
        settings: SupportTuning,
        *,
        seed: int,
        precision: str = "fp32",
    ) -> None:
        self.model, self.encoding, self.loss, self.settings = model, encoding, loss, settings
        self.seed, self.precision = seed, precision
        optimizer = settings.optimizer or optimizer_of(model)
        self._heads_only = settings.part == "heads"
        self.optimizer_config = replace(optimizer, rate_factors={}) if self._heads_only else optimizer
        self._trained: list[tuple[str, nn.Parameter]] = [
            (name, parameter)
            for name, parameter in model.named_parameters()
            if not self._heads_only or name.startswith(HEAD)
        ]
        self._master = [parameter.detach().clone() for _, parameter in self._trained]

    @torch.no_grad()
    def restore(self) -> None:
        """Put the master copy back."""
        for (_, parameter), master in zip(self._trained, self._master, strict=True):
            parameter.copy_(master)
            parameter.grad = None

    def tune(self, examples: Sequence[WordExample]) -> Tuned:
        """From the master copy; afterwards the model is in evaluation mode.

        The step after which the loss has risen is kept, as in the released code. Where the loss is no number, where that
        code never ends, the master copy is put back.
        """
        self.restore()
        torch.manual_seed(self.seed)
        batches, labels = self._batches(examples)
        optimizer = build_optimizer(self._trained, self.optimizer_config)
        losses, reason = self._steps(batches, labels, optimizer)
        if reason == "loss was no number":
            self.restore()
        self.model.eval()
        return Tuned(losses, reason)

    def _batches(self, examples: Sequence[WordExample]) -> tuple[list[dict[str, Tensor]], Tensor]:
        device = next(self.model.parameters()).device
        batches = [
            {name: tensor.to(device) for name, tensor in self.encoding.collate([examples[i] for i in batch]).items()}
            for batch in batches_by_length([example.length for example in examples], _SENTENCES)
        ]
        return batches, torch.cat([batch.pop("labels") for batch in batches])

    def _steps(
        self, batches: list[dict[str, Tensor]], labels: Tensor, optimizer: torch.optim.Optimizer
    ) -> tuple[list[float], Reason]:
        self.model.train()
        states: Tensor | None = None
        if self._heads_only:
            self.model.eval()
            with torch.no_grad():
                states = self._states(batches)
            self.model.gaussian_head.train()
        losses: list[float] = []
        while len(losses) < self.settings.max_steps:
            with autocast(labels.device, self.precision):
                points: Gaussians = self.model.gaussian_head(self._states(batches) if states is None else states)
            loss = self.loss(WordStates(None, *points), labels)
            value = float(loss.detach())
            if not math.isfinite(value):
                return [*losses, value], "loss was no number"
            optimizer.zero_grad()
            loss.backward()
            if self.optimizer_config.max_grad_norm > 0:
                nn.utils.clip_grad_norm_([p for _, p in self._trained], self.optimizer_config.max_grad_norm)
            optimizer.step()
            losses.append(value)
            if len(losses) > 1 and value > losses[-2]:
                return losses, "loss rose"
        return losses, "max_steps"

    def _states(self, batches: Sequence[dict[str, Any]]) -> Tensor:
        return torch.cat([self.model.word_states(**batch) for batch in batches])
