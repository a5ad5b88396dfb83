"""Settings of AdamW and of its schedule, without heavy imports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from loreweave.training.settings.conditions import ReadWhen, either, when


@dataclass(kw_only=True)
class OptimizerConfig:
    """AdamW; the defaults are those of LUKE's fine-tuning (Yamada et al. 2020)."""

    learning_rate: float = 1e-5
    betas: tuple[float, float] = (0.9, 0.98)
    epsilon: float = 1e-6
    weight_decay: float = 0.01
    bias_correction: bool = False
    max_grad_norm: float = 0.0
    """Maximum norm of the gradients; 0: no clipping."""
    no_decay: list[str] = field(default_factory=lambda: ["bias", "LayerNorm.weight"])
    """Parameters whose name contains one of these strings have no weight decay. Empty: all decay (fairseq's Adam, KEPLER)."""
    rate_factors: dict[str, float] = field(default_factory=dict)
    """Factor of the learning rate for parameters whose name contains the key. In pre-training, names of the encoder begin with
    `encoder.`, and names of the objectives' heads with `extra_heads.`."""

    def __post_init__(self) -> None:
        for name in ("learning_rate", "weight_decay", "max_grad_norm"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: found {getattr(self, name)}, expected 0 or more")
        if self.epsilon <= 0 or not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"epsilon, betas: found {self.epsilon}, {self.betas}, expected more than 0, from 0 to below 1")


@dataclass(kw_only=True)
class ScheduleConfig:
    """Linear warm-up, then linear decay to zero or a constant rate.

    `warmup_steps` takes precedence over `warmup_ratio` if it is not None; the ratio gives `int(ratio * total)` steps.
    `total_steps` determines the decay (fairseq's --total-num-update). Default: the number of steps of the run.
    """

    READ_WHEN: ClassVar[ReadWhen] = {
        ("warmup_ratio",): when(warmup_steps=None, reason="warmup_steps wins"),
        ("total_steps",): either(when(name="linear"), when(warmup_steps=None)),
    }

    name: Literal["linear", "constant"] = "linear"
    warmup_ratio: float = 0.06
    warmup_steps: int | None = None
    total_steps: int | None = None

    def warmup(self, total_steps: int) -> int:
        """Number of warm-up steps of a run of `total_steps`."""
        return self.warmup_steps if self.warmup_steps is not None else int(self.warmup_ratio * total_steps)
