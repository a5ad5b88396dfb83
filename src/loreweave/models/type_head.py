"""Head that types mentions: a linear map of a mention's state, compared with a vector of each type's name."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class TypeHead(nn.Module):
    """Scores types by the cosine of a mapped mention state and the vector of the type's name.

    The vectors of names are fixed. The class "no entity" has a learned vector, because it has no name.

    Args:
        names: vectors of the names of the types [types, hidden].
        temperature: the cosine is divided by it.
        no_entity: whether there is a class "no entity", which comes after the types.
    """

    names: Tensor

    def __init__(self, names: Tensor, temperature: float, no_entity: bool = False) -> None:
        super().__init__()
        hidden = names.shape[1]
        self.temperature = temperature
        self.map = nn.Linear(hidden, hidden)
        nn.init.eye_(self.map.weight)
        nn.init.zeros_(self.map.bias)
        self.register_buffer("names", functional.normalize(names.float(), dim=-1))
        self.no_entity = nn.Parameter(self.names.mean(0, keepdim=True).clone()) if no_entity else None

    def forward(self, states: Tensor) -> Tensor:
        """Logits of mention states [mentions, hidden] in float32. [mentions, types (+ 1)]"""
        with torch.autocast(states.device.type, enabled=False):  # half precision cannot distinguish close names
            mapped = functional.normalize(self.map(states.float()), dim=-1)
            table = self.names
            if self.no_entity is not None:
                table = torch.cat([table, functional.normalize(self.no_entity, dim=-1)])
            return mapped @ table.T / self.temperature


def pooled(states: Tensor, mentions: Tensor, count: int) -> Tensor:
    """Mean of the states of each mention's sub-words. [mentions, hidden] in float32

    Args:
        states: states of the sub-words of all mentions [sub-words, hidden].
        mentions: number of the mention of each sub-word [sub-words].
        count: number of mentions; each has one or more sub-words.
    """
    sums = torch.zeros(count, states.shape[1], dtype=torch.float32, device=states.device)
    sums = sums.index_add(0, mentions, states.float())
    return sums / torch.bincount(mentions, minlength=count)[:, None]
