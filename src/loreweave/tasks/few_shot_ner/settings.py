"""Settings of few-shot NER: the `key=value` of `loreweave finetune`, `evaluate` and `predict`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from loreweave.models.head_settings import Divergence
from loreweave.tasks.episodes.settings import NOT_READ
from loreweave.training.retention import Keep
from loreweave.training.settings.conditions import ReadWhen, either, when
from loreweave.training.settings.finetuning import FinetuningConfig, Leftover
from loreweave.training.settings.optimizer import OptimizerConfig, ScheduleConfig
from loreweave.training.settings.ranges import POSITIVE, SEED, SHARE_BELOW_1, Ranges, at_least, check_ranges

NAME = "few-shot-ner"

Objective = Literal["container", "protobert", "nnshot"]
Method = Literal["container", "nnshot", "structshot", "protobert"]
Space = Literal["states", "means", "gaussians"]

_TEMPERATURES = {"container": 0.01, "structshot": 0.32}
_LAYERS = {"container": 1}
_BASELINE_LAYERS = 4


CONTAINER_SETTINGS = ("dimension", "divergence", "least_variance", "outside_anchors")
"""Names of the settings of the contrastive loss."""


def container_optimizer() -> OptimizerConfig:
    """AdamW of CONTaiNER, for the source and for the support set."""
    return OptimizerConfig(
        learning_rate=5e-5, betas=(0.9, 0.999), epsilon=1e-8, weight_decay=0.0, bias_correction=True, max_grad_norm=1.0
    )


@dataclass(kw_only=True)
class FewShotNerConfig(FinetuningConfig):
    """Settings of training on a source; the defaults are CONTaiNER's."""

    READ_WHEN: ClassVar[ReadWhen] = {
        **NOT_READ,
        CONTAINER_SETTINGS: when(objective="container", reason="the Gaussians are trained by the contrastive loss"),
        ("episodes", "way", "shot", "query_shot", "layers", "state_dropout"): when(
            objective=("protobert", "nnshot"), reason="container is trained on batches of sentences"
        ),
    }
    RANGES: ClassVar[Ranges] = {
        ("episodes", "way", "shot", "query_shot", "layers", "dimension"): at_least(1),
        ("least_variance",): at_least(0),
        ("state_dropout",): SHARE_BELOW_1,
    }

    dimension: int = 128
    """Number of dimensions of the Gaussian of a word."""
    divergence: Divergence = "gaussian"
    """Distance of two words in the loss: `gaussian` (the divergence of their Gaussians, called KL in the released code) or
    `euclidean` (the distance of their normalised means)."""
    least_variance: float = 0.0
    """Minimum variance; smaller variances are set to it. 1e-6 is safe. The released code has no minimum."""
    outside_anchors: bool = True
    """Also use words outside all mentions as anchors of the loss (`consider_mutual_O` in the released code, always on in the
    published runs)."""

    objective: Objective = "container"
    """`container`: a contrastive loss over batches of sentences. `protobert` and `nnshot`: the loss of labelling the queries of
    episodes, which are drawn from the training file, by the nearest class mean (`protobert`) or the nearest support word
    (`nnshot`). The settings from `episodes` to `state_dropout` are for these two."""
    episodes: int = 10_000
    """Number of episodes per epoch. `batch_size` then counts episodes."""
    way: int = 5
    """Number of types in an episode."""
    shot: int = 1
    """Minimum number of support spans per type; the maximum is twice that."""
    query_shot: int = 1
    """Minimum number of query spans per type; the maximum is twice that."""
    layers: int = 4
    """Number of last layers whose states are summed, in training and in evaluation with the same method."""
    state_dropout: float = 0.5
    """Dropout of the summed states in training."""

    max_length: int | None = 128
    """Maximum number of sub-words per sentence, including special tokens. Null: the maximum of the encoder. Longer sentences
    are cut at the end."""
    epochs: int = 1
    batch_size: int = 32
    gradient_accumulation_steps: int = 1
    leftover: Leftover = "flush"
    optimizer: OptimizerConfig = field(default_factory=container_optimizer)
    schedule: ScheduleConfig = field(default_factory=lambda: ScheduleConfig(name="constant", warmup_ratio=0.0))
    seed: int = 1
    keep: Keep = "last"


@dataclass(kw_only=True)
class SupportTuning:
    """Fine-tuning on each support set: one batch, until the loss rises (Das et al. 2022)."""

    RANGES: ClassVar[Ranges] = {("max_steps",): at_least(1)}

    part: Literal["all", "heads"] = "all"
    """Parameters that are trained: `all`, or only the `heads`, which has an effect only with `space=means` or
    `space=gaussians`."""
    max_steps: int = 100
    """Maximum number of steps. The released code stops only when the loss rises."""
    optimizer: OptimizerConfig | None = None
    """Settings of the optimizer. Null: those with which the checkpoint was trained, or CONTaiNER's for a plain encoder."""

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(kw_only=True)
class MethodSettings:
    """Settings of the labelling of a query's words by a support set."""

    READ_WHEN: ClassVar[ReadWhen] = {
        ("space", "fine_tune"): when(method="container"),
        ("fine_tuning",): when(fine_tune=True),
        ("temperature", "transitions"): either(
            when(viterbi=True), when(method="structshot", viterbi=None), reason="without Viterbi there are no transitions"
        ),
    }
    RANGES: ClassVar[Ranges] = {("layers", "max_length"): at_least(1), ("temperature",): POSITIVE, ("seed",): SEED}

    method: Method = "container"
    """A word gets the label of the nearest support word by the cosine (`container`) or the squared distance (`nnshot`) of
    encoder states. `structshot`: as `nnshot`, with Viterbi decoding. `protobert`: the label of the nearest class mean, by
    squared distance."""
    space: Space = "states"
    """Vectors that `method=container` compares: `states` of the encoder (as published), or normalised `means` or `gaussians`
    of the heads."""
    layers: int | None = None
    """Number of last layers whose states are summed. Null: 1 for container and 4 for the others, as published."""
    viterbi: bool | None = None
    """Use Viterbi decoding with the transition probabilities of tags. Null: true only for structshot. CONTaiNER's published
    numbers were computed with it."""
    temperature: float | None = None
    """Exponent of the transition probabilities. Null: 0.01 for container and 0.32 for structshot
    (published: 0.32, 0.318, 0.32, 0.434 for 5-way 1-shot, 5-way 5-shot, 10-way 1-shot, 10-way 5-shot)."""
    transitions: Path | None = None
    """File of annotated sentences from which transitions are counted. Null: the source data of the checkpoint."""
    fine_tune: bool = False
    """Fine-tune container's encoder and heads on each support set."""
    fine_tuning: SupportTuning = field(default_factory=SupportTuning)
    max_length: int | None = None
    """Maximum number of sub-words per sentence. Null: that of the checkpoint, or 128 for a plain encoder."""
    seed: int = 1
    """Random seed of new heads, of dropout in fine-tuning (set again for each support set), and of the resamples."""

    def __post_init__(self) -> None:
        if self.space != "states" and self.layers not in (None, 1):
            raise ValueError(f"layers: found {self.layers}, but the heads read the last layer only; space=states sums several")
        check_ranges(self)
        if self.fine_tune and self.fine_tuning.part == "heads" and self.space == "states":
            raise ValueError("fine_tuning.part=heads has no effect with space=states; use space=means or gaussians")

    @property
    def summed_layers(self) -> int:
        """Number of last layers that are summed."""
        return self.layers or _LAYERS.get(self.method, _BASELINE_LAYERS)

    @property
    def decodes(self) -> bool:
        """Whether labels are the best path rather than the best label of each word."""
        return self.method == "structshot" if self.viterbi is None else self.viterbi

    @property
    def power(self) -> float:
        """Power of the transitions."""
        return _TEMPERATURES.get(self.method, _TEMPERATURES["container"]) if self.temperature is None else self.temperature


@dataclass(kw_only=True)
class EvaluationSettings(MethodSettings):
    """Settings of the episodes and of scoring."""

    RANGES: ClassVar[Ranges] = {("episodes",): at_least(1), ("bootstrap",): at_least(0)}

    legacy: bool = False
    """Follow the released code: drop each sentence of support and query that has a word without sub-words, and divide
    transitions among all types of the file. `false`: the words of such sentences, and words after the cut, count as missed in
    `micro_f1`; in `published_micro_f1` they never count."""
    episodes: int | None = None
    """Number of episodes to score, from the beginning of the file. Null: all."""
    bootstrap: int = 1000
    """Number of resamples of the episodes for the 95 % intervals; 0: no intervals."""


@dataclass(kw_only=True)
class PredictionSettings(MethodSettings):
    """Settings of `loreweave predict few-shot-ner`."""

    format: str | None = None
    """Format of the support. Null: recognised."""
    tag_names: Path | None = None
    """File with the names of tags that are numbers in the support. Null: the support has names."""
