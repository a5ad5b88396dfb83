"""A graph's texts as vectors, by transformers alone: a second way to what the objectives over a graph read."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph


@dataclass
class Reader:
    """Vectors by the plain tokenizer and model of transformers: one text at a time, nothing padded."""

    graph: KnowledgeGraph
    tokenizer: PreTrainedTokenizerFast
    encoder: nn.Module
    pooling: str = "first"

    def __call__(self, *texts: str) -> Tensor:
        states: Tensor = self.encoder(**self.tokenizer(*texts, return_tensors="pt")).last_hidden_state[0]
        return states[0] if self.pooling == "first" else states.mean(0)

    def text(self, row: int) -> str:
        entity = self.graph.entities[row]
        return entity.description or entity.label or entity.aliases[0]

    def relation_text(self, row: int) -> str:
        return self.graph.relations[row].description

    def entity(self, row: int) -> Tensor:
        return self(self.text(row))

    def pair(self, row: int, relation: int, inverse: bool = False) -> Tensor:
        return self(self.text(row), ("inverse " if inverse else "") + self.relation_text(relation))
