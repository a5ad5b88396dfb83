"""Checkpoints for a graph: trained ones with their head, and untrained encoders as the papers' baseline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from loreweave.checkpoints import knowledge_embedding as side_files
from loreweave.checkpoints.encoders import load_encoder
from loreweave.checkpoints.knowledge_embedding import Variant
from loreweave.checkpoints.word_tokenizers import read_word_tokenizer
from loreweave.corpus.counts import counted
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.encoding.graph_texts import EntityTextConfig
from loreweave.encoding.model_names import resolve
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.metrics.similarity_kernels import Similarity
from loreweave.models.knowledge_embedding import KnowledgeEmbeddingHead, KnowledgeEmbeddingModel, Pooling
from loreweave.models.word_positions import usable_positions
from loreweave.tasks.embedding_cache import hash_of_folder
from loreweave.tasks.link_prediction.settings import ModelSettings
from loreweave.training.inference import move

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

UNTRAINED = "untrained"
"""Name of the head for an encoder without one."""

_UNTRAINED_SCORER = "transe_l1"
_UNTRAINED_POOLING: Pooling = "first"
_LONGEST = 512


@dataclass(frozen=True)
class Checkpoint:
    """A model that scores triples of one graph.

    Attributes:
        model: model whose tables have the rows of the graph.
        tokenizer: tokenizer of its texts; None if entities are in a table.
        variant: composition of questions.
        text: settings of the texts.
        name: name of the head.
        trained_here: whether it was trained on this graph, by the ids of entities and relations.
        hash: hash of the model's files.
        folder: folder of the model's files.
        neighbours: maximum number of neighbours that are added to the vector of a text about an entity; 0 for none.
    """

    model: KnowledgeEmbeddingModel
    tokenizer: PreTrainedTokenizerFast | None
    variant: Variant
    text: EntityTextConfig
    name: str
    trained_here: bool
    hash: str
    folder: Path
    neighbours: int = 0

    @property
    def tabled(self) -> bool:
        """Whether entities are rows of a table instead of texts."""
        return self.model.encoder is None

    @property
    def similarity(self) -> Similarity:
        """Similarity of a question and an entity."""
        return "dot" if self.variant == "contrastive" else self.model.head.scorer.similarity

    @property
    def key(self) -> dict[str, Any]:
        """Properties of the checkpoint on which vectors of texts depend, in addition to the tokens."""
        return {"model": self.hash, "pooling": self.model.pooling, "normalize": self.model.normalize}

    def describe(self) -> dict[str, Any]:
        """Description for `results.json`."""
        head, entities = self.model.head, "table" if self.tabled else "text"
        said: dict[str, Any] = {"head": self.name, "hash": self.hash, "variant": self.variant, "entities": entities}
        if self.variant != "contrastive":
            said["scorer"] = head.scorer.name
        if not self.tabled:
            said |= {"pooling": self.model.pooling, "max_length": self.text.max_length, "text": self.text.text}
        if self.neighbours:
            said["neighbours"] = self.neighbours
        return {**said, "trained_on_this_graph": self.trained_here}


def recognises(folder: Path) -> bool:
    """Whether a model folder has a head over a graph."""
    return bool(side_files.names(folder))


def load(path: Path, graph: KnowledgeGraph, settings: ModelSettings, device: torch.device | None = None) -> Checkpoint:
    """A checkpoint for a graph: a run's folder, a model's folder, `minilm` or a name on the Hub.

    Raises:
        CheckpointError: it has no head over a graph (and `untrained` is false), or one over another graph.
    """
    folder = resolve(path)
    checkpoint = _untrained(folder, settings) if settings.untrained else _trained(folder, graph, settings.objective)
    move(checkpoint.model, device or torch.device("cpu")).eval()
    return checkpoint


def _trained(folder: Path, graph: KnowledgeGraph, objective: str | None) -> Checkpoint:
    if not recognises(folder):
        raise CheckpointError(
            f"{folder}: found no head over a graph, expected a model pre-trained with knowledge_embedding or "
            "contrastive_knowledge; untrained=true uses the encoder as it is"
        )
    heads = side_files.names(folder)
    if objective is None and len(heads) > 1:
        raise CheckpointError(f"{folder}: found the heads {', '.join(heads)}; choose one with objective=NAME")
    said = side_files.describe(folder, objective)
    model = side_files.load(folder, graph, said.name)
    tokenizer = None if model.encoder is None else read_word_tokenizer(folder)
    here = said.graph is not None and said.graph["fingerprint"] == graph.fingerprint
    text = said.text
    positions = None if model.encoder is None else usable_positions(model.encoder)
    if positions is not None and positions < text.max_length:  # its training texts were shorter than allowed
        text = replace(text, max_length=positions)
    return Checkpoint(model, tokenizer, said.variant, text, said.name, here, hash_of_folder(folder), folder, said.neighbours)


def _untrained(folder: Path, settings: ModelSettings) -> Checkpoint:
    """An encoder whose vectors are states of descriptions, with a scorer without parameters."""
    encoder, tokenizer = load_encoder(folder), read_word_tokenizer(folder)
    head = KnowledgeEmbeddingHead(settings.scorer or _UNTRAINED_SCORER, encoder.config.hidden_size, 0, gamma=0.0)
    model = KnowledgeEmbeddingModel(encoder, head, settings.pooling or _UNTRAINED_POOLING)
    positions = usable_positions(encoder)
    if positions is not None and (settings.max_length or 0) > positions:
        found = f"found {settings.max_length}"
        raise ConfigurationError(f"max_length: {found}, expected at most the encoder's {counted(positions, 'position')}")
    longest = min(_LONGEST, tokenizer.model_max_length, positions or _LONGEST)
    text = EntityTextConfig(
        max_length=settings.max_length or longest,
        text=settings.text or "description",
        relation_text=settings.relation_text or "description",
    )
    return Checkpoint(model, tokenizer, "rel", text, UNTRAINED, False, hash_of_folder(folder), folder)
