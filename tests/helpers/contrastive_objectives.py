"""Contrastive objectives made from a test's settings: what makes them, the lengths of their texts, their heads."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from loreweave.encoding.graph_texts import EntityTextConfig
from loreweave.objectives import ContrastiveKnowledge
from loreweave.objectives.contrastive_knowledge import ContrastiveHead

Make = Callable[..., ContrastiveKnowledge]
TEXT = EntityTextConfig(max_length=64, relation_max_length=64)


def head_of(objective: ContrastiveKnowledge, encoder: nn.Module) -> ContrastiveHead:
    """Not in training: the queue stays as it is."""
    head = objective.head(encoder)  # type: ignore[arg-type]  # reads config.hidden_size alone
    assert isinstance(head, ContrastiveHead)
    return head.double().eval()
