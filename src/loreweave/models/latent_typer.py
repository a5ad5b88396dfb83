"""The Gumbel latent typer of Sparse Latent Typing (Ren et al. 2022)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

Selection = Literal["soft", "straight_through"]
Diversity = Literal["exponential", "kl"]


class Typing(NamedTuple):
    """Output of the typer for each token. Type 0 is "not selected".

    Attributes:
        logits: scores of the types; that of type 0 is always 0. [batch, words, types], float32
        weights: weights of the types: one-hot in evaluation, a sample in training. [batch, words, types]
        vectors: weighted sum of the types' vectors; that of type 0 is the zero vector. [batch, words, hidden]
    """

    logits: Tensor
    weights: Tensor
    vectors: Tensor

    @property
    def types(self) -> Tensor:
        """Type of each token: the first of the largest logits. [batch, words]"""
        return self.logits.argmax(-1)

    @property
    def chosen(self) -> Tensor:
        """Type with the largest weight: `types` in evaluation, the sampled type in training. [batch, words]"""
        return self.weights.argmax(-1)


def check_number_of_types(types: int) -> None:
    """Raise a `ValueError` if there is no type besides "not selected"."""
    if types < 2:
        raise ValueError(f"types: found {types}, expected at least 2: 'not selected' and one other type")


class LatentTyper(nn.Module):
    """Assigns each token one of `types` latent types, of which type 0 means that the token is not selected.

    The logit and the vector of type 0 are zero by definition and have no parameters: a token is selected if the logit of
    another type is above 0.

    Args:
        hidden_size: width of the encoder's states.
        types: number of types, including type 0 (64 in the paper).
    """

    def __init__(self, hidden_size: int, types: int = 64) -> None:
        super().__init__()
        check_number_of_types(types)
        self.weight_proj = nn.Parameter(torch.empty(types - 1, hidden_size))
        self.vars = nn.Parameter(torch.empty(types - 1, hidden_size))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Initial values of the released code: Kaiming-uniform with gain 1, and vectors in [-0.5, 0.5)."""
        limit = math.sqrt(3 / self.weight_proj.shape[1])
        self.weight_proj.uniform_(-limit, limit)
        self.vars.uniform_(-0.5, 0.5)

    @property
    def types(self) -> int:
        """Number of types, including type 0."""
        return len(self.vars) + 1

    def logits(self, states: Tensor) -> Tensor:
        """[..., hidden] -> [..., types] in float32, with 0 for type 0."""
        with torch.autocast(states.device.type, enabled=False):
            real = states.float() @ self.weight_proj.float().T
        return torch.nn.functional.pad(real, (1, 0))

    def forward(
        self,
        states: Tensor,
        temperature: Tensor | float = 1.0,
        selection: Selection = "soft",
        noise: Tensor | None = None,
    ) -> Typing:
        """Type the tokens of `states` [batch, words, hidden].

        In training the weights are a Gumbel-softmax sample at `temperature`: the soft mixture itself (the released code), or
        its largest element with the mixture's gradient (`straight_through`). In evaluation they are the one-hot of the
        largest logit.

        Args:
            noise: Gumbel noise in the logits' shape. Default: a new draw.
        """
        logits = self.logits(states)
        with torch.autocast(states.device.type, enabled=False):
            if not self.training:
                types = logits.argmax(-1)
                weights = nn.functional.one_hot(types, self.types).to(logits.dtype)
                vectors = nn.functional.embedding(types, nn.functional.pad(self.vars, (0, 0, 1, 0)))
                return Typing(logits, weights, vectors.to(states.dtype))
            noise = gumbel_noise(logits) if noise is None else noise
            weights = torch.softmax((logits + noise) / temperature, dim=-1)
            if selection == "straight_through":
                hard = nn.functional.one_hot(weights.argmax(-1), self.types).to(weights.dtype)
                weights = hard - weights.detach() + weights
            vectors = weights[..., 1:] @ self.vars.float()
        return Typing(logits, weights, vectors.to(states.dtype))


def gumbel_noise(like: Tensor) -> Tensor:
    """Independent draws of the standard Gumbel distribution, in the shape of `like`."""
    return -torch.empty_like(like).exponential_().log()


@dataclass(frozen=True)
class Usage:
    """Soft usage of the types by the tokens of a batch.

    Attributes:
        mean: mean softmax probability of each type (temperature 1, no noise). [types]
    """

    mean: Tensor

    @property
    def unselected(self) -> Tensor:
        """Mean probability of type 0. []"""
        return self.mean[0]

    @property
    def entropy(self) -> Tensor:
        """Entropy of the mean, with the released code's 1e-7 in the logarithm. []"""
        return -(self.mean * (self.mean + 1e-7).log()).sum()

    @property
    def perplexity(self) -> Tensor:
        """Soft number of types in use. []"""
        return self.entropy.exp()


def summed_usage(logits: Tensor, counted: Tensor) -> tuple[Tensor, Tensor]:
    """Sum of the softmax probabilities over counted tokens [types], and the number of these tokens [].

    Sums rather than the mean of `Usage`, so that several processes can add theirs.

    Args:
        logits: [batch, words, types].
        counted: 1 where a token counts. [batch, words]
    """
    kept = counted.to(logits.dtype)
    return (logits.softmax(-1) * kept.unsqueeze(-1)).sum((0, 1)), kept.sum()


def sparsity_loss(use: Usage) -> Tensor:
    """-log of the mean probability of type 0 (Ren et al. 2022, section 3). []"""
    return -(use.unselected + torch.finfo(torch.float32).tiny).log()


def diversity_loss(use: Usage, form: Diversity = "exponential") -> Tensor:
    """Distance from even usage of the types: 1 - perplexity / types (the released code), or the KL divergence. []"""
    types = len(use.mean)
    return math.log(types) - use.entropy if form == "kl" else 1 - use.perplexity / types
