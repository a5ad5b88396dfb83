"""Every setting of a fine-tuning run that tasks share; a task adds its own by subclassing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from loreweave.training.optimizer_settings import OptimizerConfig, ScheduleConfig
from loreweave.training.precision import Precision


@dataclass(kw_only=True)
class FinetuningConfig:
    """The defaults are those of LUKE's Open Entity (specs/luke.md 4.0, 4.1)."""

    head: str = "auto"
    """How the task is put on the encoder: `auto` takes `luke` for a LUKE and `markers` for a plain encoder."""
    base: str | None = None
    """Folder of the encoder that the model was made from, where its format carries no word tokenizer (old archives)."""
    entity_aware_attention: bool = True
    """LUKE only: own query matrices for word-entity pairs; where the checkpoint has none, they start as copies."""
    max_length: int | None = None
    """Sub-words of an input with its special tokens; null takes what the encoder can hold. Longer texts are cut around
    the mention, and counted."""
    max_mention_length: int = 30
    dropout: float | None = None
    """Dropout of hidden states and the head, not of attention; null keeps the checkpoint's own."""

    epochs: int = 3
    min_updates: int | None = None
    """Least number of updates of the whole run: where `epochs` make fewer, there are more epochs (small training files); null
    keeps to `epochs`."""
    batch_size: int = 2
    """Examples per process and micro-step."""
    gradient_accumulation_steps: int = 2
    leftover: Literal["drop", "flush"] = "drop"
    """Micro-batches at the end of an epoch that fill no update: not trained on in that epoch (the number of updates and
    the schedule of the released code), or one smaller update."""
    bucket_by_length: bool = False
    """Batches of texts of like length, in random order: less padding; the batches are no longer fully random."""
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    precision: Precision = "fp32"
    """`auto` takes bf16 where the processor or GPU gains from it; what it took is in the run's `config.json`."""
    seed: int = 12
    """Of the new parameters and of dropout."""
    data_seed: int | None = None
    """Of the order of the data, the dev split and the fraction; null takes `seed`."""

    train_fraction: float = 1.0
    """Part of the training records: below 1 a prefix of one permutation (so subsets are nested), above 1 drawn with
    replacement."""
    dev_fraction: float | None = None
    """Without a dev file: the part of the training records to select on."""
    dev_split_by: str | None = None
    """A metadata key (`doc`, `entity`) whose values must not be on both sides of that split; null is the text."""

    feature_cache: str | None = None
    """Folder where the encoded training records are kept for other runs, by the hash of data, tokenizer and settings; null
    encodes them anew."""

    eval_batch_size: int = 32
    metric: str | None = None
    """The dev metric that selects the epoch; null takes the task's own."""
    keep: Literal["best", "last"] = "best"
    patience: int | None = None
    """Stop after so many epochs in a row without a better dev metric; null never does."""
    evaluate_before_training: bool = False
    evaluate_test_every_epoch: bool = False
    """Otherwise the test data is scored once, with the kept weights."""
    checkpoints: bool = True
    """Keep a checkpoint of the last epoch until the run is done, so that it can be resumed."""
    log_steps: int = 10
    tensorboard: bool = False
    """Write event files for TensorBoard into the run's folder."""
    device: str | None = None
    """`cpu`, `cuda`, `mps`; null takes an accelerator where there is one."""

    def __post_init__(self) -> None:
        counts = ("epochs", "batch_size", "gradient_accumulation_steps", "eval_batch_size", "log_steps")
        for name in (*counts, "train_fraction", "min_updates"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name}: found {value}, expected more than 0")
        if self.dev_fraction is not None and not 0 < self.dev_fraction < 1:
            raise ValueError(f"dev_fraction: found {self.dev_fraction}, expected a number between 0 and 1")

    @property
    def order_seed(self) -> int:
        """The seed of everything that chooses or orders records."""
        return self.seed if self.data_seed is None else self.data_seed
