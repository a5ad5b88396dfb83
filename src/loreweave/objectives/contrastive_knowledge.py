"""Contrastive knowledge: (head, relation) encoded together must be nearest to the true tail, and (tail, inverse relation) to
the true head, among all available entities (SimKGC: Wang et al. 2022, section 3).

One encoder reads both sides. The entities of a micro-batch, each encoded once, are candidates for all its questions: these
are SimKGC's in-batch negatives and self-negatives. With several processes, the candidates of all are gathered.

With `momentum`, a question is also compared with many more entities, as in MoCoKGC (Li et al., EMNLP 2024): a momentum encoder
gives each entity of a micro-batch a second vector without gradient, and a queue keeps the entities of earlier micro-batches
with their newest such vectors. The loss adds a third cross-entropy, question -> momentum vectors of the batch and the queue.
Differences: MoCoKGC has no cross-entropy entity -> question, separate encoders for questions and entities (here one encoder and
`question_map`), further random entities in each micro-batch, a momentum that rises to 1, and learned prompts of relations in
all layers.

With `neighbours`, the momentum vectors of an entity's neighbours are added to the vectors of its text and of its questions (see
`NeighbourAttention`). A neighbour counts only through a training triple that the micro-batch does not ask: the answer would be
its own hint otherwise. Momentum vectors are of texts alone, so that neighbours reach one step far. MoCoKGC hides a triple from
its own question and answer only, drops a tenth of the neighbours, and stores vectors that were computed with neighbours.

What MoCoKGC does was taken from its abstract and from the code of SememeLP, which extends MoCoKGC's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from loreweave.checkpoints import knowledge_embedding as side_files
from loreweave.encoding.graph_texts import GraphTexts
from loreweave.models.knowledge_embedding import KnowledgeEmbeddingHead, Pooling
from loreweave.objectives.base import ObjectiveLoss, RunContext, Tensors, model_of_run
from loreweave.objectives.gathering import gather, processes
from loreweave.objectives.graph_batches import TextPool, encode_texts
from loreweave.objectives.graph_objective import GraphObjective, GraphObjectiveConfig
from loreweave.objectives.momentum import MomentumMemory
from loreweave.objectives.stored_neighbours import StoredNeighbours
from loreweave.objectives.triples import HEAD, RELATION, TAIL, TrueTriples
from loreweave.training.settings.ranges import POSITIVE, SHARE_BELOW_1, Ranges, at_least

_MOMENTUM = "momentum_"
"""Beginning of the names of the momentum encoder's texts in a micro-batch."""


@dataclass(kw_only=True)
class ContrastiveKnowledgeConfig(GraphObjectiveConfig):
    """Settings of the contrastive objective; the defaults are those of SimKGC."""

    RANGES: ClassVar[Ranges] = {
        ("temperature",): POSITIVE,
        ("margin", "pre_batches", "pre_batch_weight", "queue_size", "neighbours"): at_least(0),
        ("momentum",): SHARE_BELOW_1,
    }

    micro_batch_size: int = 1024
    pooling: Pooling = "mean"
    filter_splits: list[str] = field(default_factory=lambda: ["train"])
    temperature: float = 0.05
    """Temperature at the start; it is learned."""
    margin: float = 0.02
    """Number that is subtracted from the similarity of the true entity."""
    pre_batches: int = 0
    """Number of earlier micro-batches whose entities are candidates too, without gradient (SimKGC: 2 on FB15k-237)."""
    pre_batch_weight: float = 0.5
    """Factor of the logits of these candidates."""
    question_map: bool = True
    """Whether questions go through a linear map, which replaces SimKGC's second encoder. It starts as the identity."""
    self_negatives: bool = True
    """Whether the entity of a question is a candidate for its answer."""
    momentum: float | None = None
    """Share of the momentum encoder that an update keeps, for example 0.999 in a long run and 0.99 in one of 1,000 updates.
    Null: no momentum encoder."""
    queue_size: int = 0
    """Number of entities in the queue of the momentum encoder."""
    neighbours: int = 0
    """Maximum number of neighbours in the graph whose momentum vectors are added to the vectors of an entity and its questions.
    0: none."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_momentum()

    def _check_momentum(self) -> None:
        if self.momentum is None:
            for name in ("queue_size", "neighbours"):
                if found := getattr(self, name):
                    raise ValueError(f"{name}: found {found} without momentum, expected momentum=0.999 or another")
            return
        if self.queue_size < 1:
            raise ValueError(f"queue_size: found {self.queue_size}, expected 1 or more with momentum")
        if self.pre_batches:
            raise ValueError(f"pre_batches: found {self.pre_batches}, expected 0 with momentum, which has a queue of its own")


class Questions(NamedTuple):
    """Questions of a micro-batch: an entity, a relation, the predicted side, and the true entity. Each [questions]"""

    entities: Tensor
    relations: Tensor
    asks_tail: Tensor  # bool
    answers: Tensor


class ContrastiveHead(KnowledgeEmbeddingHead):
    """The learned temperature, the true triples on the device, the queue of earlier candidates (`pre_batches`), and the
    momentum encoder with its own."""

    keys: Tensor
    queue: Tensor
    queue_entities: Tensor
    memory: MomentumMemory | None
    stored_neighbours: StoredNeighbours | None

    def __init__(
        self, encoder: PreTrainedModel, config: ContrastiveKnowledgeConfig, true: TrueTriples, triples: np.ndarray
    ) -> None:
        size = encoder.config.hidden_size
        super().__init__(
            "distmult", size, 0, temperature=config.temperature, question_map=config.question_map,
            neighbour_relations=true.num_relations if config.neighbours else 0,
        )  # fmt: skip
        self.register_buffer("keys", torch.from_numpy(true.keys), persistent=False)
        entities = config.micro_batch_size * (1 if config.sampling == "neighbourhoods" else 2)  # of a micro-batch, at most
        capacity = entities * config.pre_batches * processes()
        self.register_buffer("queue", torch.zeros(capacity, size))
        self.register_buffer("queue_entities", torch.full((capacity,), -1, dtype=torch.long))
        self.memory = None
        if config.momentum is not None:
            self.memory = MomentumMemory(encoder.base_model, true.num_entities, size, config.queue_size, config.momentum)
        self.stored_neighbours = StoredNeighbours(triples, true, config.neighbours) if config.neighbours else None

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *arguments: Any) -> None:
        """Adapt a queue of another number of processes: it keeps the newest candidates, or has empty places."""
        for name in ("queue", "queue_entities"):
            given, own = state_dict.get(f"{prefix}{name}"), getattr(self, name)
            if given is not None and len(given) != len(own):
                empty = torch.zeros_like(own) if name == "queue" else torch.full_like(own, -1)
                kept = min(len(given), len(own))
                empty[:kept] = given[:kept]
                state_dict[f"{prefix}{name}"] = empty
        super()._load_from_state_dict(state_dict, prefix, *arguments)

    @torch.no_grad()
    def remember(self, vectors: Tensor, entities: Tensor) -> None:
        """Push candidates to the front of the queue; the oldest are dropped."""
        capacity = len(self.queue)
        if capacity:
            self.queue.copy_(torch.cat([vectors.to(self.queue.dtype), self.queue])[:capacity])
            self.queue_entities.copy_(torch.cat([entities, self.queue_entities])[:capacity])

    def seen(self, vectors: Tensor, entities: Tensor, hidden: Tensor | None) -> Tensor:
        """Vectors of texts about entities, with what the entities' neighbours add, if the head reads them. [n, d]

        Args:
            vectors: [n, d]
            entities: [n]
            hidden: keys of the triples that are asked, through which nothing is added. [triples]
        """
        if self.neighbours is None or self.stored_neighbours is None or self.memory is None or hidden is None:
            return vectors
        return self.neighbours(vectors, *self.stored_neighbours(entities, self.memory.vectors.detach(), hidden))

    def for_ranking(self) -> KnowledgeEmbeddingHead:
        """The parameters that a trained model needs: a copy without the momentum encoder."""
        mapped = self.question_map is not None
        relations = 0 if self.neighbours is None else self.neighbours.num_relations
        head = KnowledgeEmbeddingHead(
            self.scorer.name, self.size, 0, self.gamma, temperature=1.0, question_map=mapped, neighbour_relations=relations
        )
        own = self.state_dict()
        head.load_state_dict({name: own[name] for name in head.state_dict()})
        return head


class ContrastiveKnowledge(GraphObjective):
    """The loss of SimKGC: the head and the tail of each triple are asked for, among all entities of the micro-batch. Other true
    answers are masked."""

    name: ClassVar[str] = "contrastive_knowledge"

    settings = ContrastiveKnowledgeConfig
    config: ContrastiveKnowledgeConfig
    texts: GraphTexts

    def __init__(self, config: ContrastiveKnowledgeConfig, context: RunContext) -> None:
        super().__init__(config, context)
        self.micro_steps = context.micro_steps

    def batch(self, item: int) -> Tensors:
        """Texts of the distinct questions and entities; every triple gives questions in both directions."""
        triples = self.sampler[item].triples
        heads, relations, tails = triples[:, HEAD], triples[:, RELATION], triples[:, TAIL]
        pool = TextPool(self.texts)
        entities, numbers = np.unique(triples[:, [HEAD, TAIL]], return_inverse=True)
        numbers = numbers.reshape(-1, 2)
        candidates = pool.add("entity", entities)
        asking = [pool.add("conditioned", heads, relations), pool.add("inverse_conditioned", tails, relations)]
        tensors, places = pool.collate()
        arrays = {
            "candidates": places[candidates],
            "candidate_entities": entities,
            "questions": places[np.concatenate(asking)],
            "question_entities": np.concatenate([heads, tails]),
            "question_relations": np.tile(relations, 2),
            "asks_tail": np.repeat([True, False], len(triples)),
            "labels": np.concatenate([numbers[:, 1], numbers[:, 0]]),
        }
        if self.config.neighbours:
            arrays["asked_triples"] = self.true.key(heads, relations, tails)
        tensors |= {key: torch.from_numpy(array) for key, array in arrays.items()}
        return tensors if self.config.momentum is None else tensors | self._for_momentum(item, entities)

    def _for_momentum(self, item: int, entities: np.ndarray) -> Tensors:
        """The texts of the entities alone, for the momentum encoder, and the number of the update."""
        pool = TextPool(self.texts)
        numbers = pool.add("entity", entities)
        tensors, places = pool.collate()
        tensors |= {"places": torch.from_numpy(places[numbers])}
        named = {f"{_MOMENTUM}{key}": tensor for key, tensor in tensors.items()}
        return named | {"update": torch.tensor(item // self.micro_steps)}

    def head(self, model: PreTrainedModel | None) -> nn.Module:
        """Temperature, queue and momentum encoder; relations are encoded with the questions."""
        return ContrastiveHead(model_of_run(self, model), self.config, self.true, self.sampler.triples)

    def loss(self, encoder: nn.Module | None, head: nn.Module, batch: Tensors) -> ObjectiveLoss:
        """Mean of two cross-entropies, question -> entity and true entity -> question, summed over this process's questions.

        With momentum, plus half of the cross-entropy question -> momentum vectors of the batch and the queue.
        """
        assert encoder is not None and isinstance(head, ContrastiveHead)
        vectors = encode_texts(encoder, batch, self.config.pooling, self.mask_entity_id)
        stored = None if head.memory is None else self._read_again(encoder, head, head.memory, batch)
        with torch.autocast(vectors.device.type, enabled=False):  # half precision cannot distinguish close candidates
            return self._contrast(head, functional.normalize(vectors, dim=-1), stored, batch)

    def _read_again(self, encoder: nn.Module, head: nn.Module, memory: MomentumMemory, batch: Tensors) -> Tensor:
        """Vectors of the entities by the momentum encoder, which follows the encoder in training. [entities, d]"""
        if head.training:
            memory.follow(encoder, batch["update"])
        texts = {key.removeprefix(_MOMENTUM): tensor for key, tensor in batch.items() if key.startswith(_MOMENTUM)}
        return memory.read(encoder, texts, self.config.pooling, self.mask_entity_id)[texts["places"]]

    def _contrast(self, head: ContrastiveHead, vectors: Tensor, stored: Tensor | None, given: Tensors) -> ObjectiveLoss:
        """The loss from the vectors of all texts [texts, d], and momentum vectors of the entities [entities, d]."""
        hidden = self._of_all_processes(given["asked_triples"]) if self.config.neighbours else None
        asked = head.ask(head.seen(vectors[given["questions"]], given["question_entities"], hidden))
        offered = head.seen(vectors[given["candidates"]], given["candidate_entities"], hidden)
        candidates, (entities,), first = gather(offered, given["candidate_entities"])
        gold = given["labels"] + first
        own = Questions(given["question_entities"], given["question_relations"], given["asks_tail"], entities[gold])
        all_asked, columns, first_question = gather(asked, *own)
        forward = self._entities_logits(head, asked, own, candidates, entities, gold)
        if len(head.queue):
            forward = torch.cat([forward, self._earlier(head, asked, own)], dim=1)
        backward = self._questions_logits(head, candidates[gold], own, all_asked, Questions(*columns), first_question)
        own_places = torch.arange(len(gold), device=gold.device) + first_question
        total = functional.cross_entropy(forward, gold, reduction="sum")
        total = total + functional.cross_entropy(backward, own_places, reduction="sum")
        if head.training:
            head.remember(candidates.detach(), entities)
        parts = {}
        if head.memory is not None and stored is not None:
            with torch.no_grad():
                stored, _, _ = gather(stored, given["candidate_entities"])
                queued = head.seen(head.memory.vectors[head.memory.queue], head.memory.queue, hidden)
                offered = head.seen(stored, entities, hidden)
            among_stored = self._stored_logits(head, asked, own, offered, entities, gold, queued)
            queue_loss = functional.cross_entropy(among_stored, gold, reduction="sum")
            total, parts = total + queue_loss, {"queue_loss": queue_loss.detach()}
            if head.training:
                head.memory.store(stored, entities)
        return ObjectiveLoss(total / 2, (forward.argmax(1) == gold).sum(), parts)

    def _entities_logits(
        self, head: ContrastiveHead, asked: Tensor, own: Questions, candidates: Tensor, entities: Tensor, gold: Tensor
    ) -> Tensor:
        """Logits of the available entities for each question. [questions, candidates]"""
        is_gold = functional.one_hot(gold, len(entities)).bool()
        logits = (asked @ candidates.T - self.config.margin * is_gold) * head.inverse_temperature
        allowed = self._allowed(head, own, entities) | is_gold
        return logits.masked_fill(~allowed, -torch.inf)

    def _questions_logits(
        self, head: ContrastiveHead, answers: Tensor, own: Questions, asked: Tensor, every: Questions, first: int
    ) -> Tensor:
        """Logits of all questions for the true entity of each own question. [own questions, questions]"""
        is_own = torch.eye(len(asked), dtype=torch.bool, device=asked.device)[first : first + len(answers)]
        logits = (answers @ asked.T - self.config.margin * is_own) * head.inverse_temperature
        allowed = ~self._is_true(head, every, own.answers[None]).T | is_own
        return logits.masked_fill(~allowed, -torch.inf)

    def _earlier(self, head: ContrastiveHead, asked: Tensor, own: Questions) -> Tensor:
        """Logits of the queue, weighted; true answers and empty places are masked. [questions, queue]"""
        allowed = self._allowed(head, own, head.queue_entities) & (head.queue_entities >= 0)
        logits = asked @ head.queue.clone().T * (head.inverse_temperature * self.config.pre_batch_weight)
        return logits.masked_fill(~allowed, -torch.inf)

    def _stored_logits(
        self, head: ContrastiveHead, asked: Tensor, own: Questions, stored: Tensor, entities: Tensor, gold: Tensor,
        queued: Tensor,
    ) -> Tensor:  # fmt: skip
        """Logits of momentum vectors: those of the available entities, then the queue's. [questions, candidates + queue]

        True answers, empty places, and entities of the queue that are among the available ones are masked.
        """
        logits = self._entities_logits(head, asked, own, stored, entities, gold)
        assert head.memory is not None
        queue = head.memory.queue
        allowed = self._allowed(head, own, queue) & (queue >= 0) & ~torch.isin(queue, entities)
        earlier = asked @ queued.T * head.inverse_temperature
        return torch.cat([logits, earlier.masked_fill(~allowed, -torch.inf)], dim=1)

    @staticmethod
    def _of_all_processes(keys: Tensor) -> Tensor:
        """The keys of all processes. [all keys]"""
        _, (together,), _ = gather(torch.zeros(len(keys), 1, device=keys.device), keys)
        return together

    def _allowed(self, head: ContrastiveHead, own: Questions, entities: Tensor) -> Tensor:
        """Whether entities are false answers to questions. [questions, entities]"""
        allowed = ~self._is_true(head, own, entities[None]) & (entities[None] != own.answers[:, None])
        if not self.config.self_negatives:
            allowed &= entities[None] != own.entities[:, None]
        return allowed

    def _is_true(self, head: ContrastiveHead, questions: Questions, entities: Tensor) -> Tensor:
        """Whether entities [1, n] answer the questions, according to the graph. [questions, n]"""
        own, tail = questions.entities[:, None], questions.asks_tail[:, None]
        subject, target = torch.where(tail, own, entities), torch.where(tail, entities, own)
        keys = self.true.key(subject, questions.relations[:, None], target)
        places = torch.searchsorted(head.keys, keys).clamp_max(len(head.keys) - 1)
        return head.keys[places] == keys

    def longest_text(self) -> int:
        """Maximum number of tokens of a candidate, or of a question, which is an entity's text with a relation's."""
        return self.texts.longest(pairs=True, inverse=True)

    def summary(self) -> list[str]:
        """The graph, and what the momentum encoder is for."""
        config, lines, entities = self.config, super().summary(), self.graph.num_entities
        if config.momentum is not None:
            around = f", {config.neighbours} neighbours of an entity" if config.neighbours else ""
            queue = f"a queue of {min(config.queue_size, entities):,} entities"
            lines.append(
                f"{self.name}: a momentum encoder ({config.momentum:g}), {queue}{around}; {entities:,} vectors are stored"
            )
        return lines

    def save(self, encoder: nn.Module | None, head: nn.Module, folder: Path) -> None:
        """Save side files with the composition of questions and entities."""
        assert isinstance(head, ContrastiveHead)
        side_files.save(
            folder, head.for_ranking(), self.graph, name=self.name, variant="contrastive", pooling=self.config.pooling,
            text=self.config.text, normalize=True, mask_entity_id=self.mask_entity_id,
            neighbours=self.config.neighbours,
        )  # fmt: skip
