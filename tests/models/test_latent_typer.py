"""The latent typer: type 0, selection, and the losses over the use of types."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from loreweave.models.latent_typer import (
    LatentTyper,
    Usage,
    diversity_loss,
    gumbel_noise,
    sparsity_loss,
    summed_usage,
)


@pytest.fixture
def typer() -> LatentTyper:
    torch.manual_seed(0)
    return LatentTyper(8, types=5)


def test_type_0_is_where_no_other_logit_is_above_0(typer: LatentTyper) -> None:
    states = torch.randn(4, 7, 8)
    typing = typer.eval()(states)
    real = states @ typer.weight_proj.T
    assert torch.equal(typing.types == 0, (real <= 0).all(-1))
    assert typing.types.unique().numel() > 2
    assert (typing.logits[..., 0] == 0).all()


def test_evaluation_gives_the_vector_of_the_type_and_none_for_type_0(typer: LatentTyper) -> None:
    typing = typer.eval()(torch.randn(4, 7, 8))
    assert torch.equal(typing.weights.argmax(-1), typing.types) and (typing.weights.sum(-1) == 1).all()
    for kind, vector in zip(typing.types.flatten(), typing.vectors.flatten(0, 1), strict=True):
        assert torch.equal(vector, typer.vars[kind - 1] if kind else torch.zeros(8))


@pytest.mark.parametrize("temperature", [0.5, 5.0])
def test_training_mixes_the_vectors_by_a_sample(typer: LatentTyper, temperature: float) -> None:
    states = torch.randn(2, 3, 8)
    noise = gumbel_noise(torch.empty(2, 3, 5))
    typing = typer.train()(states, temperature, noise=noise)
    logits = np.concatenate([np.zeros((2, 3, 1)), states.numpy() @ typer.weight_proj.detach().numpy().T], -1)
    exponent = np.exp((logits + noise.numpy()) / temperature)
    weights = exponent / exponent.sum(-1, keepdims=True)
    assert np.allclose(typing.weights.detach().numpy(), weights, atol=1e-6)
    table = np.concatenate([np.zeros((1, 8)), typer.vars.detach().numpy()])
    assert np.allclose(typing.vectors.detach().numpy(), weights @ table, atol=1e-6)


def test_straight_through_is_hard_forward_and_soft_backward(typer: LatentTyper) -> None:
    states, noise = torch.randn(2, 3, 8), gumbel_noise(torch.empty(2, 3, 5))
    soft = typer.train()(states, 1.0, "soft", noise)
    hard = typer(states, 1.0, "straight_through", noise)
    assert torch.allclose(hard.weights.detach(), torch.nn.functional.one_hot(soft.weights.argmax(-1), 5).float(), atol=1e-6)
    target = torch.randn(2, 3, 5)
    gradients = [torch.autograd.grad((t.weights * target).sum(), typer.weight_proj, retain_graph=True)[0] for t in (soft, hard)]
    assert torch.allclose(*gradients)


def test_gumbel_noise_has_its_mean_and_variance() -> None:
    torch.manual_seed(1)
    noise = gumbel_noise(torch.empty(200_000))
    assert float(noise.mean()) == pytest.approx(0.5772, abs=0.02)
    assert float(noise.var()) == pytest.approx(math.pi**2 / 6, abs=0.05)


def test_padding_does_not_count() -> None:
    logits = torch.randn(2, 4, 5)
    counted = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]])
    summed, count = summed_usage(logits, counted)
    expected = torch.cat([logits[0, :3], logits[1, :2]]).softmax(-1).sum(0)
    assert int(count) == 5 and torch.allclose(summed, expected)


def test_losses_of_hand() -> None:
    """Half of the probability on type 0 and a quarter on each of two others, of four types."""
    use = Usage(torch.tensor([0.5, 0.25, 0.25, 0.0]))
    entropy = 1.5 * math.log(2)
    assert float(sparsity_loss(use)) == pytest.approx(math.log(2))
    assert float(use.perplexity) == pytest.approx(math.exp(entropy), rel=1e-5)
    assert float(diversity_loss(use)) == pytest.approx(1 - math.exp(entropy) / 4, rel=1e-5)
    assert float(diversity_loss(use, "kl")) == pytest.approx(math.log(4) - entropy, rel=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_the_released_diversity_is_one_minus_the_exponential_of_the_negative_divergence(seed: int) -> None:
    torch.manual_seed(seed)
    use = Usage(torch.randn(64).mul(2).softmax(0))
    assert float(diversity_loss(use)) == pytest.approx(1 - math.exp(-float(diversity_loss(use, "kl"))), abs=1e-4)


def test_a_typer_needs_two_types() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        LatentTyper(8, types=1)
