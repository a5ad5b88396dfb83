"""Fine-tuning on a support set: steps on one batch until the loss rises (CONTaiNER)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from loreweave.models.gaussian_embeddings import Gaussians
from loreweave.tasks.few_shot_ner.encoding import WordEncoding, WordExample
from loreweave.tasks.few_shot_ner.model import HEAD, optimizer_of
from loreweave.tasks.few_shot_ner.network import GaussianWordEncoder, WordStates
from loreweave.tasks.few_shot_ner.settings import SupportTuning
from loreweave.tasks.few_shot_ner.used_rows import used_rows
from loreweave.training.batches import batches_by_length
from loreweave.training.devices import autocast
from loreweave.training.optimizers import build_optimizer

_SENTENCES = {"cpu": 2}
_SENTENCES_ELSEWHERE = 32
"""Maximum number of sentences in one pass of the encoder, whatever the loss is over. On a CPU, small passes avoid padding (a
quarter of the time, for 5-way 1-shot sets of CrossNER); an accelerator is faster with few passes."""

Reason = Literal["loss rose", "max_steps", "loss was no number"]


@dataclass(frozen=True)
class Tuned:
    """Course of one fine-tuning: the loss before each step, and why it ended."""

    losses: list[float]
    reason: Reason


class SupportTuner:
    """Fine-tunes one model on one support set after another, each time from the same weights.

    A copy of the weights that change is kept in memory; with `part=heads` these are the heads only.

    Args:
        model: model on its device.
        loss: loss of the model's training, (output, labels) -> scalar.
        seed: set again for each support set, so that episodes do not depend on their order.
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
        self._encoder = f"{model.base_model_prefix}."
        self._heads_only = settings.part == "heads"
        self.optimizer_config = replace(optimizer, rate_factors={}) if self._heads_only else optimizer
        self._trained: list[tuple[str, nn.Parameter]] = [
            (name, parameter) for name, parameter in model.named_parameters() if not self._heads_only or name.startswith(HEAD)
        ]
        self._master = [parameter.detach().clone() for _, parameter in self._trained]
        table = model.get_input_embeddings().weight
        # Under weight decay every row of the table changes in each step.
        self._only_used_rows = not self._heads_only and self.optimizer_config.weight_decay == 0
        self._kept = [pair for pair in self._trained if not (self._only_used_rows and pair[1] is table)]
        self._optimizer: torch.optim.Optimizer | None = None

    @torch.no_grad()
    def restore(self) -> None:
        """Restore the copy of the weights."""
        for (_, parameter), master in zip(self._trained, self._master, strict=True):
            parameter.copy_(master)
            parameter.grad = None

    def tune(self, examples: Sequence[WordExample]) -> Tuned:
        """Fine-tune from the copied weights; afterwards the model is in evaluation mode.

        The step after which the loss has risen is kept, as in the released code. If the loss is not a number, where that
        code never ends, the copied weights are restored.
        """
        self.restore()
        torch.manual_seed(self.seed)
        batches, labels = self._batches(examples)
        if self._only_used_rows:
            with used_rows(self.model, batches) as renumbered:
                losses, reason = self._steps(renumbered, labels)
        else:
            losses, reason = self._steps(batches, labels)
        if reason == "loss was no number":
            self.restore()
        self.model.eval()
        return Tuned(losses, reason)

    def _batches(self, examples: Sequence[WordExample]) -> tuple[list[dict[str, Tensor]], Tensor]:
        device = next(self.model.parameters()).device
        size = _SENTENCES.get(device.type, _SENTENCES_ELSEWHERE)
        batches = [
            {name: tensor.to(device) for name, tensor in self.encoding.collate([examples[i] for i in batch]).items()}
            for batch in batches_by_length([example.length for example in examples], size)
        ]
        return batches, torch.cat([batch.pop("labels") for batch in batches])

    def _optimizers(self) -> list[torch.optim.Optimizer]:
        """An optimizer with the memory of the last support set's but none of its moments, and one for the rows of this set."""
        if self._optimizer is None:
            self._optimizer = build_optimizer(self._kept, self.optimizer_config, self._encoder)
        for state in self._optimizer.state.values():
            state["exp_avg"].zero_()
            state["exp_avg_sq"].zero_()
            if self.optimizer_config.bias_correction:
                state["step"].zero_()
        if not self._only_used_rows:
            return [self._optimizer]
        rows = [pair for pair in self.model.named_parameters() if pair[1] is self.model.get_input_embeddings().weight]
        factors = {part: value for part, value in self.optimizer_config.rate_factors.items() if part in rows[0][0]}
        of_rows = replace(self.optimizer_config, rate_factors=factors, head_learning_rate=None)
        return [self._optimizer, build_optimizer(rows, of_rows, self._encoder)]

    def _steps(self, batches: list[dict[str, Tensor]], labels: Tensor) -> tuple[list[float], Reason]:
        optimizers = self._optimizers()
        trained = [parameter for optimizer in optimizers for group in optimizer.param_groups for parameter in group["params"]]
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
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss.backward()
            if self.optimizer_config.max_grad_norm > 0:
                nn.utils.clip_grad_norm_(trained, self.optimizer_config.max_grad_norm)
            for optimizer in optimizers:
                optimizer.step()
            losses.append(value)
            if len(losses) > 1 and value > losses[-2]:
                return losses, "loss rose"
        return losses, "max_steps"

    def _states(self, batches: Sequence[dict[str, Any]]) -> Tensor:
        return torch.cat([self.model.word_states(**batch) for batch in batches])
