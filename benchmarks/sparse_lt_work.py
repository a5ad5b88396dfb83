"""What sparse_lt_step.py compares: our run of a size, whether the original agrees with it, and the arithmetic of both."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import torch
from kepler_schemes import minilm_tokenizer
from sparse_lt_original import OriginalBatch, OriginalSparseTyping
from torch import Tensor
from transformers import BertConfig, BertForMaskedLM, PreTrainedModel

from checkpoints import sentences
from loreweave.build.pretraining_set import PretrainingSet, open_pretraining_set
from loreweave.models import latent_typer
from loreweave.models.sparse_typing import SparseTypingHead
from loreweave.objectives import Batch, LatentTyping
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.micro_steps import MicroSteps, build_stream, to_device
from loreweave.pretraining.model import PretrainingModel, freeze
from loreweave.pretraining.start import Start, start
from loreweave.training.quiet import quiet
from loreweave.training.settings.configuration import fill
from loreweave.training.settings.recipes import load_recipe

LOSSES = ("masked_words", "reconstruction", "sparsity", "diversity")


def configuration(size: str, data: str, arguments: argparse.Namespace, pool: int = 1) -> PretrainingConfig:
    """The recipe as released, of this size, without what is random."""
    recipe = load_recipe("sparse-lt/pretraining").config
    typing = recipe["objectives"]["latent_typing"] | {"layer_drop": 0.0}
    changes = {
        "objectives": recipe["objectives"] | {"latent_typing": typing},
        "model": "minilm" if size == "minilm" else None,
        "data": [data],
        "output": "",
        "batch_size": arguments.batch,
        "micro_batch_size": arguments.batch,
        "steps": 1000,
        "dropout": 0.0,
        "pool": pool,
        "seed": arguments.seed,
        "device": arguments.device,
        "precision": arguments.precision,
    }
    return fill(PretrainingConfig, recipe | changes)


def begin(config: PretrainingConfig, sets: list[PretrainingSet]) -> Start:
    """MiniLM, or BERT base with random weights."""
    torch.manual_seed(0)
    if config.model is not None:
        with quiet():
            return start(config, sets)
    tokenizer = minilm_tokenizer()
    model = BertForMaskedLM(BertConfig(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0))
    return Start(model, tokenizer, tokenizer, None, ["cls"])


class Work:
    """The run of one size: its model and its micro-batches."""

    def __init__(self, size: str, arguments: argparse.Namespace) -> None:
        """Open the sentences and make our model."""
        self.size, self.arguments = size, arguments
        self.data = arguments.sentences or sentences()[0]
        self.sets = [open_pretraining_set(self.data)]
        config = configuration(size, self.data, arguments)
        self.begun = begin(config, self.sets)
        self.stream = build_stream(config, self.sets, self.begun, 1)
        self.module = PretrainingModel(self.begun.model, self.stream.objectives)
        freeze(self.module, config, self.begun.new_modules)
        self.module.to(arguments.device).train()

    @property
    def typing(self) -> LatentTyping:
        """The objective."""
        return next(o for o in self.module.objectives if isinstance(o, LatentTyping))

    @property
    def head(self) -> SparseTypingHead:
        """Typer and decoder."""
        head = self.module.head(self.typing)
        assert isinstance(head, SparseTypingHead)
        return head

    @property
    def model(self) -> PreTrainedModel:
        """Encoder and masked-word head."""
        assert self.module.model is not None
        return self.module.model

    def batches(self, count: int, pool: int = 1) -> list[Batch]:
        """The first micro-batches, on the device."""
        stream: MicroSteps = self.stream
        if pool > 1:
            config = configuration(self.size, self.data, self.arguments, pool)
            stream = build_stream(config, self.sets, self.begun, 1)
        return [to_device(stream[item], self.arguments.device) for item in range(count)]

    def temperature(self, batch: Batch) -> float:
        """Temperature at a micro-batch."""
        return float(self.typing.temperature(batch["latent_typing"]["update"]))

    def ours(self, batch: Batch) -> dict[str, Tensor]:
        """Our four losses and `total`, as the Trainer weighs them."""
        sums = self.module(**batch)
        targets = {o.name: len(batch[o.name]["labels"]) for o in self.module.objectives}
        total = sum(o.weight * sums[o.name]["loss"] / targets[o.name] for o in self.module.objectives)
        means = {name: sums["latent_typing"][name] / targets["latent_typing"] for name in LOSSES[1:]}
        assert isinstance(total, Tensor)
        return means | {"masked_words": sums["masked_words"]["loss"] / targets["masked_words"], "total": total}

    def original(self, attention: str) -> OriginalSparseTyping:
        """The original with the same weights."""
        return OriginalSparseTyping(self.model, self.head, attention).to(self.arguments.device).train()


def check(work: Work, theirs: OriginalSparseTyping, batch: Batch) -> None:
    """Refuse to time two models that compute different things."""
    shape = (*batch["windows"]["input_ids"].shape, work.head.config.types)
    noise = torch.distributions.Gumbel(0.0, 1.0).sample(shape).to(work.arguments.device)
    drawn, latent_typer.gumbel_noise = latent_typer.gumbel_noise, lambda like: noise
    try:
        found = theirs(OriginalBatch.of(batch), work.temperature(batch), noise), work.ours(batch)
    finally:
        latent_typer.gumbel_noise = drawn
    for side in found:
        side["total"].backward()
    means = [{name: float(side[name].detach()) for name in LOSSES} for side in found]
    losses = max(abs(means[0][name] / means[1][name] - 1) for name in LOSSES)
    pairs = list(_gradients(work, theirs))
    worst = max(float((a - b).norm() / b.norm().clamp_min(1e-12)) for _, a, b in pairs if float(b.norm()) > 1e-6)
    whole = (sum(float((a - b).pow(2).sum()) for _, a, b in pairs) / sum(float(b.pow(2).sum()) for *_, b in pairs)) ** 0.5
    if not (losses <= 1e-5 and whole <= 1e-4):
        raise SystemExit(f"found losses that differ by {losses:.1e} and gradients by {whole:.1e}, expected equal ones: {means}")
    shown = ", ".join(f"{name} {means[1][name]:.5f}" for name in LOSSES)
    print(f"  equal: {shown} (to {losses:.0e}); gradients to {whole:.0e}, the worst of {len(pairs)} to {worst:.0e}", flush=True)
    for module in (work.module, theirs):
        module.zero_grad(set_to_none=True)


def _gradients(work: Work, theirs: OriginalSparseTyping) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Name, the original's gradient and ours of every parameter that is trained."""
    original = {name: parameter.grad for name, parameter in theirs.named_parameters()}
    original["typer.weight_proj"] = original.pop("typer.weight_proj.weight")
    for name, parameter in work.module.named_parameters():
        if not parameter.requires_grad:
            continue
        own = original[name.removeprefix("extra_heads.latent_typing.")]
        assert own is not None and parameter.grad is not None, name
        yield name, own[1:] if "typer." in name else own, parameter.grad


def cost(work: Work, batch: Batch, targets_only: bool, fused: bool) -> float:
    """Operations of the matrix products of a step, forward and backward; fused attention makes its scores again."""
    config = work.model.config
    size, words = batch["windows"]["input_ids"].shape
    positions, asked, hidden = size * words, size * (words - 1), config.hidden_size
    inner, vocabulary = config.intermediate_size, config.vocab_size
    masked = len(batch["masked_words"]["labels"]) if targets_only else positions
    rebuilt = len(batch["latent_typing"]["labels"]) if targets_only else asked
    layer = 2 * positions * (4 * hidden**2 + 2 * hidden * inner)
    scores = 2 * config.num_hidden_layers * 4 * size * words**2 * hidden
    decoder_scores = 4 * size * (words - 1) * (2 * words - 1) * hidden
    linear = 2 * config.num_hidden_layers * layer + 4 * positions * hidden * work.head.config.types
    linear += 2 * asked * (6 * hidden**2 + 2 * hidden * inner) + 4 * positions * hidden**2  # decoder
    linear += 2 * masked * hidden * (hidden + vocabulary) + 2 * rebuilt * hidden * vocabulary
    attention = scores + decoder_scores
    return 3 * (linear + attention) + (attention / 2 if fused else 0)
