"""Every setting of a pre-training run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from loreweave.errors import ConfigurationError
from loreweave.objectives import MaskedEntitiesConfig, MaskedWordsConfig, ObjectivesConfig
from loreweave.training.precision import Precision
from loreweave.training.settings.optimizer import OptimizerConfig, ScheduleConfig


@dataclass(kw_only=True)
class PretrainingOptimizerConfig(OptimizerConfig):
    """AdamW with the moments of LUKE's pre-training."""

    betas: tuple[float, float] = (0.9, 0.999)


@dataclass(kw_only=True)
class PretrainingScheduleConfig(ScheduleConfig):
    """The schedule with the warm-up of LUKE's pre-training."""

    warmup_steps: int | None = 2500


@dataclass(kw_only=True)
class LossScaleConfig:
    """Dynamic loss scaling of fp16; the defaults are torch's."""

    initial: float = 65536.0
    growth_interval: int = 2000
    """Updates without overflow after which the scale doubles."""


@dataclass(kw_only=True)
class PretrainingConfig:
    """One stage of pre-training; the defaults are those of LUKE's released code."""

    model: str | None
    """A LUKE in any format, or a BERT-like encoder directory that is made a LUKE (or kept plain: `word_only`); null for a graph
    alone with tabled entities."""
    data: list[str] = field(default_factory=list)
    """Pre-training sets, one per language; several are sampled with `sampling_smoothing`. Objectives over graphs need none."""
    output: str
    trainable: Literal["entities", "all"] = "all"
    """`entities` (stage 1): the entity embeddings, the entity head and any head the encoder came without."""
    objectives: ObjectivesConfig = field(
        default_factory=lambda: ObjectivesConfig(masked_words=MaskedWordsConfig(), masked_entities=MaskedEntitiesConfig())
    )
    """Settings of each objective by its name; one that is null is off. Their losses are added with their weights."""
    word_only: bool = False
    """Train the encoder on words alone: no entity inputs, and no entity modules where `model` is no LUKE."""
    entity_embedding_size: int = 256
    """Width of the entity table of a LUKE that is made from a plain encoder."""
    entities_start: Literal["random", "words", "titles"] = "random"
    """How the entities of such a LUKE start: at random (the published way), their positions as copies of the words', or
    besides each row from the words of its title (`entity_embedding_size` must be the hidden size)."""
    entity_aware_attention: bool = False
    """Queries by the kind of what asks and what answers; LUKE gets them in fine-tuning alone."""
    entity_prediction_bias: bool = True
    freeze_entity_embeddings: bool = False
    batch_size: int = 2048
    """Windows per update, over all processes and accumulation steps; an update has batch_size / (micro_batch_size x processes)
    micro-steps, and each of them also takes one micro-batch of every objective over a graph."""
    micro_batch_size: int = 4
    """Windows per process and micro-step."""
    pool: int = 1
    """Micro-batches whose windows are sorted by length among them: less padding where lengths differ; 1 sorts none."""
    steps: int | None = None
    epochs: float = 20.0
    """Passes over the data (without any, over the triples of the first graph); `steps` wins when it is given, but not a
    recipe's `steps` over `epochs=` on the command line."""
    max_words: int = 512
    """Sub-words of a window with its two special tokens; longer windows are cut, and counted. At most what the encoder has
    positions for, if there are such windows."""
    max_entities: int = 128
    sampling_smoothing: float = 0.7
    """Data set i is drawn with probability proportional to size_i ** smoothing (1: by size, 0: evenly)."""
    optimizer: PretrainingOptimizerConfig = field(default_factory=PretrainingOptimizerConfig)
    schedule: PretrainingScheduleConfig = field(default_factory=PretrainingScheduleConfig)
    precision: Precision = "fp32"
    """`auto` takes bf16 where the processor or GPU gains from it; what it took is in the run's `config.json`."""
    loss_scale: LossScaleConfig = field(default_factory=LossScaleConfig)
    """Of fp16 alone."""
    attention: Literal["auto", "sdpa", "eager"] = "auto"
    """`auto` takes the fused kernels. On a CPU it takes ours with dropout, for which torch has no fused one, and plain ones for
    bf16, where the fused backward pass is many times slower."""
    skip_padding: bool = False
    """Leave padding out of all that a LUKE computes but attention."""
    dropout: float | None = None
    """Dropout of hidden states and attention; null keeps the model's own."""
    seed: int = 0
    save_steps: int = 0
    """Keep a checkpoint every so many updates, the newest two of them; 0 keeps none but that of an interrupted run."""
    log_steps: int = 10
    tensorboard: bool = False
    """Write event files for TensorBoard into the run's folder."""
    workers: int = 0
    device: str | None = None

    def __post_init__(self) -> None:
        for name in ("batch_size", "micro_batch_size", "epochs", "steps", "max_entities", "log_steps", "pool"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name}: found {value}, expected more than 0")
        if self.max_words < 3:
            raise ValueError(f"max_words: found {self.max_words}, expected at least 3: two special tokens and a word")

    def accumulation_steps(self, processes: int) -> int:
        """Micro-steps per update with `processes` processes."""
        together = self.micro_batch_size * processes
        if self.batch_size % together:
            raise ConfigurationError(
                f"batch_size {self.batch_size} is no multiple of micro_batch_size {self.micro_batch_size} "
                f"x {processes} process(es) = {together}"
            )
        return self.batch_size // together
