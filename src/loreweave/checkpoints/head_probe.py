"""Checks that the heads stored next to an encoder have the same outputs after a conversion, by the rule of `probe`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from loreweave.checkpoints.knowledge_embedding import Description
from loreweave.checkpoints.probe import differences
from loreweave.models.knowledge_embedding import KnowledgeEmbeddingHead
from loreweave.models.sparse_typing import SparseTypingHead, SparseTypingModel

_LONGEST = 64


@torch.no_grad()
def typed_outputs(model: PreTrainedModel, head: SparseTypingHead, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Scores of the types of words [batch, words, types + 1], and of the reconstructed words [batch, words, vocabulary]."""
    encoder: Any = model.base_model
    typing_model = SparseTypingModel(encoder, head).eval()
    words, mask = (batch[name][:, :_LONGEST] for name in ("input_ids", "attention_mask"))
    states, typing = typing_model(words, mask)
    rebuilt = head.decode(encoder, words, mask, typing_model.memory(states, typing, mask))
    return {"scores of latent types": typing.logits, "rebuilt words": head.logits(encoder, rebuilt)}


@torch.no_grad()
def knowledge_outputs(head: KnowledgeEmbeddingHead) -> dict[str, Tensor]:
    """Scores of a triple of fixed vectors with each relation of the table, or with one more vector if there is none."""
    generator = torch.Generator().manual_seed(0)
    first, last = torch.randn(2, head.size, generator=generator)
    if head.relation_embeddings is None:
        relations = torch.randn(1, head.scorer.relation_size(head.size), generator=generator)
    else:
        relations = head.relation_embeddings.weight
    return {"scores": head.score(first, relations, last)}


def unlike_heads(wanted: Mapping[str, KnowledgeEmbeddingHead], found: Mapping[str, KnowledgeEmbeddingHead]) -> list[str]:
    """Differences of heads over a graph from those of the same names in `wanted`."""
    said = []
    for name, head in wanted.items():
        if name not in found:
            said.append(f"no head {name}")
        else:
            off = differences(knowledge_outputs(head), knowledge_outputs(found[name]))
            said += [f"head {name}: {line}" for line in off]
    return said


def unlike_readings(name: str, wanted: Description, found: Mapping[str, object]) -> list[str]:
    """Differences in a head's input: settings that the target cannot store.

    Args:
        name: name of the head.
        wanted: content of its side file.
        found: behaviour of the target, by the names of `Description`.
    """
    return [
        f"head {name}: {setting} {getattr(wanted, setting)}, the target has {value}"
        for setting, value in found.items()
        if getattr(wanted, setting) != value
    ]
