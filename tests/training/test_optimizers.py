"""AdamW's settings and groups."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from loreweave.errors import ConfigurationError
from loreweave.training.optimizers import OptimizerConfig, ScheduleConfig, build_optimizer, build_schedule


def named() -> list[tuple[str, nn.Parameter]]:
    names = ("encoder.weight", "encoder.bias", "extra_heads.graph.weight")
    return [(name, nn.Parameter(torch.ones(2))) for name in names]


@pytest.mark.parametrize("wrong", [{"learning_rate": -1.0}, {"weight_decay": -0.1}, {"betas": (0.9, 1.0)}, {"epsilon": 0.0}])
def test_impossible_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        OptimizerConfig(**wrong)  # type: ignore[arg-type]


def test_biases_are_decayed_only_when_asked() -> None:
    plain = build_optimizer(named(), OptimizerConfig(weight_decay=0.1, bias_correction=True))
    assert [group["weight_decay"] for group in plain.param_groups] == [0.1, 0.0]
    every = build_optimizer(named(), OptimizerConfig(weight_decay=0.1, no_decay=[], bias_correction=True))
    assert [group["weight_decay"] for group in every.param_groups] == [0.1]


def test_heads_may_learn_faster() -> None:
    config = OptimizerConfig(learning_rate=1e-3, rate_factors={"extra_heads.": 10.0}, no_decay=[], bias_correction=True)
    optimizer = build_optimizer(named(), config)
    assert [(len(group["params"]), group["lr"]) for group in optimizer.param_groups] == [(2, 1e-3), (1, 1e-2)]


def test_a_head_has_a_rate_of_its_own_that_factors_do_not_change() -> None:
    config = OptimizerConfig(
        learning_rate=1e-3, head_learning_rate=5e-2, rate_factors={"extra_heads": 10.0, "encoder.bias": 2.0}, no_decay=[]
    )
    optimizer = build_optimizer(named(), config)
    assert [(len(group["params"]), group["lr"]) for group in optimizer.param_groups] == [(1, 1e-3), (1, 2e-3), (1, 5e-2)]
    elsewhere = build_optimizer(named(), OptimizerConfig(learning_rate=1e-3, head_learning_rate=0.0, no_decay=[]), "extra_")
    assert [(len(group["params"]), group["lr"]) for group in elsewhere.param_groups] == [(2, 0.0), (1, 1e-3)]


def test_a_rate_of_a_head_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="head_learning_rate: found 0.1, but all parameters are in the encoder"):
        build_optimizer(named()[:2], OptimizerConfig(head_learning_rate=0.1))
    with pytest.raises(ValueError, match="head_learning_rate: found -1, expected 0 or more"):
        OptimizerConfig(head_learning_rate=-1)


def test_a_rate_for_nothing_is_refused() -> None:
    config = OptimizerConfig(rate_factors={"clasifier": 30.0})
    with pytest.raises(ConfigurationError, match="rate_factors: found 'clasifier', which is in the name of no parameter"):
        build_optimizer(named(), config)


def test_the_schedule_may_be_longer_than_the_run() -> None:
    optimizer = build_optimizer(named(), OptimizerConfig(learning_rate=1.0, bias_correction=True))
    schedule = build_schedule(optimizer, ScheduleConfig(warmup_steps=2, total_steps=10), total_steps=4)
    rates = []
    for _ in range(4):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx([0.0, 0.5, 1.0, 7 / 8])
