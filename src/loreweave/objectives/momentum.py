"""Momentum encoding of entities: a copy of the encoder that moves slowly, its newest vector of every entity, and a queue of
entities whose vectors are candidates (MoCoKGC: Li et al. 2024, after MoCo: He et al. 2020).

As in MoCoKGC, the queue holds distinct entities, and a question is compared with their newest vectors, not with those from
the time when they joined the queue. The state is part of a run's checkpoints and not of the model:

    encoder   as many numbers as the encoder has parameters (without a pooler and a LUKE's entity table)
    vectors   entities of the graph x hidden size, in float32: 22 MB for FB15k-237 and 63 MB for WN18RR at size 384,
              14 GB for Wikidata5M at size 768
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from loreweave.models.knowledge_embedding import Pooling
from loreweave.objectives.base import Tensors
from loreweave.objectives.graph_batches import encode_texts

_LEFT_OUT = ("pooler.", "entity_embeddings.entity_embeddings.")
"""Parameters without a copy. Texts need at most one row of a LUKE's entity table, `[MASK]`, which is then that in training."""


class MomentumMemory(nn.Module):
    """The momentum encoder, its vector of every entity that was read, and the queue.

    Nothing in it has a gradient. All processes compute the same content.

    Args:
        encoder: the encoder in training; the momentum encoder starts as its copy.
        num_entities: number of entities of the graph.
        size: width d of the vectors.
        queue_size: maximum number of entities in the queue.
        momentum: share of the momentum encoder that an update keeps.
    """

    queue: Tensor
    update: Tensor

    def __init__(self, encoder: nn.Module, num_entities: int, size: int, queue_size: int, momentum: float) -> None:
        super().__init__()
        self.momentum = momentum
        flat = torch.cat([parameter.detach().reshape(-1) for _, parameter in _followed(encoder)])
        self.encoder = nn.Parameter(flat, requires_grad=False)
        self.vectors = nn.Parameter(torch.zeros(num_entities, size), requires_grad=False)
        """[entities, d], zeros for an entity that was not read yet."""
        self.register_buffer("queue", torch.full((min(queue_size, num_entities),), -1, dtype=torch.long))
        """Distinct entities, the newest first, then -1 for empty places."""
        self.register_buffer("update", torch.zeros((), dtype=torch.long))
        """Number of the update that the momentum encoder has followed."""

    @torch.no_grad()
    def follow(self, encoder: nn.Module, update: Tensor) -> None:
        """Move towards the encoder: momentum x own + (1 - momentum) x encoder, once for each update of the run.

        Args:
            encoder: the encoder in training, after `update` updates.
            update: []
        """
        share = torch.where(update == self.update, 0.0, 1.0 - self.momentum)
        for name, own in self._weights(encoder):
            own.lerp_(encoder.get_parameter(name).to(own.dtype), share.to(own.dtype))
        self.update.copy_(update)

    @torch.no_grad()
    def read(self, encoder: nn.Module, batch: Tensors, pooling: Pooling, mask_entity_id: int | None) -> Tensor:
        """Normalised vectors of texts (see `encode_texts`) by the momentum encoder, without dropout. [texts, d]"""
        reading, training = _Reading(encoder, pooling, mask_entity_id), encoder.training
        encoder.eval()
        try:
            weights = {f"encoder.{name}": own for name, own in self._weights(encoder)}
            vectors = functional_call(reading, weights, (batch,))
        finally:
            encoder.train(training)
        return functional.normalize(vectors, dim=-1)

    @torch.no_grad()
    def store(self, vectors: Tensor, entities: Tensor) -> None:
        """Replace the vectors of entities, and move these to the front of the queue; the oldest leave it.

        Args:
            vectors: [n, d]
            entities: their rows, also repeated. [n]
        """
        ascending, order = torch.sort(entities, stable=True)
        is_first = functional.pad(ascending[1:] != ascending[:-1], (1, 0), value=True)
        distinct = ascending[is_first]
        self.vectors[distinct] = vectors[order[is_first]].to(self.vectors.dtype)
        others = self.queue[~torch.isin(self.queue, distinct)]
        self.queue.copy_(torch.cat([distinct, others])[: len(self.queue)])

    def _weights(self, encoder: nn.Module) -> Iterator[tuple[str, Tensor]]:
        """Own parameters as views of `self.encoder`, by the names that they have in the encoder."""
        start, flat = 0, self.encoder.detach()
        for name, parameter in _followed(encoder):
            yield name, flat[start : start + parameter.numel()].view_as(parameter)
            start += parameter.numel()


class _Reading(nn.Module):
    """Encodes texts, as a module whose parameters can be exchanged for a call."""

    def __init__(self, encoder: nn.Module, pooling: Pooling, mask_entity_id: int | None) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling: Pooling = pooling
        self.mask_entity_id = mask_entity_id

    def forward(self, batch: Tensors) -> Tensor:
        return encode_texts(self.encoder, batch, self.pooling, self.mask_entity_id)


def _followed(encoder: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    return ((name, parameter) for name, parameter in encoder.named_parameters() if not name.startswith(_LEFT_OUT))
