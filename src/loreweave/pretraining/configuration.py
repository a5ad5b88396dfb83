"""Settings of a pre-training run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from loreweave.corpus.counts import counted
from loreweave.errors import ConfigurationError
from loreweave.objectives import MaskedEntitiesConfig, MaskedWordsConfig, ObjectivesConfig
from loreweave.training.precision import Precision
from loreweave.training.settings.optimizer import OptimizerConfig, ScheduleConfig
from loreweave.training.settings.ranges import POSITIVE, SEED, SHARE_BELOW_1, Ranges, at_least, check_ranges

READ_STARTS = ("descriptions", "occurrences")
"""Values of `entities_start` for which the encoder reads texts."""


@dataclass(kw_only=True)
class PretrainingOptimizerConfig(OptimizerConfig):
    """AdamW with the moments of LUKE's pre-training."""

    betas: tuple[float, float] = (0.9, 0.999)


@dataclass(kw_only=True)
class PretrainingScheduleConfig(ScheduleConfig):
    """Schedule with the warm-up of LUKE's pre-training."""

    warmup_steps: int | None = 2500


@dataclass(kw_only=True)
class LossScaleConfig:
    """Dynamic loss scaling of fp16; the defaults are torch's."""

    RANGES: ClassVar[Ranges] = {("initial", "growth_interval"): POSITIVE}

    initial: float = 65536.0
    """Scale of the loss at the start."""
    growth_interval: int = 2000
    """Number of updates without overflow after which the scale doubles."""

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(kw_only=True)
class PretrainingConfig:
    """One stage of pre-training; the defaults are those of LUKE's released code."""

    RANGES: ClassVar[Ranges] = {
        ("batch_size", "micro_batch_size", "epochs", "steps", "max_entities", "log_steps", "pool"): POSITIVE,
        ("max_words",): at_least(3),
        ("entity_occurrences", "entity_embedding_size"): POSITIVE,
        ("sampling_smoothing", "save_steps", "dev_steps", "workers"): at_least(0),
        ("dropout",): SHARE_BELOW_1,
        ("seed",): SEED,
    }

    model: str | None
    """A LUKE in any format, or the folder of a BERT-like encoder, which becomes a LUKE (or stays plain: `word_only`). Null: no
    encoder, for a graph with entities in a table only."""
    data: list[str] = field(default_factory=list)
    """Pre-training sets, one per language; several are sampled with `sampling_smoothing`. Objectives over graphs need none."""
    dev: list[str] = field(default_factory=list)
    """Pre-training sets of held-out texts. They are not trained on: the loss and the accuracy of each objective over windows
    are measured on them. Without such sets, nothing is measured."""
    dev_steps: int = 0
    """Number of updates between two measurements on `dev`; 0: only after the last update."""
    output: str
    """Folder of the run."""
    trainable: Literal["entities", "all"] = "all"
    """Trained parameters. `entities` (stage 1): the entity embeddings, the entity head and any new head of the encoder."""
    objectives: ObjectivesConfig = field(
        default_factory=lambda: ObjectivesConfig(masked_words=MaskedWordsConfig(), masked_entities=MaskedEntitiesConfig())
    )
    """Settings of each objective by its name. Null: off. The losses are added with their weights."""
    word_only: bool = False
    """Train the encoder on words only: no entity inputs, and no entity modules unless `model` is a LUKE."""
    entity_embedding_size: int = 256
    """Width of the entity table, if a LUKE is made from a plain encoder."""
    entities_start: Literal["random", "words", "titles", "descriptions", "occurrences"] = "random"
    """Initial entities of such a LUKE. `random`: as published. `words`: positions are copied from the words. `titles`: also
    each row from the words of its title (`entity_embedding_size` must be the hidden size). `descriptions`: each row is the
    state of the title before the first sentence about the entity, from `entity_texts`. `occurrences`: each row is the mean
    state of the entity's mentions in `data` (PELT). The last two also fit the entity head, without training."""
    entity_texts: str | None = None
    """Texts about the entities: a file of annotated texts with the entity as title, or the folder of a graph. Needed for
    `entities_start=descriptions`; `occurrences` uses it for entities that do not occur. Without a text: the title alone."""
    entity_occurrences: int = 4
    """Number of mentions that are read of each entity (`entities_start=occurrences`)."""
    entity_aware_attention: bool = False
    """Separate query matrices for pairs of words and entities; LUKE has them in fine-tuning only."""
    entity_prediction_bias: bool = True
    """The entity head has a bias for each entity."""
    freeze_entity_embeddings: bool = False
    """Keep the entity embeddings as they are."""
    batch_size: int = 2048
    """Number of windows per update, over all processes and accumulation steps. An update has batch_size / (micro_batch_size x
    processes) micro-steps, each of which also has one micro-batch of every objective over a graph."""
    micro_batch_size: int = 4
    """Number of windows per process and micro-step."""
    pool: int = 1
    """Number of micro-batches whose windows are sorted by length together, which reduces padding; 1: no sorting."""
    steps: int | None = None
    """Number of updates. Null: from `epochs`."""
    epochs: float = 20.0
    """Number of passes over the data (without data, over the triples of the first graph). `steps` takes precedence, but a
    recipe's `steps` does not over `epochs=` on the command line."""
    max_words: int = 512
    """Maximum number of sub-words per window, including its two special tokens; longer windows are truncated, and counted. At
    most the number of positions of the encoder, if there are such windows."""
    max_entities: int = 128
    """Maximum number of entities per window; further ones are left out, and counted."""
    sampling_smoothing: float = 0.7
    """Data set i is drawn with probability proportional to size_i ** smoothing (1: by size, 0: evenly)."""
    optimizer: PretrainingOptimizerConfig = field(default_factory=PretrainingOptimizerConfig)
    schedule: PretrainingScheduleConfig = field(default_factory=PretrainingScheduleConfig)
    precision: Precision = "fp32"
    """Number format. `auto`: bf16 if it is faster on this processor or GPU; the choice is stored in the run's `config.json`."""
    loss_scale: LossScaleConfig = field(default_factory=LossScaleConfig)
    """Settings of fp16."""
    attention: Literal["auto", "sdpa", "eager"] = "auto"
    """Attention kernels. `auto`: fused ones. On a CPU, our own with dropout, for which torch has no fused kernel, and plain
    ones for bf16, where the fused backward pass is many times slower."""
    skip_padding: bool = False
    """Skip padding in everything that a LUKE computes except attention."""
    dropout: float | None = None
    """Dropout of hidden states and attention. Null: that of the model."""
    seed: int = 0
    """Random seed of new parameters, of dropout, and of the order and masking of the data."""
    save_steps: int = 0
    """Number of updates between checkpoints, of which the newest two are kept; 0: only that of an interrupted run."""
    log_steps: int = 10
    """Number of updates between two log lines."""
    tensorboard: bool = False
    """Write event files for TensorBoard into the run's folder."""
    workers: int = 0
    """Number of processes that prepare batches. 0: the process that trains."""
    device: str | None = None
    """Device: `cpu`, `cuda`, `xpu` or `mps`. Null: an accelerator if there is one."""

    def __post_init__(self) -> None:
        if self.entities_start == "descriptions" and self.entity_texts is None:
            raise ValueError("entity_texts: found null, expected texts or a graph for entities_start=descriptions")
        if self.entity_texts is not None and self.entities_start not in READ_STARTS:
            expected = " or ".join(READ_STARTS)
            raise ValueError(f"entity_texts: entities_start={self.entities_start} reads no texts, expected {expected}, or null")
        if self.dev_steps and not self.dev:
            raise ValueError(f"dev_steps: found {self.dev_steps} without dev, expected held-out sets (dev=FOLDER), or 0")
        check_ranges(self)

    def measurements(self, updates: int) -> int:
        """Number of measurements on `dev` in a run of so many updates; the last one follows the last update."""
        if not self.dev:
            return 0
        return math.ceil(updates / self.dev_steps) if self.dev_steps else 1

    def accumulation_steps(self, processes: int) -> int:
        """Micro-steps per update with `processes` processes."""
        together = self.micro_batch_size * processes
        if self.batch_size % together:
            raise ConfigurationError(
                f"batch_size {self.batch_size} is not a multiple of micro_batch_size {self.micro_batch_size} "
                f"x {counted(processes, 'process', 'processes')} = {together}"
            )
        return self.batch_size // together
