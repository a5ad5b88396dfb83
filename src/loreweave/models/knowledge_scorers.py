"""Scores of triples from the vectors of head, relation and tail (Wang et al. 2021, section 3).

Every scorer is a query and a similarity. The score is the similarity of the tail to the query made of head and relation, and
equally of the head to the query made of relation and tail, so ranking needs only queries and a similarity. Scores have no
margin (`KnowledgeEmbeddingHead.score` adds it), and are float32 whatever autocast or the inputs are.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any, ClassVar, get_args

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from loreweave.errors import ConfigurationError
from loreweave.metrics.similarity_kernels import Similarity
from loreweave.plugins import Registry

SIMILARITIES: tuple[Similarity, ...] = get_args(Similarity)
DISTANCES: tuple[Similarity, ...] = ("l1", "l2", "modulus")
"""Similarities to which a margin is added."""

_NUMBERS_AT_ONCE = 2**22


def exact(vectors: Tensor) -> Tensor:
    """Convert to at least float32, because half precision cannot distinguish close candidates."""
    return vectors if vectors.dtype == torch.float64 else vectors.float()


def similarity(kind: Similarity, query: Tensor, candidate: Tensor) -> Tensor:
    """Similarity of vectors [..., d] to one another, their leading shapes broadcast -> [...].

    The gradient of every distance is 0 at distance 0.
    """
    query, candidate = exact(query), exact(candidate)
    if kind == "dot":
        return (query * candidate).sum(-1)
    if kind == "modulus":
        return -torch.linalg.vector_norm((query - candidate).unflatten(-1, (-1, 2)), dim=-1).sum(-1)
    return -torch.linalg.vector_norm(query - candidate, ord=1 if kind == "l1" else 2, dim=-1)


def similarity_matrix(kind: Similarity, queries: Tensor, candidates: Tensor) -> Tensor:
    """Similarity of every query [n, d] to every candidate [m, d] -> [n, m].

    No [n, m, d] tensor is made. L1 and L2 use a kernel, which for L2 avoids the cancellation in |q|^2 - 2qe + |e|^2. The
    modulus processes a few queries at a time and recomputes their differences for the gradient.
    """
    queries, candidates = exact(queries), exact(candidates)
    if kind == "dot":
        with torch.autocast(queries.device.type, enabled=False):
            return queries @ candidates.T
    if kind == "modulus":
        parts = queries.split(max(1, _NUMBERS_AT_ONCE // max(1, candidates.numel())))
        return torch.cat([checkpoint(_modulus_matrix, part, candidates, use_reentrant=False) for part in parts])
    p = 1.0 if kind == "l1" else 2.0
    return -torch.cdist(queries, candidates, p=p, compute_mode="donot_use_mm_for_euclid_dist")


def _modulus_matrix(queries: Tensor, candidates: Tensor) -> Tensor:
    return similarity("modulus", queries[:, None], candidates)


class Scorer(ABC):
    """Scoring function. Vectors of entities are [..., d], of relations [..., relation_size(d)]; leading shapes broadcast."""

    name: ClassVar[str]
    similarity: ClassVar[Similarity]
    pairs: ClassVar[bool] = False
    """Whether a vector consists of d/2 pairs."""

    @abstractmethod
    def tail_query(self, head: Tensor, relation: Tensor) -> Tensor:
        """Query for the tail [..., d], float32."""

    @abstractmethod
    def head_query(self, relation: Tensor, tail: Tensor) -> Tensor:
        """Query for the head [..., d], float32."""

    def score(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """Scores of triples without margin [...], float32."""
        return similarity(self.similarity, self.tail_query(head, relation), tail)

    @property
    def has_margin(self) -> bool:
        """Whether the margin gamma is added: it is for distances, not for products."""
        return self.similarity in DISTANCES

    def relation_size(self, d: int) -> int:
        """Width of a relation's vector for entities of width `d`.

        Raises:
            ConfigurationError: `d` is odd and the scorer needs pairs.
        """
        if self.pairs and d % 2:
            raise ConfigurationError(f"{self.name}: found vectors of size {d}, expected an even size (pairs of numbers)")
        return d

    def relation_range(self, gamma: float, d: int) -> float:
        """Bound of the uniform initial values of relation vectors: (gamma + 2) / d, as in KEPLER (Wang et al. 2021)."""
        return (gamma + 2.0) / d


class _TransE(Scorer):
    """TransE: h + r should be near t (Bordes et al. 2013)."""

    def tail_query(self, head: Tensor, relation: Tensor) -> Tensor:
        return exact(head) + exact(relation)

    def head_query(self, relation: Tensor, tail: Tensor) -> Tensor:
        return exact(tail) - exact(relation)


class TransEL1(_TransE):
    """-|h + r - t|_1: KEPLER's paper, and the evaluation of its released code."""

    name, similarity = "transe_l1", "l1"


class TransEL2(_TransE):
    """-|h + r - t|_2: the training of KEPLER's released code."""

    name, similarity = "transe_l2", "l2"


class DistMult(Scorer):
    """sum h r t (Yang et al. 2015)."""

    name, similarity = "distmult", "dot"

    def tail_query(self, head: Tensor, relation: Tensor) -> Tensor:
        return exact(head) * exact(relation)

    def head_query(self, relation: Tensor, tail: Tensor) -> Tensor:
        return exact(relation) * exact(tail)


class ComplEx(Scorer):
    """Real part of sum h r conj(t) over complex numbers (Trouillon et al. 2016)."""

    name, similarity, pairs = "complex", "dot", True

    def tail_query(self, head: Tensor, relation: Tensor) -> Tensor:
        return _complex_product(exact(head), *_pair(exact(relation)))

    def head_query(self, relation: Tensor, tail: Tensor) -> Tensor:
        re, im = _pair(exact(relation))
        return _complex_product(exact(tail), re, -im)


class SimplE(Scorer):
    """sum h r t', where t' swaps the two members of each pair (Kazemi and Poole 2018; without their factor 1/2)."""

    name, similarity, pairs = "simple", "dot", True

    def tail_query(self, head: Tensor, relation: Tensor) -> Tensor:
        first, second = _pair(exact(head) * exact(relation))
        return _interleave(second, first)

    def head_query(self, relation: Tensor, tail: Tensor) -> Tensor:
        first, second = _pair(exact(tail))
        return exact(relation) * _interleave(second, first)


class RotatE(Scorer):
    """-sum |h exp(i r) - t| over complex numbers; a relation is d/2 phases (Sun et al. 2019).

    If a relation vector is wider, as one encoded from a text is, its first d/2 numbers are the phases.
    """

    name, similarity, pairs = "rotate", "modulus", True

    def relation_size(self, d: int) -> int:
        return super().relation_size(d) // 2

    def relation_range(self, gamma: float, d: int) -> float:
        """Pi: initial phases cover the whole circle."""
        return math.pi

    def tail_query(self, head: Tensor, relation: Tensor) -> Tensor:
        phase = self._phase(relation, head)
        return _complex_product(exact(head), phase.cos(), phase.sin())

    def head_query(self, relation: Tensor, tail: Tensor) -> Tensor:
        phase = self._phase(relation, tail)
        return _complex_product(exact(tail), phase.cos(), -phase.sin())

    def _phase(self, relation: Tensor, entity: Tensor) -> Tensor:
        return exact(relation)[..., : self.relation_size(entity.shape[-1])]


def _check(_: str, scorer: Any, known: Collection[str]) -> None:
    """Refuse what cannot work as a scorer."""
    if not isinstance(scorer, Scorer):
        raise ConfigurationError(f"found {scorer!r}, expected an instance of a subclass of Scorer")
    name, kind = getattr(scorer, "name", None), getattr(scorer, "similarity", None)
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"{type(scorer).__name__}.name: found {name!r}, expected a name such as 'transe_l1'")
    if kind not in SIMILARITIES:
        raise ConfigurationError(f"{type(scorer).__name__}.similarity: found {kind!r}, expected {', '.join(SIMILARITIES)}")


SCORERS: Registry[Scorer] = Registry(
    "a scorer",
    "loreweave.scorers",
    {scorer.name: scorer for scorer in (TransEL1(), TransEL2(), DistMult(), ComplEx(), SimplE(), RotatE())},
    _check,
)
"""Scorers by the name that settings and checkpoints use. Entry points of the group are `<name> = "<module>:<instance>"`."""


def register_scorer(scorer: Scorer) -> None:
    """Add a scorer for this process: `scorer=<name>` then works in every recipe and command, and checkpoints can name it.

    A package adds its scorers for every process by an entry point of the group `loreweave.scorers`.

    Raises:
        ConfigurationError: the name is taken, or this is no scorer.
    """
    SCORERS.register(scorer)


def scorer_named(name: str) -> Scorer:
    """Return the scorer of the given name.

    Raises:
        ConfigurationError: the name is unknown; the message lists all names.
    """
    if name not in SCORERS:
        raise ConfigurationError(f"found the scorer {name!r}, expected one of {', '.join(SCORERS)}")
    return SCORERS[name]


def _pair(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """[..., d] -> two of [..., d/2]: the real and the imaginary parts, or the first and second members."""
    return vectors[..., 0::2], vectors[..., 1::2]


def _interleave(first: Tensor, second: Tensor) -> Tensor:
    """Undo `_pair`."""
    return torch.stack([first, second], dim=-1).flatten(-2)


def _complex_product(vectors: Tensor, re: Tensor, im: Tensor) -> Tensor:
    """Multiply the complex numbers in `vectors` [..., d] by re + i im [..., d/2]."""
    own_re, own_im = _pair(vectors)
    return _interleave(own_re * re - own_im * im, own_re * im + own_im * re)
