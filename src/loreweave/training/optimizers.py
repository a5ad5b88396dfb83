"""AdamW as in the papers' recipes, and its schedule (see `schedules`); `settings.optimizer` has the settings."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from loreweave.errors import ConfigurationError
from loreweave.training.schedules import rate_factor
from loreweave.training.settings.optimizer import OptimizerConfig, ScheduleConfig

_CORRECTION_DONE = 1e9


class AdamWWithoutBiasCorrection(torch.optim.AdamW):
    """AdamW of the BERT code base, without bias correction of the moments.

    torch's own (fused) kernels are used: at a step count of 1e9 both correction terms, 1 - beta**step, equal 1 in
    float32 and adding 1 to the count changes nothing.
    """

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One update; states are created here with a step count at which the corrections are 1."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None and not self.state[parameter]:
                    device = parameter.device if group["fused"] or group["capturable"] else "cpu"
                    self.state[parameter] = {
                        "step": torch.tensor(_CORRECTION_DONE, dtype=torch.float32, device=device),
                        "exp_avg": torch.zeros_like(parameter),
                        "exp_avg_sq": torch.zeros_like(parameter),
                    }
        return super().step(closure)


def build_optimizer(
    named_parameters: Iterable[tuple[str, nn.Parameter]], config: OptimizerConfig, encoder: str = "encoder."
) -> torch.optim.AdamW:
    """AdamW over the trained parameters, in groups by weight decay and learning rate.

    Args:
        named_parameters: names and parameters.
        config: settings.
        encoder: beginning of the names of the encoder's parameters; `head_learning_rate` is for all others.

    Raises:
        ConfigurationError: a name in `rate_factors` matches no parameter, or there is no parameter for `head_learning_rate`.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    parameters_by_name = list(named_parameters)
    head_rate = config.head_learning_rate
    if head_rate is not None and all(name.startswith(encoder) for name, _ in parameters_by_name):
        raise ConfigurationError(
            f"optimizer.head_learning_rate: found {head_rate}, but all parameters are in the encoder; leave it out"
        )
    for part in config.rate_factors:
        if not any(part in name for name, _ in parameters_by_name):
            raise ConfigurationError(f"optimizer.rate_factors: found {part!r}, which is in the name of no parameter")
    for name, parameter in parameters_by_name:
        if parameter.requires_grad:
            plain = any(part in name for part in config.no_decay)
            factor = next((value for part, value in config.rate_factors.items() if part in name), 1.0)
            rate = config.learning_rate * factor if head_rate is None or name.startswith(encoder) else head_rate
            groups.setdefault((0.0 if plain else config.weight_decay, rate), []).append(parameter)
    kind = torch.optim.AdamW if config.bias_correction else AdamWWithoutBiasCorrection
    return kind(
        [{"params": parameters, "weight_decay": decay, "lr": rate} for (decay, rate), parameters in groups.items()],
        lr=config.learning_rate,
        betas=config.betas,
        eps=config.epsilon,
        fused=True,
    )


def build_schedule(optimizer: torch.optim.Optimizer, config: ScheduleConfig, total_steps: int) -> LambdaLR:
    """The learning-rate schedule of a run of `total_steps` updates."""
    total = config.total_steps or total_steps
    return LambdaLR(optimizer, partial(rate_factor, name=config.name, warmup=config.warmup(total), total=total))
