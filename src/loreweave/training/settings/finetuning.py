"""Every setting of a fine-tuning run that tasks share, in groups by who reads it.

`EncoderSettings` and `LukeSettings` are read if a task puts its head on an encoder, `DataSettings` when records are
chosen, `EngineSettings` by the training loop. `FinetuningConfig` is for any fine-tuned task; a task adds
`LukeSettings` if it can start from a LUKE, and its own settings. `READ_WHEN` declares which settings are read only under a
condition (see `conditions`), `CHOICES` the tables that explain their values, and `ENCODED` which ones affect the encoding of
records.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from loreweave.errors import ConfigurationError
from loreweave.training.precision import Precision
from loreweave.training.retention import RULES, Keep
from loreweave.training.settings.conditions import GIVEN, ReadWhen, check_read, either, when
from loreweave.training.settings.documentation import Choices
from loreweave.training.settings.optimizer import OptimizerConfig, ScheduleConfig
from loreweave.training.settings.ranges import BETWEEN_0_AND_1, POSITIVE, SEED, SHARE_BELOW_1, Ranges, at_least, check_ranges

Encoded = tuple[str, ...]
"""Names of settings on which the encoded training records depend: they are the key of the feature cache."""
Leftover = Literal["drop", "flush"]


@dataclass(kw_only=True)
class Seeds:
    """Random seeds, which all groups share."""

    RANGES: ClassVar[Ranges] = {("seed", "data_seed"): SEED}

    seed: int = 12
    """Random seed of new parameters and of dropout."""
    data_seed: int | None = None
    """Random seed of the order of the data, the dev split and the fractions. Null: `seed`."""

    def __post_init__(self) -> None:
        check_ranges(self)

    @property
    def order_seed(self) -> int:
        """Seed of everything that selects or orders records."""
        return self.seed if self.data_seed is None else self.data_seed


@dataclass(kw_only=True)
class EncoderSettings(Seeds):
    """Settings of any encoder."""

    ENCODED: ClassVar[Encoded] = ("max_length",)
    RANGES: ClassVar[Ranges] = {("max_length",): at_least(1), ("dropout",): SHARE_BELOW_1}

    max_length: int | None = None
    """Maximum number of sub-words per input, including special tokens. Null: the maximum of the encoder. Longer texts are cut
    around their mentions, and counted."""
    dropout: float | None = None
    """Dropout of hidden states and of the head, not of attention. Null: the dropout of the checkpoint."""


@dataclass(kw_only=True)
class LukeSettings(EncoderSettings):
    """Settings of a LUKE."""

    ENCODED: ClassVar[Encoded] = ("max_mention_length",)
    RANGES: ClassVar[Ranges] = {("max_mention_length",): at_least(1)}

    base: str | None = None
    """Folder of the encoder from which the model was trained, if the model has no word tokenizer of its own (old archives)."""
    entity_aware_attention: bool = True
    """Use LUKE's separate query matrices for pairs of words and entities. If the checkpoint lacks them, they start as copies of
    its query matrix."""
    max_mention_length: int = 30
    """Maximum number of sub-words of a mention. The position of its entity is the mean of their positions; later sub-words are
    not averaged."""


LUKE_SETTINGS = ("base", "entity_aware_attention", "max_mention_length")
"""Names of the settings of `LukeSettings`, for `READ_WHEN`."""


@dataclass(kw_only=True)
class DataSettings(Seeds):
    """Selection of the training records, and storage of their encoded form."""

    READ_WHEN: ClassVar[ReadWhen] = {("dev_split_by",): when(dev_fraction=GIVEN)}
    ENCODED: ClassVar[Encoded] = ("train_fraction", "train_balance", "dev_fraction", "dev_split_by")
    RANGES: ClassVar[Ranges] = {
        ("train_fraction",): POSITIVE,
        ("train_balance",): at_least(1),
        ("dev_fraction",): BETWEEN_0_AND_1,
    }

    train_fraction: float = 1.0
    """Fraction of the training records. Below 1: the first records of a random order, so that a smaller fraction is part of a
    larger one. Above 1: records are drawn with replacement."""
    train_balance: float | None = None
    """Balance of the classes: no class has more than this number of times the training records of the smallest class. 1: all
    classes have equally many. The class of a record with several labels is its rarest label. `train_fraction` is then a
    fraction of each class, with one record at least. Null: all records."""
    dev_fraction: float | None = None
    """Fraction of the training records that is used to select the best epoch, if there is no dev file."""
    dev_split_by: str | None = None
    """Metadata key, such as `doc` or `entity`. `dev_fraction` keeps records with the same value on one side of the split. Null:
    records with the same text."""

    feature_cache: str | None = None
    """Folder in which encoded training records are stored. Other runs with the same data, tokenizer and settings of encoding
    read them from there. Null: they are not stored."""


@dataclass(kw_only=True)
class EngineSettings(Seeds):
    """Settings of the training loop; the defaults are those of LUKE's Open Entity (Yamada et al. 2020)."""

    READ_WHEN: ClassVar[ReadWhen] = {
        ("metric",): either(when(dev=True), when(test=True)),
        ("patience",): when(dev=True),
        ("evaluate_test_every_epoch",): when(test=True),
        ("evaluate_before_training",): either(when(dev=True), when(evaluate_test_every_epoch=True)),
    }
    CHOICES: ClassVar[Choices] = {"keep": RULES}
    RANGES: ClassVar[Ranges] = {
        ("epochs", "batch_size", "gradient_accumulation_steps", "eval_batch_size", "log_steps", "min_updates"): POSITIVE,
        ("patience",): at_least(1),
    }

    epochs: int = 3
    """Number of passes over the training data."""
    min_updates: int | None = None
    """Minimum number of updates of the run. If `epochs` give fewer updates, the number of epochs is increased (useful for small
    training files). `epochs=` on the command line disables the `min_updates` of a recipe. Null: no minimum."""
    batch_size: int = 2
    """Number of examples per process and micro-step."""
    gradient_accumulation_steps: int = 2
    """Number of micro-steps per update. An update reads `batch_size` x this number of examples per process."""
    leftover: Leftover = "drop"
    """Treatment of micro-batches at the end of an epoch that do not fill an update: `drop` skips them (as LUKE's
    released code does), `flush` makes one smaller update."""
    bucket_by_length: bool = False
    """Put texts of similar length into a batch. This needs less padding, but the batches are no longer fully random."""
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    precision: Precision = "fp32"
    """Number format. `auto`: bf16 if it is faster on this processor or GPU. The run's `config.json` contains the choice."""

    eval_batch_size: int = 32
    """Number of examples per batch of an evaluation. It does not change the results."""
    metric: str | None = None
    """Dev metric that selects the best epoch. Null: the main metric of the task."""
    keep: Keep = "best"
    """Epoch whose weights the run stores."""
    patience: int | None = None
    """Number of epochs without a better dev metric after which training stops. Null: no early stopping."""
    evaluate_before_training: bool = False
    """Also score the model before the first update, as epoch 0."""
    evaluate_test_every_epoch: bool = False
    """Score the test data after every epoch. `false`: once, with the kept weights."""
    checkpoints: bool = True
    """Keep a checkpoint of the last epoch until the run is done, so that it can be resumed."""
    log_steps: int = 10
    """Number of updates between two lines of `metrics.jsonl`."""
    tensorboard: bool = False
    """Write event files for TensorBoard into the run's folder."""
    device: str | None = None
    """Device: `cpu`, `cuda`, `xpu` or `mps`. Null: an accelerator if there is one."""


@dataclass(kw_only=True)
class FinetuningConfig(DataSettings, EngineSettings, EncoderSettings):
    """Settings of every fine-tuned task."""

    OPTIONS: ClassVar[tuple[str, ...]] = (
        "model", "output", "train", "dev", "test", "data", "recipe", "format", "tag_names", "skip_bad", "overwrite", "resume",
    )  # fmt: skip
    """Options of `loreweave finetune` that users write as settings; the error names the option."""


def encoded_settings(config: FinetuningConfig) -> dict[str, Any]:
    """Settings that affect the encoded training records, with their values; a seed only if it selects records."""
    names = [name for base in type(config).__mro__ for name in vars(base).get("ENCODED", ())]
    values = {name: getattr(config, name) for name in names}
    chosen = config.train_fraction != 1 or config.train_balance is not None or config.dev_fraction is not None
    return values | ({"order_seed": config.order_seed} if chosen else {})


def check_selection(config: EngineSettings, *, has_dev: bool, has_test: bool | None = None) -> None:
    """Refuse settings that need dev or test data if there are none; `has_test` is None if that is not known yet.

    Raises:
        ConfigurationError: there are no data to select the epoch on, or a setting needs such data.
    """
    known: dict[str, Any] = {"dev": has_dev} if has_test is None else {"dev": has_dev, "test": has_test}
    check_read(config, **known)
    if RULES[config.keep].needs_dev and not has_dev:
        raise ConfigurationError("no dev data to select the best epoch: give --dev FILE or dev_fraction=0.1, or use keep=last")
