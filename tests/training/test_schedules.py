"""Learning-rate schedules."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from transformers import get_constant_schedule_with_warmup, get_linear_schedule_with_warmup

from loreweave.training.schedules import SCHEDULES, ScheduleName, rate_factor


def test_linear_and_constant_after_the_warmup() -> None:
    linear = [rate_factor(update, name="linear", warmup=2, total=6) for update in range(8)]
    assert linear == [0, 0.5, 1, 0.75, 0.5, 0.25, 0, 0]
    constant = [rate_factor(update, name="constant", warmup=2, total=6) for update in range(8)]
    assert constant == [0, 0.5, 1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("warmup, total", [(0, 7), (3, 7), (7, 7), (9, 7), (0, 0)])
def test_the_rates_of_transformers(warmup: int, total: int) -> None:
    made = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])
    (linear,) = get_linear_schedule_with_warmup(made, warmup, total).lr_lambdas
    (constant,) = get_constant_schedule_with_warmup(made, warmup).lr_lambdas
    for update in range(12):
        assert rate_factor(update, name="linear", warmup=warmup, total=total) == linear(update)
        assert rate_factor(update, name="constant", warmup=warmup, total=total) == constant(update)


def test_the_setting_has_every_schedule() -> None:
    assert set(get_args(ScheduleName)) == set(SCHEDULES)
