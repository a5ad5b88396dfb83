"""Settings of few-shot NER: what `key=value` after `loreweave finetune`, `evaluate` and `predict` may change."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from loreweave.training.finetuning_config import FinetuningConfig
from loreweave.training.optimizer_settings import OptimizerConfig, ScheduleConfig

NAME = "few-shot-ner"

Objective = Literal["container", "protobert", "nnshot"]
Method = Literal["container", "nnshot", "structshot", "protobert"]
Space = Literal["states", "means", "gaussians"]

_TEMPERATURES = {"container": 0.01, "structshot": 0.32}
_LAYERS = {"container": 1}
_BASELINE_LAYERS = 4


def container_optimizer() -> OptimizerConfig:
    """AdamW of CONTaiNER, of the source and of the support set alike (specs 4.6)."""
    return OptimizerConfig(
        learning_rate=5e-5, betas=(0.9, 0.999), epsilon=1e-8, weight_decay=0.0, bias_correction=True, max_grad_norm=1.0
    )


@dataclass(kw_only=True)
class FewShotNerConfig(FinetuningConfig):
    """Settings of training on a source; the defaults are CONTaiNER's (specs 4.6)."""

    dimension: int = 128
    """Of the Gaussians."""
    divergence: Literal["gaussian", "euclidean"] = "gaussian"
    """`gaussian` (its name in the released code is KL) or `euclidean`, of normalised means."""
    least_variance: float = 0.0
    """Smaller variances are taken for this; 1e-6 is safe, the released code has none."""
    outside_anchors: bool = True
    """Words outside all entities are anchors of the loss too (`consider_mutual_O`, always on in the published runs)."""

    objective: Objective = "container"
    """`container`: the contrastive loss over batches of sentences. `protobert`, `nnshot`: the labels of queries in
    episodes that are drawn from the source, by the nearest class mean or support word; the settings below are theirs."""
    episodes: int = 10_000
    """Episodes an epoch; `batch_size` counts them."""
    way: int = 5
    shot: int = 1
    query_shot: int = 1
    layers: int = 4
    """So many last layers are summed, in training and in evaluation with `method` as the objective."""
    state_dropout: float = 0.5
    """Of these sums, in training."""

    head: str = "gaussian"
    """The only one."""
    max_length: int | None = 128
    epochs: int = 1
    batch_size: int = 32
    gradient_accumulation_steps: int = 1
    leftover: Literal["drop", "flush"] = "flush"
    optimizer: OptimizerConfig = field(default_factory=container_optimizer)
    schedule: ScheduleConfig = field(default_factory=lambda: ScheduleConfig(name="constant", warmup_ratio=0.0))
    seed: int = 1
    keep: Literal["best", "last"] = "last"


    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("episodes", "way", "shot", "query_shot", "layers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: found {getattr(self, name)}, expected 1 or more")
        if not 0 <= self.state_dropout < 1:
            raise ValueError(f"state_dropout: found {self.state_dropout}, expected from 0 to below 1")


@dataclass(kw_only=True)
class SupportTuning:
    """Fine-tuning on each support set: one batch, until the loss rises (specs/sparse_latent_typing.md 4.6)."""

    part: Literal["all", "heads"] = "all"
    """`heads` leaves the encoder as it is; only `space=means` and `gaussians` can see the difference."""
    max_steps: int = 100
    """The released code has no end but a rising loss."""
    optimizer: OptimizerConfig | None = None
    """Null is that of the checkpoint's own training; of an encoder without one, CONTaiNER's."""

    def __post_init__(self) -> None:
        if self.max_steps < 1:
            raise ValueError(f"max_steps: found {self.max_steps}, expected 1 or more")


@dataclass(kw_only=True)
class MethodSettings:
    """How the words of a query get their labels from a support set."""

    method: Method = "container"
    """`container`: nearest support word by the cosine of encoder states. `nnshot`: nearest by squared distance.
    `structshot`: the same with Viterbi. `protobert`: nearest class mean by squared distance."""
    space: Space = "states"
    """Of container: the encoder's `states` (as published), normalised `means` or whole `gaussians` of the heads."""
    layers: int | None = None
    """So many last layers are summed; null is 1 for container and 4 for the others, as published."""
    viterbi: bool | None = None
    """Decode with tag transitions; null is true for structshot alone. (CONTaiNER's published numbers have it.)"""
    temperature: float | None = None
    """The power of the transitions; null is 0.01 for container and 0.32 for structshot (published: 0.32, 0.318, 0.32, 0.434
    for 5-way 1-shot, 5-way 5-shot, 10-way 1-shot, 10-way 5-shot)."""
    transitions: Path | None = None
    """Annotated sentences to count transitions in; null takes the checkpoint's source data."""
    fine_tune: bool = False
    """Fine-tune container's encoder and heads on each support set."""
    fine_tuning: SupportTuning = field(default_factory=SupportTuning)
    max_length: int | None = None
    """Sub-words of a sentence; null is the checkpoint's own, 128 for a plain encoder."""
    seed: int = 1
    """Of new heads, of dropout in fine-tuning (set anew for each support set), and of resampling."""

    def __post_init__(self) -> None:
        if self.method != "container" and (self.fine_tune or self.space != "states"):
            raise ValueError(f"fine_tune and space are for method=container, not for {self.method}")
        if self.space != "states" and self.layers not in (None, 1):
            raise ValueError("layers: the heads read the last layer alone; space=states can sum several")
        if self.layers is not None and self.layers < 1:
            raise ValueError(f"layers: found {self.layers}, expected 1 or more")
        if self.fine_tune and self.fine_tuning.part == "heads" and self.space == "states":
            raise ValueError("fine_tuning.part=heads changes nothing that space=states reads; use space=means or gaussians")

    @property
    def summed_layers(self) -> int:
        """How many last layers are summed."""
        return self.layers or _LAYERS.get(self.method, _BASELINE_LAYERS)

    @property
    def decodes(self) -> bool:
        """Whether labels are the best path and not the best of each word."""
        return self.method == "structshot" if self.viterbi is None else self.viterbi

    @property
    def power(self) -> float:
        """The power of the transitions."""
        return _TEMPERATURES.get(self.method, _TEMPERATURES["container"]) if self.temperature is None else self.temperature


@dataclass(kw_only=True)
class EvaluationSettings(MethodSettings):
    """What is asked, and how labels become numbers."""

    legacy: bool = False
    """As the released code: sentences with a word that has no piece are dropped, support or query, and transitions are
    shared out over all types of the file. (Words that are not seen, of these sentences or behind the cut, are else missed
    in `micro_f1`; in `published_micro_f1` they never count.)"""
    skip_bad: bool = False
    """Leave out episodes that cannot be scored (a label that the support lacks, ...) and count them."""
    episodes: int | None = None
    """Score the first so many; null is all."""
    bootstrap: int = 1000
    """Resamples of the episodes for the 90 % intervals; 0 makes none."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bootstrap < 0 or (self.episodes is not None and self.episodes < 1):
            raise ValueError("bootstrap: expected 0 or more; episodes: expected 1 or more")


@dataclass(kw_only=True)
class PredictionSettings(MethodSettings):
    """How `loreweave predict few-shot-ner` answers."""
