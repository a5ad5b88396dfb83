"""Knowledge embeddings: entity vectors from texts or from a table, relation vectors from a table, and a scorer.

The encoder is an untouched `AutoModel` (or LUKE on words only). The vector of an entity is the first token's state, as in
KEPLER (Wang et al. 2021), or the mean of the states, with optional L2 normalisation, as in SimKGC (Wang et al. 2022).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from loreweave.errors import ConfigurationError
from loreweave.models.knowledge_scorers import Scorer, exact, scorer_named
from loreweave.models.neighbour_attention import NeighbourAttention
from loreweave.models.segments import reads_segments

Pooling = Literal["first", "mean", "entity"]
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)


class KnowledgeEmbeddingHead(nn.Module):
    """Parameters that a knowledge graph adds to an encoder: relation vectors, margin, scorer, and those of the chosen loss.

    Args:
        scorer: name in `SCORERS`.
        size: width d of entity vectors.
        num_relations: rows of the relation table; 0 if relations are encoded from texts.
        gamma: margin of the distance scorers; it also determines the range of the initial values (Wang et al. 2021, section 3).
        num_entities: rows of the entity table, for entities that are not encoded from texts; 0 for no table.
        temperature: initial temperature of the contrastive loss, which is learned as the logarithm of its inverse (SimKGC:
            0.05). None for no such parameter.
        question_map: whether a linear map, initialised as the identity, is applied to questions, as a second encoder would be.
        neighbour_relations: number of relations of an attention to the neighbours of entities (`NeighbourAttention`); 0 for no
            such attention.

    Raises:
        ConfigurationError: unknown scorer, a size that it does not support, or a temperature that is not positive.
    """

    relation_embeddings: nn.Embedding | None
    entity_embeddings: nn.Embedding | None
    log_inverse_temperature: nn.Parameter | None
    question_map: nn.Linear | None
    neighbours: NeighbourAttention | None

    def __init__(
        self,
        scorer: str,
        size: int,
        num_relations: int,
        gamma: float = 4.0,
        num_entities: int = 0,
        temperature: float | None = None,
        question_map: bool = False,
        neighbour_relations: int = 0,
    ) -> None:
        super().__init__()
        self.scorer: Scorer = scorer_named(scorer)
        self.size, self.gamma = size, gamma
        width = self.scorer.relation_size(size)
        if temperature is not None and temperature <= 0:
            raise ConfigurationError(f"found the temperature {temperature}, expected more than 0")
        self.relation_embeddings = nn.Embedding(num_relations, width) if num_relations else None
        self.entity_embeddings = nn.Embedding(num_entities, size) if num_entities else None
        self.log_inverse_temperature = None if temperature is None else nn.Parameter(torch.tensor(-math.log(temperature)))
        self.question_map = nn.Linear(size, size) if question_map else None
        self.neighbours = NeighbourAttention(size, neighbour_relations) if neighbour_relations else None
        self.reset_tables()

    @torch.no_grad()
    def reset_tables(self) -> None:
        """Initialise the tables and the map."""
        if self.relation_embeddings is not None:
            limit = self.scorer.relation_range(self.gamma, self.size)
            self.relation_embeddings.weight.uniform_(-limit, limit)
        if self.entity_embeddings is not None:
            limit = (self.gamma + 2.0) / self.size
            self.entity_embeddings.weight.uniform_(-limit, limit)
        if self.question_map is not None:
            nn.init.eye_(self.question_map.weight)
            nn.init.zeros_(self.question_map.bias)

    def relation_vectors(self, rows: Tensor) -> Tensor:
        """Rows [...] of the relation table -> [..., relation size].

        Raises:
            ConfigurationError: there is no relation table.
        """
        if self.relation_embeddings is None:
            raise ConfigurationError("this head has no relation table: relations are encoded from their texts")
        return self.relation_embeddings(rows)

    def entity_vectors(self, rows: Tensor) -> Tensor:
        """Rows [...] of the entity table -> [..., d].

        Raises:
            ConfigurationError: there is no entity table.
        """
        if self.entity_embeddings is None:
            raise ConfigurationError("this head has no entity table: entities are encoded from their texts")
        return self.entity_embeddings(rows)

    def ask(self, vectors: Tensor) -> Tensor:
        """Vectors of encoded questions [..., d] -> L2-normalised vectors to compare with the answers."""
        mapped = vectors if self.question_map is None else self.question_map(exact(vectors))
        return functional.normalize(mapped, dim=-1)

    def score(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """gamma - distance, or the product for product scorers: vectors [..., d], broadcast -> [...] in float32."""
        return self.with_margin(self.scorer.score(head, relation, tail))

    def with_margin(self, scores: Tensor) -> Tensor:
        """Add gamma to similarities that are distances."""
        return scores + self.gamma if self.scorer.has_margin else scores

    @property
    def inverse_temperature(self) -> Tensor:
        """Factor of the similarities in the contrastive loss [].

        Raises:
            ConfigurationError: the head has no temperature.
        """
        if self.log_inverse_temperature is None:
            raise ConfigurationError("this head has no temperature: make it with temperature=0.05")
        return self.log_inverse_temperature.exp()


class KnowledgeEmbeddingModel(nn.Module):
    """Encoder of texts, and the head over its vectors.

    Args:
        encoder: a model of transformers that returns `last_hidden_state`, our `LukeModel`, or None if all entities are in
        a table.
        head: its size must be the encoder's hidden size.
        pooling: `first` token's state (KEPLER), `mean` of the states without padding, or `entity`: the state of a LUKE's
            `[MASK]` entity that spans the text.
        normalize: scale entity vectors to L2 norm 1.
        mask_entity_id: id of `[MASK]` in the LUKE's entity vocabulary, for the pooling `entity`.

    Raises:
        ConfigurationError: sizes differ, the pooling is unknown or lacks its `[MASK]`, or there is neither encoder nor table.
    """

    def __init__(
        self,
        encoder: PreTrainedModel | None,
        head: KnowledgeEmbeddingHead,
        pooling: Pooling = "first",
        normalize: bool = False,
        mask_entity_id: int | None = None,
    ) -> None:
        super().__init__()
        if pooling == "entity" and mask_entity_id is None:
            raise ConfigurationError("the pooling 'entity' needs a LUKE and the id of its [MASK] entity")
        if pooling not in POOLINGS:
            raise ConfigurationError(f"found the pooling {pooling!r}, expected one of {', '.join(POOLINGS)}")
        if encoder is None and head.entity_embeddings is None:
            raise ConfigurationError("found neither an encoder nor an entity table, expected one of them")
        if encoder is not None and encoder.config.hidden_size != head.size:
            found = f"an encoder of hidden size {encoder.config.hidden_size} and a head of size {head.size}"
            raise ConfigurationError(f"found {found}, expected equal sizes")
        self.encoder = encoder
        self.head = head
        self.pooling: Pooling = pooling
        self.normalize = normalize
        self.mask_entity_id = mask_entity_id

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None) -> Tensor:
        """Same as `embed`, for wrappers such as DDP."""
        return self.embed(input_ids, attention_mask, token_type_ids)

    def embed(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None) -> Tensor:
        """Vectors of texts: [texts, tokens] -> [texts, d], at least float32.

        Raises:
            ConfigurationError: the model has no encoder.
        """
        if self.encoder is None:
            raise ConfigurationError("this model has no encoder: its entities are in a table (use embed_rows)")
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        inputs |= {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        return self._normalized(read_texts(self.encoder, inputs, self.pooling, self.mask_entity_id))

    def embed_rows(self, rows: Tensor) -> Tensor:
        """Vectors of entities in the table: [...] -> [..., d]."""
        return self._normalized(self.head.entity_vectors(rows))

    def _normalized(self, vectors: Tensor) -> Tensor:
        return functional.normalize(vectors, dim=-1) if self.normalize else vectors


def read_texts(encoder: nn.Module, inputs: Mapping[str, Tensor], pooling: Pooling, mask_entity_id: int | None = None) -> Tensor:
    """One vector per text, at least float32: `inputs` [texts, tokens] -> [texts, d]."""
    if "token_type_ids" in inputs and not reads_segments(encoder):
        inputs = {name: tensor for name, tensor in inputs.items() if name != "token_type_ids"}
    if pooling != "entity":
        return pool(encoder(**inputs).last_hidden_state, inputs["attention_mask"], pooling)
    assert mask_entity_id is not None
    output = encoder(**inputs, **_whole_text_entity(inputs["attention_mask"], mask_entity_id))
    return exact(output.entity_last_hidden_state[:, 0])


def _whole_text_entity(attention_mask: Tensor, entity_id: int) -> dict[str, Tensor]:
    """Inputs of an entity that spans all words between the first and the last special token."""
    texts, longest = attention_mask.shape
    places = torch.arange(longest, device=attention_mask.device).expand(texts, longest)
    inside = (places > 0) & (places < attention_mask.sum(1, keepdim=True) - 1)
    ones = torch.ones(texts, 1, dtype=torch.long, device=attention_mask.device)
    return {
        "entity_ids": ones * entity_id,
        "entity_attention_mask": ones,
        "entity_position_ids": places.masked_fill(~inside, -1)[:, None],  # [texts, 1, tokens]
    }


def pool(states: Tensor, attention_mask: Tensor, pooling: Pooling) -> Tensor:
    """The `first` or `mean` of states [texts, tokens, d], mask [texts, tokens] (1 = not padding) -> [texts, d], float32."""
    if pooling == "first":
        return exact(states[:, 0])
    states = exact(states)
    kept = attention_mask.unsqueeze(-1).to(states.dtype)
    return (states * kept).sum(dim=1) / kept.sum(dim=1).clamp(min=1)
