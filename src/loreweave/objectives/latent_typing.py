"""Latent typing: select the important words, give each a type, reconstruct the sentence from them (Ren et al. 2022).

The loss is the released code's without its masked words, which are a separate objective:
reconstruction, sparsity and diversity with their weights. Windows are read before masking.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce
from transformers import PreTrainedModel

from loreweave.checkpoints import latent_typing as side_files
from loreweave.models.latent_typer import (
    Diversity,
    Selection,
    Typing,
    Usage,
    check_number_of_types,
    diversity_loss,
    sparsity_loss,
    summed_usage,
)
from loreweave.models.sparse_typing import SparseTypingHead
from loreweave.objectives.base import (
    LeftOut,
    ObjectiveConfig,
    ObjectiveLoss,
    RunContext,
    Tensors,
    TextObjective,
    cross_entropy_sum,
    folder_of_head,
    model_of_run,
    with_saved_head,
)
from loreweave.training.settings.ranges import POSITIVE, SHARE_BELOW_1, Ranges, at_least, check_ranges


@dataclass(kw_only=True)
class TemperatureConfig:
    """Temperature of the Gumbel-softmax: start x (1 - rate)^n at update n, but never below the minimum."""

    RANGES: ClassVar[Ranges] = {("start", "minimum"): POSITIVE, ("rate",): SHARE_BELOW_1}

    start: float = 5.0
    """Temperature at the start of the schedule."""
    rate: float = 3e-5
    """Share by which each update lowers the temperature."""
    minimum: float = 0.5
    """Lowest temperature."""
    first_at_minimum: bool = True
    """Whether the first update has the minimum, and the schedule starts at the second update, as in the released code."""
    restarts: bool = False
    """Whether a resumed run starts the schedule again, as the released code does. false: it continues the schedule."""

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.minimum > self.start:
            raise ValueError(f"minimum, start: found {self.minimum}, {self.start}, expected 0 < minimum <= start")

    def at(self, update: Tensor) -> Tensor:
        """Temperature at update number `update` [], from 0. [] in float32"""
        count = update.float() - float(self.first_at_minimum)
        value = (self.start * torch.exp(count * math.log1p(-self.rate))).clamp(min=self.minimum)
        return torch.where(count < 0, self.minimum, value)


@dataclass(kw_only=True)
class LatentTypingConfig(ObjectiveConfig):
    """Settings of latent typing; the defaults are those of the released code."""

    RANGES: ClassVar[Ranges] = {
        ("reconstruction_weight", "sparsity_weight", "diversity_weight"): at_least(0),
        ("types",): at_least(1),
        ("layer_drop",): SHARE_BELOW_1,
    }

    reconstruction_weight: float = 0.05
    """Factor of the loss of the rebuilt sentence."""
    sparsity_weight: float = 0.05
    """Factor of the loss that keeps the number of selected words small."""
    diversity_weight: float = 0.1
    """Factor of the loss that makes the types equally frequent."""
    types: int = 64
    """Number of types, including type 0, which means: not selected."""
    selection: Selection = "soft"
    """Vector of a word in training. `soft`: the mixture of types in a sample. `straight_through`: the vector of the largest
    type of the sample."""
    diversity: Diversity = "exponential"
    """`exponential`: 1 - exp(-KL(use of types || equal use)), as in the released code. `kl`: the KL divergence, as in the
    paper."""
    count_special_tokens: bool = True
    """Whether the start token and the end token are counted in sparsity and diversity."""
    usage_over: Literal["process", "all"] = "process"
    """Whether sparsity and diversity are computed from the micro-batch of each `process` (as in the released code), or from
    those of `all` processes together."""
    double_embedding: bool = True
    """Whether the decoder embeds its input twice, as the released code does."""
    layer_drop: float | None = None
    """Probability that training skips the only layer of the decoder. Null: the dropout of the encoder, as in the released
    code."""
    mask_unselected: bool = False
    """Whether the decoder cannot see words that are not selected."""
    temperature: TemperatureConfig = field(default_factory=TemperatureConfig)
    head: str | None = None
    """Folder of a model or run whose typer and decoder are trained further. Null: new ones."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number_of_types(self.types)


class LatentTyping(TextObjective):
    """Words of each window get types, and a decoder rebuilds the window from them. The targets are the words of the decoder."""

    name: ClassVar[str] = "latent_typing"
    settings = LatentTypingConfig
    config: LatentTypingConfig

    def __init__(self, config: LatentTypingConfig, context: RunContext) -> None:
        super().__init__(config, context)
        self._micro_steps = context.micro_steps
        self._first_update: Tensor | None = None
        self._watch = CollapseWatch()

    def batch(self, item: int, words: Tensors) -> Tensors:
        """The words; positions and labels of the decoder's targets; the words that count for usage; the update's number."""
        input_ids, attention_mask = words["input_ids"], words["attention_mask"]
        kept = attention_mask[:, 1:].bool()
        counted = attention_mask.clone()
        if not self.config.count_special_tokens:
            counted[:, 0] = 0
            counted.scatter_(1, attention_mask.sum(1, keepdim=True) - 1, 0)
        return {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "counted": counted,
            "positions": kept.flatten().nonzero()[:, 0],  # of [batch * (words - 1)]
            "labels": input_ids[:, 1:][kept],
            "update": torch.tensor(item // self._micro_steps),
        }

    def head(self, model: PreTrainedModel | None) -> nn.Module:
        """Typer and decoder with the encoder's sizes: new ones, or those of the folder `head`."""
        model, config = model_of_run(self, model), self.config
        settings = {name: getattr(config, name) for name in ("types", "double_embedding", "mask_unselected")}
        encoder = model.base_model
        assert isinstance(encoder, PreTrainedModel)
        new = SparseTypingHead.of(encoder, **settings)
        new.decoder.layer_drop = new.config.dropout if config.layer_drop is None else config.layer_drop
        return new if config.head is None else side_files.load_into(new, config.head)

    def loss(self, encoder: nn.Module | None, head: nn.Module, batch: Tensors) -> ObjectiveLoss:
        """The weighted sum of the three losses, times the number of targets."""
        assert isinstance(encoder, PreTrainedModel) and isinstance(head, SparseTypingHead)
        ids, mask, counted, labels = (batch[name] for name in ("input_ids", "attention_mask", "counted", "labels"))
        states = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        temperature = self.temperature(batch["update"])
        typing = head.typer(states, temperature, self.config.selection)
        decoded = head.decode(encoder, ids[:, :-1], mask[:, :-1], head.memory(states, typing, mask))
        at_targets = decoded.flatten(0, 1).index_select(0, batch["positions"])  # [targets, hidden]
        reconstruction = cross_entropy_sum(head.logits(encoder, at_targets), labels)
        use = self._usage(typing, counted)
        losses = {
            "reconstruction": reconstruction.total / len(labels),
            "sparsity": sparsity_loss(use),
            "diversity": diversity_loss(use, self.config.diversity),
        }
        total = torch.stack([getattr(self.config, f"{name}_weight") * loss for name, loss in losses.items()]).sum()
        shown = (
            losses
            | {
                "unselected_probability": use.unselected,
                "perplexity": use.perplexity,
                "selected": ((typing.types != 0) & counted.bool()).sum() / counted.sum(),
            }
            | ({"temperature": temperature} if head.training else {})
        )
        parts = {name: part.detach() * len(labels) for name, part in shown.items()}
        return ObjectiveLoss(total * len(labels), reconstruction.correct, parts)

    def _usage(self, typing: Typing, counted: Tensor) -> Usage:
        """Mean usage of types in this process's micro-batch, or in those of all processes."""
        summed, count = summed_usage(typing.logits, counted)
        if self.config.usage_over == "all" and torch.distributed.is_available() and torch.distributed.is_initialized():
            summed, count = all_reduce(summed), all_reduce(count)
        return Usage(summed / count)

    def temperature(self, update: Tensor) -> Tensor:
        """Temperature of an update [], counted from the first one of this process if the schedule restarts."""
        if not self.config.temperature.restarts:
            return self.config.temperature.at(update)
        if self._first_update is None:
            self._first_update = update
        return self.config.temperature.at(update - self._first_update)

    @classmethod
    def files(cls, config: LatentTypingConfig) -> dict[str, Path]:
        """Folder of the typer and decoder that are trained further."""
        return folder_of_head(config)

    @classmethod
    def for_held_out(cls, config: LatentTypingConfig) -> LatentTypingConfig:
        """With the usage of types in each batch alone."""
        return replace(config, usage_over="process")

    @classmethod
    def for_evaluation(cls, config: LatentTypingConfig, model: str | None) -> LatentTypingConfig | LeftOut:
        """With the typer and decoder of the model's folder, unless the settings name others."""
        return with_saved_head(cls, cls.for_held_out(config), model, side_files.recognises, "typer")

    def summary(self) -> list[str]:
        """The types and weights."""
        config = self.config
        weights = f"{config.reconstruction_weight:g} x reconstruction + {config.sparsity_weight:g} x sparsity"
        more = "" if config.head is None else f", continuing {config.head}"
        return [f"{self.name}: {config.types} types, {weights} + {config.diversity_weight:g} x diversity{more}"]

    def on_resume(self, update: int) -> list[str]:
        """Report that the temperature restarts, if it does."""
        settings = self.config.temperature
        if not settings.restarts:
            return []
        first, going_on = (float(settings.at(torch.tensor(number))) for number in (1, update))
        return [
            f"{self.name}: the schedule of the temperature restarts at {first:.3g} (an uninterrupted run has "
            f"{going_on:.3g} here); temperature.restarts=false continues it"
        ]

    def watch(self, metrics: Mapping[str, float], step: int, steps: int) -> list[str]:
        """Warn about a typer that selects almost nothing, or almost everything."""
        share = metrics.get("selected")
        if share is None or not self._watch.notices(share, step, steps):
            return []
        remedy = ("a smaller", "a larger") if share < LEAST else ("a larger", "a smaller")
        return [
            f"warning: at step {step} latent typing selects {share:.1%} of the words (expected 5 % to 95 %); "
            f"try {remedy[0]} sparsity_weight or {remedy[1]} reconstruction_weight"
        ]

    def save(self, encoder: nn.Module | None, head: nn.Module, folder: Path) -> None:
        """Save typer and decoder next to the encoder, with their training settings."""
        assert isinstance(head, SparseTypingHead)
        side_files.save(folder, head, asdict(self.config))


LEAST, MOST = 0.05, 0.95


class CollapseWatch:
    """Detects when the selected share of the words leaves the range from 5 % to 95 %, or never enters it.

    A new typer selects almost everything, so the share may be outside in the first half of the run.
    """

    def __init__(self) -> None:
        self.settled = self.warned = False

    def notices(self, share: float, step: int, steps: int) -> bool:
        """Whether the share has left the range, or has not entered it by half of the run, for the first time."""
        if LEAST <= share <= MOST:
            self.settled, self.warned = True, False
        elif not self.warned and (self.settled or 2 * step >= steps):
            self.warned = True
            return True
        return False
