"""Two triples with one head and one relation, in vectors of two numbers: contrastive losses that can be written by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph


class Lookup(nn.Module):
    """Stands for an encoder: the state of token i is row i of a table."""

    def __init__(self, rows: list[list[float]]) -> None:
        super().__init__()
        self.config = SimpleNamespace(hidden_size=2)
        self.rows = nn.Parameter(torch.tensor(rows))

    @property
    def base_model(self) -> Lookup:
        return self

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=self.rows[input_ids])


def two_tails_graph() -> KnowledgeGraph:
    """(A, r, B) and (A, r, C), two answers to one question."""
    entities = [GraphEntity(name, label=name) for name in "ABC"]
    return KnowledgeGraph.from_parts(entities, [GraphRelation("r", "is")], {"train": [[0, 0, 1], [0, 0, 2]]})


def two_tails_batch() -> dict[str, Tensor]:
    """Texts of one token: A, B, C, then the questions (A, r, ?), (?, r, B), (?, r, C)."""
    numbers: dict[str, Any] = {
        "input_ids_0": [[0], [1], [2], [3], [4], [5]],
        "attention_mask_0": [[1]] * 6,
        "candidates": [0, 1, 2],
        "candidate_entities": [0, 1, 2],
        "questions": [3, 3, 4, 5],
        "question_entities": [0, 0, 1, 2],
        "question_relations": [0, 0, 0, 0],
        "asks_tail": [True, True, False, False],
        "labels": [1, 2, 0, 0],
    }
    return {key: torch.tensor(value) for key, value in numbers.items()}


def two_tails_encoder() -> Lookup:
    """Vectors of any length: A (1, 0), B (0, 1), C (-1, 0); the questions (0, 1), (1, 0), (0.6, 0.8)."""
    return Lookup([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0], [0.0, 7.0], [1.0, 0.0], [3.0, 4.0]])


def loss(right: float, *others: float) -> float:
    return math.log(sum(math.exp(logit) for logit in (right, *others))) - right


BACKWARD = [  # the other answer's question is masked: A is an answer to both inverse questions, B and C to the first
    loss(1.8, 0.0, 1.6),
    loss(-0.2, -2.0, -1.2),
    loss(1.8, 0.0, 0.0),
    loss(1.0, 0.0, 0.0),
]
