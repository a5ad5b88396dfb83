"""Knowledge embedding: true triples score above corrupted ones; entities are encoded from texts (KEPLER) or in a table.

The table may be a LUKE's own entity embeddings, so that masked entities and the graph train the same rows.

Variants (Wang et al. 2021, section 3): `wiki` encodes entities from descriptions and has a table of relations;
`rel` also encodes relations from their descriptions; `cond` encodes the given entity together with the relation's
description. KEPLER-OnlyDesc and -KE are `wiki` with other word streams, or none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from loreweave.checkpoints import knowledge_embedding as side_files
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.corpus.knowledge.vocabulary_rows import ids_of_graph
from loreweave.errors import ConfigurationError
from loreweave.models.knowledge_embedding import KnowledgeEmbeddingHead
from loreweave.models.knowledge_scorers import exact, similarity_matrix
from loreweave.models.luke.encoder import LukeModel
from loreweave.objectives.base import ObjectiveLoss, RunContext, Tensors
from loreweave.objectives.graph_batches import TextPool, encode_texts
from loreweave.objectives.graph_objective import GraphObjective, GraphObjectiveConfig
from loreweave.objectives.triples import HEAD, RELATION, TAIL, TripleBatch, corrupt
from loreweave.training.settings.ranges import POSITIVE, Ranges, at_least


@dataclass(kw_only=True)
class KnowledgeEmbeddingConfig(GraphObjectiveConfig):
    """Settings of the knowledge-embedding objective; the defaults are those of KEPLER's released code."""

    RANGES: ClassVar[Ranges] = {
        ("negatives", "table_size"): at_least(1),
        ("gamma", "l3"): at_least(0),
        ("self_adversarial_temperature",): POSITIVE,
    }

    weight: float = 0.5
    """Factor of the loss in the sum of all losses. The released code halves the loss; the weight of the paper is 1."""
    variant: Literal["wiki", "rel", "cond"] = "wiki"
    """Texts that are read (KEPLER's variants). `wiki`: those of entities. `rel`: those of relations too. `cond`: the text of an
    entity in a question is read together with that of the relation."""
    entities: Literal["text", "table", "vocabulary"] = "text"
    """Vectors of entities. `text`: from their texts (KEPLER). `table`: from a table of the objective. `vocabulary`: the entity
    embeddings of the LUKE, which `masked_entities` trains too; its vocabulary must have every entity of the graph
    (`loreweave build graph --within-vocabulary`)."""
    scorer: str = "transe_l2"
    """Function that scores a triple. `transe_l2` is that of the released code; the paper has `transe_l1`."""
    gamma: float = 4.0
    """Margin of scorers that compute a distance: the score is gamma - distance."""
    loss: Literal["log_sigmoid", "cross_entropy"] = "log_sigmoid"
    """Loss of a triple. `log_sigmoid`: each score is classified as true or corrupted (KEPLER, RotatE). `cross_entropy`: the
    true entity is classified among the corrupted ones, for heads and for tails."""
    negatives: int = 1
    """Number of corrupted heads per triple. There are as many corrupted tails."""
    negatives_from: Literal["graph", "batch", "all"] = "graph"
    """`graph`: corrupted triples get random entities of the graph (KEPLER). `batch`: random entities of the micro-batch, whose
    texts are encoded anyway. `all`: every entity is a negative, also other true answers (Lacroix et al. 2018); this needs
    `entities: table` or `vocabulary`, and `loss: cross_entropy`."""
    self_adversarial_temperature: float | None = None
    """Corrupted triples are weighted by the softmax of their scores times this number (RotatE). Null: they have equal weights
    (KEPLER)."""
    table_size: int = 512
    """Width of the vectors with `entities: table`. Vectors from texts are as wide as the encoder."""
    l3: float = 0.0
    """Weight of the cubed L3 norm of the vectors of each triple, for bilinear tables. Of a complex number, the real and the
    imaginary part count separately (Lacroix et al. 2018 take its modulus)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.negatives_from == "all" and (self.entities == "text" or self.loss != "cross_entropy"):
            raise ValueError("negatives_from: all needs entities: table or vocabulary, and loss: cross_entropy")
        if self.self_adversarial_temperature is not None and self.loss != "log_sigmoid":
            raise ValueError("self_adversarial_temperature: weighs corruptions of log_sigmoid, expected null for cross_entropy")
        if self.entities != "text" and self.variant != "wiki":
            raise ValueError(f"variant: {self.variant} reads texts, expected wiki with entities: {self.entities}")


class KnowledgeEmbedding(GraphObjective):
    """The loss of KEPLER: true triples against triples with random entities. Every distinct text of a batch is encoded once."""

    name: ClassVar[str] = "knowledge_embedding"

    settings = KnowledgeEmbeddingConfig
    config: KnowledgeEmbeddingConfig

    def __init__(self, config: KnowledgeEmbeddingConfig, context: RunContext) -> None:
        reads_relations = config.variant in ("rel", "cond")
        super().__init__(config, context, reads_entities=config.entities == "text", reads_relations=reads_relations)
        self.seed = context.seed
        self.entity_ids = _ids_in_vocabulary(self.graph, config, context) if config.entities == "vocabulary" else None

    def batch(self, item: int) -> Tensors:
        """Triples as numbers of encoded texts (or rows of the table), their corruptions, and the texts."""
        drawn = self.sampler[item]
        triples = drawn.triples
        arrays = {"labels": triples[:, RELATION]} | self._negatives(drawn)
        arrays |= {"heads": triples[:, HEAD], "tails": triples[:, TAIL]}
        tensors: Tensors = {}
        if self.texts is not None:
            tensors, arrays = self._with_texts(TextPool(self.texts), arrays)
        return tensors | {key: torch.from_numpy(np.ascontiguousarray(a)) for key, a in arrays.items()}

    def _negatives(self, drawn: TripleBatch) -> dict[str, np.ndarray]:
        if self.config.negatives_from == "all":
            return {}
        ends = np.unique(drawn.triples[:, [HEAD, TAIL]])
        pool = ends if self.config.negatives_from == "batch" else self.graph.num_entities
        return corrupt(drawn, pool, self.config.negatives, self.true, self.seed)._asdict()

    def _with_texts(self, pool: TextPool, arrays: dict[str, np.ndarray]) -> tuple[Tensors, dict[str, np.ndarray]]:
        """Encoded texts instead of rows; `asking_*` are the texts of the given sides."""
        relations, config = arrays["labels"], self.config
        roles = ["heads", "tails", "corrupted_heads", "corrupted_tails"]
        numbers = dict(_split(pool.add("entity", _join(arrays, roles)), arrays, roles))
        if config.variant == "cond":
            asking = pool.add("conditioned", np.concatenate([arrays["heads"], arrays["tails"]]), np.tile(relations, 2))
            numbers |= dict(zip(("asking_heads", "asking_tails"), np.split(asking, 2), strict=True))
        if config.variant == "rel":
            numbers["relations"] = pool.add("relation", relations)
        tensors, places = pool.collate()
        return tensors, arrays | {role: places[found] for role, found in numbers.items()}

    def head(self, model: PreTrainedModel | None) -> nn.Module:
        """Relation table and scorer, and an entity table if `entities` is `table`."""
        config = self.config
        tabled = config.entities == "table"
        if not tabled and model is None:
            raise ConfigurationError(f"entities: {config.entities} needs a model")
        size = config.table_size if model is None or tabled else model.config.hidden_size
        torch.manual_seed(self.seed)
        return KnowledgeEmbeddingHead(
            config.scorer,
            size,
            0 if config.variant == "rel" else self.graph.num_relations,
            config.gamma,
            self.graph.num_entities if tabled else 0,
        )

    def loss(self, encoder: nn.Module | None, head: nn.Module, batch: Tensors) -> ObjectiveLoss:
        """Loss over true and corrupted triples (Wang et al. 2021); a triple above all its corruptions is correct."""
        assert isinstance(head, KnowledgeEmbeddingHead)
        vectors = self._vectors(encoder, head, batch)
        if self.config.negatives_from == "all":
            everything = torch.arange(self.graph.num_entities, device=vectors["heads"].device)
            return self._against_all(head, self._rows(encoder, head, everything), vectors, batch)
        h, t, r = vectors["heads"], vectors["tails"], vectors["relations"]
        asking_h, asking_t = vectors.get("asking_heads", h), vectors.get("asking_tails", t)
        positive = (head.score(asking_h, r, t) + head.score(h, r, asking_t)) / 2  # [triples]
        false_heads = head.score(vectors["corrupted_heads"], r[:, None], asking_t[:, None])  # [triples, negatives]
        false_tails = head.score(asking_h[:, None], r[:, None], vectors["corrupted_tails"])
        sides = ((false_heads, batch["head_is_false"]), (false_tails, batch["tail_is_false"]))
        if self.config.loss == "log_sigmoid":
            total = self._log_sigmoid(positive, *(torch.cat(parts, dim=1) for parts in zip(*sides, strict=True)))
        else:
            total = sum((_true_first(positive, scores, kept) for scores, kept in sides), torch.zeros_like(positive)) / 2
        with torch.no_grad():
            highest = torch.cat([scores.masked_fill(~kept, -torch.inf) for scores, kept in sides], dim=1).amax(1)
        return ObjectiveLoss((total + self._regularizer(h, r, t)).sum(), (positive > highest).sum())

    def _vectors(self, encoder: nn.Module | None, head: KnowledgeEmbeddingHead, batch: Tensors) -> dict[str, Tensor]:
        """Vectors of all roles: [triples, d], corrupted [triples, negatives, d]."""
        roles = ("heads", "tails", "corrupted_heads", "corrupted_tails", "asking_heads", "asking_tails", "relations")
        numbers = {role: batch[role] for role in roles if role in batch}
        if self.texts is None:
            vectors = {role: self._rows(encoder, head, found) for role, found in numbers.items()}
        else:
            assert encoder is not None
            encoded = encode_texts(encoder, batch, self.config.pooling, self.mask_entity_id)
            vectors = {role: encoded[found] for role, found in numbers.items()}
        if "relations" not in vectors:
            vectors["relations"] = head.relation_vectors(batch["labels"])
        return vectors

    def _rows(self, encoder: nn.Module | None, head: KnowledgeEmbeddingHead, entities: Tensor) -> Tensor:
        """Vectors of entities [...] that are not encoded from texts. [..., d]"""
        if self.entity_ids is None:
            return head.entity_vectors(entities)
        assert isinstance(encoder, LukeModel)
        return exact(encoder.entity_embeddings.vectors(self.entity_ids.to(entities.device)[entities]))

    def _log_sigmoid(self, positive: Tensor, negative: Tensor, kept: Tensor) -> Tensor:
        """-log s(positive) - weighted mean of log s(-negative), over the corruptions that are false. [triples]"""
        temperature = self.config.self_adversarial_temperature
        weights = torch.zeros_like(negative) if temperature is None else negative.detach() * temperature
        weights = weights.masked_fill(~kept, -torch.inf).softmax(1).nan_to_num(0.0)  # [triples, 2 * negatives]
        return -functional.logsigmoid(positive) - (weights * functional.logsigmoid(-negative)).sum(1)

    def _against_all(
        self, head: KnowledgeEmbeddingHead, table: Tensor, vectors: Mapping[str, Tensor], batch: Tensors
    ) -> ObjectiveLoss:
        """Cross-entropy of the true entity against the whole table [entities, d], both sides."""
        h, t, r = vectors["heads"], vectors["tails"], vectors["relations"]
        kind = head.scorer.similarity
        total, correct = self._regularizer(h, r, t).sum(), torch.zeros((), dtype=torch.long, device=h.device)
        for query, gold in ((head.scorer.tail_query(h, r), "tails"), (head.scorer.head_query(r, t), "heads")):
            scores = similarity_matrix(kind, query, table)  # [triples, entities]
            labels = batch[gold]
            total = total + functional.cross_entropy(scores, labels, reduction="sum") / 2
            correct = correct + (scores.argmax(1) == labels).sum()
        return ObjectiveLoss(total, correct / 2)

    def _regularizer(self, *vectors: Tensor) -> Tensor:
        """The cubed L3 norms of a triple's vectors, weighted. [triples]"""
        norms = torch.zeros(len(vectors[0]), device=vectors[0].device)
        for vector in vectors if self.config.l3 else ():
            norms = norms + vector.abs().pow(3).sum(-1)
        return self.config.l3 * norms

    def longest_text(self) -> int:
        """Maximum number of tokens of an entity, and of relations if they are encoded; 0 if entities are in a table."""
        variant = self.config.variant
        return 0 if self.texts is None else self.texts.longest(relations=variant == "rel", pairs=variant == "cond")

    def save(self, encoder: nn.Module | None, head: nn.Module, folder: Path) -> None:
        """Save side files next to the encoder's, from which link prediction reads the head and the settings of texts.

        Entities of the LUKE's vocabulary are written as a table of their current vectors, for ranking.
        """
        assert isinstance(head, KnowledgeEmbeddingHead)
        config = self.config
        if self.entity_ids is not None:
            with torch.no_grad():
                rows = torch.arange(self.graph.num_entities, device=next(head.parameters()).device)
                head = _with_entity_table(head, self._rows(encoder, head, rows))
        side_files.save(
            folder, head, self.graph, name=self.name, variant=config.variant, pooling=config.pooling, text=config.text,
            mask_entity_id=self.mask_entity_id,
        )  # fmt: skip


class SecondKnowledgeEmbedding(KnowledgeEmbedding):
    """`knowledge_embedding` on a second graph, with its own head (KEPLER-W+W)."""

    name: ClassVar[str] = "second_knowledge_embedding"


def _ids_in_vocabulary(graph: KnowledgeGraph, config: KnowledgeEmbeddingConfig, context: RunContext) -> Tensor:
    """The LUKE's id of every entity of the graph. [entities]

    Raises:
        ConfigurationError: the run has no entity vocabulary, or it lacks entities of the graph.
    """
    if context.entities is None:
        raise ConfigurationError("entities: vocabulary needs a LUKE, and word_only leaves entities out; expected text or table")
    ids = ids_of_graph(graph, context.entities)
    unknown = np.flatnonzero(ids < 0)
    if len(unknown):
        raise ConfigurationError(
            f"{config.graph}: {len(unknown):,} of its {graph.num_entities:,} entities have no row of their own in the LUKE's "
            f"vocabulary (the first is {graph.entity_ids[int(unknown[0])]}), expected all; "
            "'loreweave build graph ... --within-vocabulary FILE' leaves the others out"
        )
    return torch.from_numpy(ids)


def _with_entity_table(head: KnowledgeEmbeddingHead, table: Tensor) -> KnowledgeEmbeddingHead:
    """A head with the same relations, and these entities [entities, d]."""
    tabled = KnowledgeEmbeddingHead(head.scorer.name, head.size, 0, head.gamma)
    tabled.relation_embeddings = head.relation_embeddings
    tabled.entity_embeddings = nn.Embedding.from_pretrained(table)
    return tabled


def _true_first(positive: Tensor, negative: Tensor, kept: Tensor) -> Tensor:
    """Cross-entropy of the true triple against its corruptions. [triples]"""
    scores = torch.cat([positive[:, None], negative.masked_fill(~kept, -torch.inf)], dim=1)
    return torch.logsumexp(scores, dim=1) - positive


def _join(arrays: Mapping[str, np.ndarray], roles: list[str]) -> np.ndarray:
    return np.concatenate([arrays[role].reshape(-1) for role in roles])


def _split(numbers: np.ndarray, arrays: Mapping[str, np.ndarray], roles: list[str]) -> list[tuple[str, np.ndarray]]:
    """Undo `_join`."""
    ends = np.cumsum([arrays[role].size for role in roles])[:-1]
    return [(role, part.reshape(arrays[role].shape)) for role, part in zip(roles, np.split(numbers, ends), strict=True)]
