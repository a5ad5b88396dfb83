"""Every setting of a fine-tuning run that tasks share; a task adds its own by subclassing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from loreweave.errors import ConfigurationError
from loreweave.training.precision import Precision
from loreweave.training.settings.optimizer import OptimizerConfig, ScheduleConfig


@dataclass(kw_only=True)
class FinetuningConfig:
    """The defaults are those of LUKE's Open Entity (Yamada et al. 2020)."""

    head: str = "auto"
    """Kind of head: `auto` is `luke` for a LUKE and `markers` for a plain encoder."""
    base: str | None = None
    """Folder of the encoder from which the model was trained, if its format has no word tokenizer (old archives)."""
    entity_aware_attention: bool = True
    """LUKE only: separate query matrices for pairs of words and entities. If the checkpoint has none, they start as copies."""
    max_length: int | None = None
    """Maximum number of sub-words per input, including special tokens. Null: the maximum of the encoder. Longer texts are cut
    around the mention and counted."""
    max_mention_length: int = 30
    dropout: float | None = None
    """Dropout of hidden states and of the head, not of attention. Null: the dropout of the checkpoint."""

    epochs: int = 3
    min_updates: int | None = None
    """Minimum number of updates of the run. If `epochs` give fewer updates, the number of epochs is increased (useful for small
    training files). With `epochs=` on the command line, that of a recipe does not apply. Null: no minimum."""
    batch_size: int = 2
    """Examples per process and micro-step."""
    gradient_accumulation_steps: int = 2
    leftover: Literal["drop", "flush"] = "drop"
    """What to do with micro-batches at the end of an epoch that do not fill an update: `drop` skips them (like the
    released code), `flush` makes one smaller update."""
    bucket_by_length: bool = False
    """Put texts of similar length into a batch. This needs less padding, but the batches are no longer fully random."""
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    precision: Precision = "fp32"
    """Number format. `auto`: bf16 if it is faster on this processor or GPU; the choice is stored in the run's `config.json`."""
    seed: int = 12
    """Random seed of new parameters and of dropout."""
    data_seed: int | None = None
    """Random seed of the order of the data, the dev split and the fractions. Null: `seed`."""

    train_fraction: float = 1.0
    """Fraction of the training records. Below 1: a prefix of one permutation, so that subsets are nested. Above 1: records are
    drawn with replacement."""
    dev_fraction: float | None = None
    """Fraction of the training records that is used to select the best epoch, if there is no dev file."""
    dev_split_by: str | None = None
    """Metadata key (`doc`, `entity`) whose values must not be on both sides of this split. Null: the text."""

    feature_cache: str | None = None
    """Folder that stores encoded training records for other runs, by the hash of data, tokenizer and settings. Null: no such
    folder."""

    eval_batch_size: int = 32
    metric: str | None = None
    """Dev metric that selects the best epoch. Null: the main metric of the task."""
    keep: Literal["best", "last"] = "best"
    patience: int | None = None
    """Number of epochs without a better dev metric after which training stops. Null: no early stopping."""
    evaluate_before_training: bool = False
    evaluate_test_every_epoch: bool = False
    """`false`: the test data are scored once, with the kept weights."""
    checkpoints: bool = True
    """Keep a checkpoint of the last epoch until the run is done, so that it can be resumed."""
    log_steps: int = 10
    tensorboard: bool = False
    """Write event files for TensorBoard into the run's folder."""
    device: str | None = None
    """`cpu`, `cuda` or `mps`. Null: an accelerator if there is one."""

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


def check_selection(config: FinetuningConfig, *, has_dev: bool) -> None:
    """Refuse settings that need dev data where there are none.

    Raises:
        ConfigurationError: nothing to select the epoch on, or to stop early on.
    """
    if config.keep == "best" and not has_dev:
        raise ConfigurationError("nothing to select the epoch on: give --dev FILE, dev_fraction=0.1 or keep=last")
    if config.patience is not None and not has_dev:
        raise ConfigurationError("patience: nothing to lose it on: give --dev FILE or dev_fraction=0.1")
