"""Two ways to compute a knowledge-embedding loss on the same triples: KEPLER's original scheme, and ours.

The original is written from its description: six fields of texts a triple, heads, tails,
corrupted heads, corrupted tails, and heads and tails once more for the side that asks, which without a relation's text are
the same texts again. Every field is padded to its longest text and encoded alone.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

from loreweave.corpus.graphs.building import build_graph
from loreweave.corpus.graphs.formats import find_graph
from loreweave.encoding.graph_texts import EntityTextConfig, GraphTexts
from loreweave.encoding.model_names import resolve
from loreweave.objectives import KnowledgeEmbedding, KnowledgeEmbeddingConfig, RunContext
from loreweave.objectives.triples import HEAD, RELATION, TAIL, corrupt
from loreweave.training.devices import autocast, choose_attention
from loreweave.training.quiet import quiet

NAME = KnowledgeEmbedding.name
Batch = dict[str, Tensor]
SETTINGS: dict[str, dict[str, Any]] = {
    "kepler": {"sampling": "triples", "negatives_from": "graph"},
    "batch-negatives": {"sampling": "triples", "negatives_from": "batch"},
    "neighbourhoods": {"sampling": "neighbourhoods", "negatives_from": "batch"},
}

# ---- the original ----------------------------------------------------------------------------------------------------

FIELDS = ("heads", "tails", "corrupted_heads", "corrupted_tails", "asking_heads", "asking_tails")


class Rows(NamedTuple):
    """Triples as rows of a graph, with what stands in for their heads and tails; negatives that are true do not count."""

    heads: np.ndarray  # [triples]
    relations: np.ndarray  # [triples]
    tails: np.ndarray  # [triples]
    corrupted_heads: np.ndarray  # [triples, negatives]
    corrupted_tails: np.ndarray  # [triples, negatives]
    head_is_false: np.ndarray  # bool [triples, negatives]
    tail_is_false: np.ndarray  # bool [triples, negatives]

    @classmethod
    def drawn(cls, objective: KnowledgeEmbedding, item: int) -> Rows:
        """Those of micro-batch `item` of ours."""
        batch, config = objective.sampler[item], objective.config
        ends = np.unique(batch.triples[:, [HEAD, TAIL]])
        pool = ends if config.negatives_from == "batch" else objective.graph.num_entities
        false = corrupt(batch, pool, config.negatives, objective.true, objective.seed)
        return cls(batch.triples[:, HEAD], batch.triples[:, RELATION], batch.triples[:, TAIL], *false)

    def of(self, chosen: np.ndarray) -> Rows:
        """Some of the triples."""
        return Rows(*(column[chosen] for column in self))

    def field(self, name: str) -> np.ndarray:
        """The entities whose texts are in a field. [texts]"""
        return np.asarray(getattr(self, name.removeprefix("asking_"))).reshape(-1)


class OriginalBatch(NamedTuple):
    """One micro-batch."""

    texts: dict[str, dict[str, Tensor]]  # field -> inputs, each [texts, longest]
    relations: Tensor  # [triples]
    is_false: Tensor  # bool [triples, 2 * negatives]

    @property
    def tokens(self) -> int:
        """Tokens that are encoded, padding included."""
        return sum(inputs["input_ids"].numel() for inputs in self.texts.values())


def collate(rows: Rows, texts: GraphTexts, size: int, device: str) -> list[OriginalBatch]:
    """Micro-batches of up to `size` triples."""
    batches = []
    for start in range(0, len(rows.heads), size):
        part = rows.of(np.arange(start, min(start + size, len(rows.heads))))
        fields = {name: _tensors(texts.batch(part.field(name)), device) for name in FIELDS}
        is_false = torch.from_numpy(np.concatenate([part.head_is_false, part.tail_is_false], axis=1))
        batches.append(OriginalBatch(fields, torch.from_numpy(part.relations).to(device), is_false.to(device)))
    return batches


def _tensors(inputs: dict[str, np.ndarray], device: str) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.ascontiguousarray(array)).to(device) for name, array in inputs.items()}


class OriginalScheme(nn.Module):
    """An encoder and a table of relations under TransE with the L2 norm.

    Args:
        gamma: margin.
        pooling: `first` state of a text (KEPLER) or the `mean` of all.
    """

    def __init__(self, encoder: nn.Module, relations: nn.Embedding, gamma: float, pooling: str) -> None:
        super().__init__()
        self.encoder, self.relations, self.gamma, self.pooling = encoder, relations, gamma, pooling

    def forward(self, batch: OriginalBatch) -> Tensor:
        """-log s(true) - mean log s(-corrupted), summed over triples. (The released code halves it and takes the mean.)"""
        count = len(batch.relations)
        vectors = {
            name: self._encode(inputs).view(count, -1, self.relations.embedding_dim) for name, inputs in batch.texts.items()
        }
        r = self.relations(batch.relations)[:, None]  # [triples, 1, d]
        asking_heads, asking_tails = vectors["asking_heads"], vectors["asking_tails"]
        one = self._score(asking_heads, r, vectors["tails"])
        true = (one + self._score(vectors["heads"], r, asking_tails)) / 2  # [triples, 1]
        heads = self._score(vectors["corrupted_heads"], r, asking_tails)  # [triples, negatives]
        tails = self._score(asking_heads, r, vectors["corrupted_tails"])
        false = functional.logsigmoid(-torch.cat([heads, tails], dim=1))
        mean = (false * batch.is_false).sum(1) / batch.is_false.sum(1).clamp_min(1)
        return -(functional.logsigmoid(true).squeeze(1) + mean).sum()

    def _encode(self, inputs: dict[str, Tensor]) -> Tensor:
        output: Any = self.encoder(**inputs)
        states = output.last_hidden_state.float()
        if self.pooling == "first":
            return states[:, 0]
        kept = inputs["attention_mask"][..., None].float()
        return (states * kept).sum(1) / kept.sum(1)

    def _score(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        return self.gamma - torch.linalg.vector_norm(head + relation - tail, dim=-1)


# ---- graphs and models -----------------------------------------------------------------------------------------------


def graph_folder(name: str, arguments: argparse.Namespace) -> Path | None:
    """The built graph, built where it is not there; None where its files are not."""
    folder: Path = arguments.folder / name
    source = Path(os.environ.get("LOREWEAVE_DATA", "../shared/data")) / f"kg_{name}"
    if not folder.exists():
        if not source.exists():
            print(f"{name}: skipped, there is no {source} (LOREWEAVE_DATA)", flush=True)
            return None
        build_graph(find_graph(name, source), folder)
    return folder


def make_objective(graph: Path, setting: str, arguments: argparse.Namespace, negatives: int = 1) -> KnowledgeEmbedding:
    """Ours in one setting."""
    own = SETTINGS[setting]
    config = KnowledgeEmbeddingConfig(
        graph=str(graph),
        micro_batch_size=arguments.entities if own["sampling"] == "neighbourhoods" else arguments.triples,
        text=EntityTextConfig(text="label_description", relation_text=None, max_length=arguments.max_length),
        pooling=arguments.pooling,
        gamma=arguments.gamma,
        negatives=negatives,
        **own,
    )
    return KnowledgeEmbedding.build(config, RunContext(tokenizer=minilm_tokenizer(), seed=arguments.seed))


def minilm_tokenizer() -> PreTrainedTokenizerFast:
    """Tokenizer of all texts here."""
    tokenizer = AutoTokenizer.from_pretrained(resolve("minilm"))
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    return tokenizer


def make_encoder(arguments: argparse.Namespace) -> PreTrainedModel:
    """MiniLM without dropout and pooler."""
    with quiet():
        encoder: PreTrainedModel = AutoModel.from_pretrained(
            resolve("minilm"), add_pooling_layer=False, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
        )
    choose_attention(encoder, torch.device(arguments.device), arguments.precision)
    return encoder.to(arguments.device).train()


class Ours(nn.Module):
    """The objective with its encoder and head: a micro-batch -> its summed loss."""

    def __init__(self, objective: KnowledgeEmbedding, encoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.objective, self.encoder, self.head = objective, encoder, head

    def forward(self, batch: Batch) -> Tensor:
        """Summed loss. []"""
        return self.objective.loss(self.encoder, self.head, batch).total


def make_ours(objective: KnowledgeEmbedding, arguments: argparse.Namespace) -> Ours:
    """From MiniLM."""
    encoder = make_encoder(arguments)
    return Ours(objective, encoder, objective.head(encoder).to(arguments.device))


def make_theirs(objective: KnowledgeEmbedding, arguments: argparse.Namespace) -> OriginalScheme:
    """The same parameters."""
    ours = make_ours(objective, arguments)
    relations = ours.head.relation_embeddings
    assert isinstance(relations, nn.Embedding)
    return OriginalScheme(ours.encoder, relations, arguments.gamma, arguments.pooling)


class Side:
    """A scheme with its optimizer, and the times of its steps in seconds: of forward and backward, and of the update."""

    def __init__(self, module: nn.Module, arguments: argparse.Namespace, learning_rate: float = 1e-6) -> None:
        """Take a module that gives summed losses."""
        self.module, self.device, self.precision = module, torch.device(arguments.device), arguments.precision
        tables = [p for name, p in module.named_parameters() if "relation" in name]
        others = [p for name, p in module.named_parameters() if "relation" not in name]
        groups: list[dict[str, Any]] = [{"params": others}, {"params": tables, "lr": learning_rate * 10}]
        self.optimizer = torch.optim.AdamW(groups, lr=learning_rate, weight_decay=0.0, fused=True)
        self.clock = Clock(self.device)
        self.wall: list[tuple[float, float]] = []
        self.cpu: list[tuple[float, float]] = []

    @property
    def times(self) -> list[tuple[float, float]]:
        """Those of each step to be read: CPU time on a CPU."""
        return self.cpu if self.device.type == "cpu" else self.wall

    def forget(self) -> None:
        """Begin to count anew."""
        self.wall, self.cpu = [], []

    def step(self, parts: Sequence[Any], triples: int) -> None:
        """One update over parts with so many triples together."""
        start = self.clock()
        for part in parts:
            with autocast(self.device, self.precision):
                loss = self.module(part)
            (loss / triples).backward()
        middle = self.clock()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        end = self.clock()
        for times, place in ((self.wall, 0), (self.cpu, 1)):
            times.append((middle[place] - start[place], end[place] - middle[place]))


class Clock:
    """Time now: of the wall, and of this process's CPU."""

    def __init__(self, device: torch.device) -> None:
        """Clock for work on a device."""
        self.device = device

    def __call__(self) -> tuple[float, float]:
        """Seconds, when all work is done."""
        if self.device.type != "cpu":
            torch.accelerator.synchronize()
        return time.perf_counter(), time.process_time()
