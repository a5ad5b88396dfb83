"""Settings of AdamW and of its schedule, without heavy imports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from loreweave.training.schedules import SCHEDULES, ScheduleName
from loreweave.training.settings.conditions import ReadWhen, either, when
from loreweave.training.settings.documentation import Choices
from loreweave.training.settings.ranges import POSITIVE, SHARE, SHARE_BELOW_1, Ranges, at_least, check_ranges


@dataclass(kw_only=True)
class OptimizerConfig:
    """AdamW; the defaults are those of LUKE's fine-tuning (Yamada et al. 2020)."""

    RANGES: ClassVar[Ranges] = {
        ("learning_rate", "head_learning_rate", "weight_decay", "max_grad_norm", "rate_factors"): at_least(0),
        ("betas",): SHARE_BELOW_1,
        ("epsilon",): POSITIVE,
    }

    learning_rate: float = 1e-5
    """Highest learning rate, which is reached after the warm-up."""
    head_learning_rate: float | None = None
    """Highest learning rate of the new parameters, which are those outside the encoder. `rate_factors` do not change it. Null:
    `learning_rate`."""
    betas: tuple[float, float] = (0.9, 0.98)
    """Decay rates of the averages of the gradients and of their squares."""
    epsilon: float = 1e-6
    """Small number that is added to the denominator of an update, which is then never zero."""
    weight_decay: float = 0.01
    """Weight decay, decoupled from the gradients as in AdamW. 0: no decay."""
    bias_correction: bool = False
    """Correct the averages for their start at zero, as in the paper of Adam. `false`: no correction, as in BERT's code."""
    max_grad_norm: float = 0.0
    """Maximum norm of the gradients; 0: no clipping."""
    no_decay: list[str] = field(default_factory=lambda: ["bias", "LayerNorm.weight"])
    """Parameters whose name contains one of these strings have no weight decay. Empty: all have it (as in
    fairseq's Adam and KEPLER)."""
    rate_factors: dict[str, float] = field(default_factory=dict)
    """Factor of the learning rate for parameters whose name contains the key. In pre-training, names of the encoder begin with
    `encoder.`, and names of the objectives' heads with `extra_heads.`."""

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(kw_only=True)
class ScheduleConfig:
    """Linear warm-up, then one of `schedules.SCHEDULES`.

    `warmup_steps` takes precedence over `warmup_ratio` if it is not None; the ratio gives `int(ratio * total)` steps.
    `total_steps` determines the decay (fairseq's --total-num-update). Default: the number of steps of the run.
    """

    READ_WHEN: ClassVar[ReadWhen] = {
        ("warmup_ratio",): when(warmup_steps=None, reason="warmup_steps takes precedence"),
        ("total_steps",): either(
            when(name=tuple(name for name, schedule in SCHEDULES.items() if schedule.reads_total)), when(warmup_steps=None)
        ),
    }
    CHOICES: ClassVar[Choices] = {"name": SCHEDULES}
    RANGES: ClassVar[Ranges] = {("warmup_ratio",): SHARE, ("warmup_steps",): at_least(0), ("total_steps",): at_least(1)}

    name: ScheduleName = "linear"
    """Learning rate after the warm-up."""
    warmup_ratio: float = 0.06
    """Number of warm-up steps as a fraction of `total_steps`."""
    warmup_steps: int | None = None
    """Number of updates in which the learning rate rises from 0. Null: computed from `warmup_ratio`."""
    total_steps: int | None = None
    """Number of updates after which the learning rate is 0. Null: the number of updates of the run."""

    def __post_init__(self) -> None:
        check_ranges(self)

    def warmup(self, total_steps: int) -> int:
        """Number of warm-up steps of a run of `total_steps`."""
        return self.warmup_steps if self.warmup_steps is not None else int(self.warmup_ratio * total_steps)
