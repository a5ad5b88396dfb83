"""Cheap masks: their distribution, their gradients, where they come from."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from loreweave.models.dropout import Dropout, MaskSource, dropout


@pytest.mark.parametrize("probability", [0.1, 0.25, 1 / 3, 0.5, 0.9, 0.001])
def test_the_mean_is_exact_and_the_probability_near(probability: float) -> None:
    torch.manual_seed(0)
    source = MaskSource(probability)
    assert abs(1 / source.scale - (1 - probability)) < 1e-5
    count = 4_000_001  # no multiple of what one number serves
    mask = source.keep(count)
    assert mask.shape == (count,)
    deviation = (probability * (1 - probability) / count) ** 0.5
    assert abs(mask.mean() - 1 / source.scale) < 3 * deviation


def test_neighbours_are_independent() -> None:
    torch.manual_seed(0)
    mask = torch.from_numpy(MaskSource(0.5).keep(1_000_000)).double() - 0.5
    for distance in (1, 2, 3, 4, 5, 64, 384):
        assert abs(float((mask[:-distance] * mask[distance:]).mean())) < 0.25 * 4 / 1_000_000**0.5


def test_kept_elements_are_scaled_and_so_are_their_gradients() -> None:
    states = torch.randn(50, 40, dtype=torch.float64, requires_grad=True)
    found = dropout(states, 0.25)
    kept = found != 0
    assert torch.allclose(found[kept], states[kept] / 0.75)
    of_found = torch.randn_like(found)
    (gradient,) = torch.autograd.grad(found, states, of_found)
    assert torch.allclose(gradient, of_found * kept / 0.75)
    assert 0.7 < float(kept.double().mean()) < 0.8


def test_bf16_stays_bf16() -> None:
    states = torch.ones(10, 10, dtype=torch.bfloat16, requires_grad=True)
    found = dropout(states, 0.5)
    found.sum().backward()
    assert found.dtype == torch.bfloat16
    assert states.grad is not None
    assert set(found.flatten().tolist()) == {0.0, 2.0}
    assert torch.equal(states.grad, found)


def test_outside_training_and_without_dropout_nothing_is_drawn() -> None:
    states = torch.randn(3, 4)
    before = torch.get_rng_state()
    assert torch.equal(dropout(states, 0.5, training=False), states)
    assert torch.equal(dropout(states, 0.0), states)
    assert torch.equal(Dropout(0.5).eval()(states), states)
    assert torch.equal(torch.get_rng_state(), before)


def test_another_device_keeps_its_own_dropout() -> None:
    before = torch.get_rng_state()
    found = dropout(torch.ones(3, 4, device="meta"), 0.5)
    assert found.device.type == "meta" and found.shape == (3, 4)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_ends_of_the_range() -> None:
    states = torch.ones(100)
    assert not dropout(states, 1.0).any()
    with pytest.raises(ValueError, match="dropout probability"):
        dropout(states, 1.5)


def test_torchs_seed_is_the_only_one() -> None:
    states = torch.ones(1000)
    torch.manual_seed(7)
    first, second = dropout(states, 0.1), dropout(states, 0.1)
    assert not torch.equal(first, second)
    torch.manual_seed(7)
    assert torch.equal(dropout(states, 0.1), first)
    state = torch.get_rng_state()
    again = dropout(states, 0.1)
    torch.set_rng_state(state)
    assert torch.equal(dropout(states, 0.1), again)
    assert torch.equal(again, second)


def test_gradient_checkpointing_meets_the_same_mask() -> None:
    weight = torch.randn(30, 30, dtype=torch.float64, requires_grad=True)
    layer = Dropout(0.3)

    def run(states: torch.Tensor) -> torch.Tensor:
        return functional.gelu(layer(states @ weight)).square()

    states = torch.randn(20, 30, dtype=torch.float64)
    torch.manual_seed(1)
    (plain,) = torch.autograd.grad(run(states).sum(), weight)
    torch.manual_seed(1)
    (recomputed,) = torch.autograd.grad(checkpoint(run, states, use_reentrant=False).sum(), weight)
    assert torch.equal(plain, recomputed)
