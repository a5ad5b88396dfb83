"""A small knowledge graph with texts, checkpoints over it, and a second way to their vectors and ranks."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tiny_encoders import WORDS, make_tiny_bert
from torch import Tensor
from transformers import AutoModel, AutoTokenizer

from loreweave.checkpoints import knowledge_embedding as side_files
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.encoding.graph_texts import EntityTextConfig
from loreweave.models.knowledge_embedding import KnowledgeEmbeddingHead

SEEN, NEW = 12, 8
"""Entities of the training graph, entities of the inductive graph."""

SCORERS = {"wiki": "transe_l2", "rel": "transe_l1", "cond": "transe_l2", "contrastive": "distmult", "table": "rotate"}
MAX_LENGTH, RELATION_LENGTH = 16, 8


def make_small_graph(seed: int = 0) -> KnowledgeGraph:
    """Rows 0 to 11 in `train`, `valid`, `test`; 12 to 19 in `inductive_*`. Test has an entity that train lacks (row 11), and
    a relation that train lacks (row 2); entity 3 has a label alone, entity 4 an alias alone, 6 and 7 have one label.
    """
    random = np.random.default_rng(seed)
    words = [word for word in WORDS if word.isalpha()]

    def entity(row: int) -> GraphEntity:
        description = " ".join(random.choice(words, size=int(random.integers(3, 20))))
        label = f"{words[6 if row == 7 else row % 15]} {words[-1 - row // 15]}"
        if row == 4:
            return GraphEntity(f"Q{row}", aliases=(label,))
        return GraphEntity(f"Q{row}", label, "" if row == 3 else description)

    relations = [
        GraphRelation("P0", "lives in", "a place that the river is at"),
        GraphRelation("P1", "works at", "the bank"),
        GraphRelation("P2", "is", "he is a river"),
    ]

    def triples(low: int, high: int, count: int, relations: int) -> list[tuple[int, int, int]]:
        found: dict[tuple[int, int, int], None] = {}
        while len(found) < count:
            head, tail = (int(end) for end in random.integers(low, high, size=2))
            found[(head, int(random.integers(relations)), tail)] = None
        return list(found)

    seen = triples(0, SEEN - 1, 40, 2)
    new = triples(SEEN, SEEN + NEW, 24, 2)
    return KnowledgeGraph.from_parts(
        [entity(row) for row in range(SEEN + NEW)],
        relations,
        {
            "train": seen[:26],
            "valid": seen[26:32],
            "test": [*seen[32:], (11, 0, 2), (5, 2, 6)],
            "inductive_train": new[:14],
            "inductive_valid": new[14:18],
            "inductive_test": new[18:],
        },
    )


def make_checkpoint(folder: Path, graph: KnowledgeGraph, variant: str) -> Path:
    """A random encoder with a random head of a variant, or (`table`) a table of entities alone."""
    folder.mkdir()
    tabled = variant == "table"
    if not tabled:
        make_tiny_bert(folder)
    torch.manual_seed(1)
    relations = 0 if variant in ("rel", "contrastive") else graph.num_relations
    size, entities = (8, graph.num_entities) if tabled else (32, 0)
    maps = variant == "contrastive"
    head = KnowledgeEmbeddingHead(SCORERS[variant], size, relations, gamma=4.0, num_entities=entities, question_map=maps)
    if head.question_map is not None:
        torch.nn.init.normal_(head.question_map.weight, std=0.3)
        torch.nn.init.normal_(head.question_map.bias, std=0.3)
    side_files.save(
        folder,
        head,
        graph,
        variant="wiki" if tabled else variant,  # type: ignore[arg-type]  # one of the names
        pooling="mean" if variant == "contrastive" else "first",
        text=EntityTextConfig(max_length=MAX_LENGTH, relation_max_length=RELATION_LENGTH),
        normalize=variant == "contrastive",
    )
    return folder


class Oracle:
    """Vectors and scores by the plain tokenizer and model of transformers, one text at a time, and formulas written out.

    Variant `rel` of a folder without a head is the baseline of untrained encoders.
    """

    relation_length = RELATION_LENGTH

    def __init__(self, folder: Path, graph: KnowledgeGraph, variant: str) -> None:
        self.graph, self.variant = graph, variant
        if side_files.names(folder):
            self.head = side_files.load_head(folder)
        if variant != "table":
            self.tokenizer = AutoTokenizer.from_pretrained(folder)
            self.encoder = AutoModel.from_pretrained(folder).eval()

    @torch.no_grad()
    def vector(self, *texts: str, max_length: int = MAX_LENGTH) -> Tensor:
        inputs = self.tokenizer(*texts, truncation="only_first", max_length=max_length, return_tensors="pt")
        states: Tensor = self.encoder(**inputs).last_hidden_state[0]
        if self.variant != "contrastive":
            return states[0]
        mean = states.mean(0)
        return mean / mean.norm()

    def text(self, row: int) -> str:
        entity = self.graph.entities[row]
        return entity.description or entity.label or entity.aliases[0]

    def cut(self, text: str) -> str:
        """What a pair keeps of a relation's text: as many tokens as it has room for when it stands alone."""
        return str(self.tokenizer.decode(self.tokenizer(text, add_special_tokens=False)["input_ids"][: RELATION_LENGTH - 2]))

    def entity(self, row: int) -> Tensor:
        if self.variant == "table":
            return self.head.entity_embeddings.weight[row].detach()  # type: ignore[union-attr]  # it has a table
        return self.vector(self.text(row))

    @cached_property
    def entities(self) -> Tensor:
        return torch.stack([self.entity(row) for row in range(self.graph.num_entities)]).double()

    def relation(self, row: int) -> Tensor:
        if self.variant == "rel":
            return self.vector(self.graph.relations[row].description, max_length=self.relation_length)
        return self.head.relation_embeddings.weight[row].detach()  # type: ignore[union-attr]  # it has a table

    def scores(self, side: str, entity: int, relation: int) -> np.ndarray:
        """Score of every entity as the answer to (entity, relation, ?) or (?, relation, entity). [entities] float64"""
        entities = self.entities
        text = self.graph.relations[relation].description
        if self.variant == "contrastive":
            asked = self.vector(self.text(entity), self.cut(text if side == "tail" else f"inverse {text}"))
            mapping = self.head.question_map
            assert mapping is not None
            mapped = (mapping.weight @ asked + mapping.bias).detach().double()
            return (entities @ (mapped / mapped.norm())).numpy()
        asked = self.vector(self.text(entity), self.cut(text)) if self.variant == "cond" else self.entity(entity)
        return self._formula(side, asked.double(), self.relation(relation).double(), entities).numpy()

    def _formula(self, side: str, asked: Tensor, relation: Tensor, entities: Tensor) -> Tensor:
        head, tail = (asked, entities) if side == "tail" else (entities, asked)
        if self.variant == "table":  # RotatE
            turned = torch.view_as_complex(head.reshape(*head.shape[:-1], -1, 2)) * torch.polar(
                torch.ones_like(relation), relation
            )
            return -(turned - torch.view_as_complex(tail.reshape(*tail.shape[:-1], -1, 2).contiguous())).abs().sum(-1)
        difference = head + relation - tail
        return -difference.abs().sum(-1) if self.variant == "rel" else -difference.pow(2).sum(-1).sqrt()

    def ranks(self, side: str, triple: Any, candidates: np.ndarray, known: set[tuple[int, int, int]]) -> tuple[int, int]:
        """Candidates that are better than the true answer, and how many compete, by going through them."""
        head, relation, tail = (int(part) for part in triple)
        asked, gold = (head, tail) if side == "tail" else (tail, head)
        scores = self.scores(side, asked, relation)

        def is_known(row: int) -> bool:
            return ((asked, relation, row) if side == "tail" else (row, relation, asked)) in known

        competing = [int(row) for row in candidates if row == gold or not is_known(int(row))]
        return sum(scores[row] > scores[gold] + 1e-9 for row in competing if row != gold), len(competing)
