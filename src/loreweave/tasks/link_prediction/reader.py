"""Questions of a graph under a protocol: triples, candidates, and known answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from loreweave.corpus.counts import counted
from loreweave.corpus.graphs.knowledge_graph import HEAD, RELATION, TAIL, KnowledgeGraph
from loreweave.errors import ConfigurationError, DataError
from loreweave.metrics.ranking_metrics import entity_degrees
from loreweave.metrics.ranks import RankKind
from loreweave.tasks.link_prediction.settings import ProtocolName, Unseen
from loreweave.training.settings.configuration import unknown_name

Scope = Literal["graph", "world", "split"]
"""Scope: the whole graph; the splits over the same entities (`inductive_train`, `inductive_test`); the evaluated split."""


@dataclass(frozen=True)
class Protocol:
    """A published evaluation protocol.

    Attributes:
        summary: one line.
        ranks: kind of the ranks that the authors report; None if papers differ, or if sorting orders equal scores.
        split: default split.
        scope: entities that are candidates, and triples that are known answers.
        sampled: also rank among a few random wrong answers.
        newness: also report by which ends of a triple are not in `train`.
    """

    summary: str
    ranks: RankKind | None
    split: str
    scope: Scope
    sampled: bool = False
    newness: bool = False


PROTOCOLS: dict[ProtocolName, Protocol] = {
    "transductive": Protocol("all entities are candidates, all splits are filtered", None, "test", "graph"),
    "kepler-inductive": Protocol(
        "candidates and filter are the evaluated split's own (KEPLER, Wang et al. 2021; SimKGC and BLP on Wikidata5M)",
        "pessimistic",
        "test",
        "split",
    ),
    "blp": Protocol(
        "as transductive, and by which ends are new (BLP, Daza et al. 2021)",
        "realistic",
        "test",
        "graph",
        newness=True,
    ),
    "grail": Protocol(
        "entities and filter are the inductive graph's; also among a few random wrong answers (GraIL, Teru et al. 2020)",
        None,
        "inductive_test",
        "world",
        sampled=True,
    ),
}


@dataclass(frozen=True)
class LinkPredictionData:
    """Questions for a model.

    Attributes:
        graph: entities, relations and all splits.
        split: name of the evaluated split.
        protocol: name of the protocol.
        triples: head, relation and tail rows.  # int [triples, 3]
        candidates: rows of the ranked entities, ascending.  # int [candidates]
        known: splits whose triples are filtered.
        seen: whether an entity is in `train`.  # bool [entities]
        seen_relations: whether a relation is in `train`.  # bool [relations]
        degrees: number of triples of an entity in the graph given at evaluation (`train`, `inductive_train`).  # int [entities]
    """

    graph: KnowledgeGraph
    split: str
    protocol: ProtocolName
    triples: np.ndarray
    candidates: np.ndarray
    known: tuple[str, ...]
    seen: np.ndarray
    seen_relations: np.ndarray
    degrees: np.ndarray

    @property
    def known_triples(self) -> list[np.ndarray]:
        """Filtered triples, by split."""
        return [self.graph.triples[split] for split in self.known]

    @property
    def is_unseen(self) -> np.ndarray:
        """Whether a triple has an entity that is not in `train`.  # bool [triples]"""
        return ~(self.seen[self.triples[:, HEAD]] & self.seen[self.triples[:, TAIL]])

    @property
    def has_unseen_relation(self) -> np.ndarray:
        """Whether a triple has a relation that is not in `train`.  # bool [triples]"""
        return ~self.seen_relations[self.triples[:, RELATION]]


def read(graph: KnowledgeGraph, protocol: ProtocolName = "transductive", split: str | None = None) -> LinkPredictionData:
    """Questions of a protocol about a graph.

    Args:
        split: split of the triples. Default: that of the protocol.

    Raises:
        ConfigurationError: the graph has no such split.
        DataError: the split is empty.
    """
    chosen = PROTOCOLS[protocol]
    name = chosen.split if split is None else split
    if name not in graph.triples:
        raise ConfigurationError(f"setting 'split': the graph has no {name!r}{unknown_name(name, list(graph.triples))}")
    triples = np.asarray(graph.triples[name])
    if not len(triples):
        raise DataError("found no triples", field=name)
    known = scope(graph, name, chosen.scope)
    candidates = np.arange(graph.num_entities) if chosen.scope == "graph" else entities_of(graph, known)
    context = given_at(graph, name)
    given = graph.triples[context] if context in graph.triples else np.zeros((0, 3), np.int32)
    degrees = entity_degrees(given, graph.num_entities)
    seen, seen_relations = np.zeros(graph.num_entities, bool), np.zeros(graph.num_relations, bool)
    if "train" in graph.triples:
        train = np.asarray(graph.triples["train"])
        seen[train[:, [HEAD, TAIL]].ravel()] = True
        seen_relations[train[:, RELATION]] = True
    return LinkPredictionData(graph, name, protocol, triples, candidates, known, seen, seen_relations, degrees)


def given_at(graph: KnowledgeGraph, split: str) -> str:
    """Split that is given when another one is evaluated: `inductive_train` for `inductive_test`, otherwise `train`."""
    own = f"{split.rpartition('_')[0]}_train"
    return own if own in graph.triples else "train"


def scope(graph: KnowledgeGraph, split: str, kind: Scope) -> tuple[str, ...]:
    """Splits in a scope, for the evaluated split."""
    if kind == "split":
        return (split,)
    if kind == "graph":
        return tuple(graph.triples)
    return tuple(other for other in graph.triples if given_at(graph, other) == given_at(graph, split))


def entities_of(graph: KnowledgeGraph, splits: Sequence[str]) -> np.ndarray:
    """Rows of the entities in the triples of some splits, ascending."""
    there = np.zeros(graph.num_entities, bool)
    for split in splits:
        there[np.asarray(graph.triples[split])[:, [HEAD, TAIL]].ravel()] = True
    return np.flatnonzero(there)


def newness(data: LinkPredictionData) -> np.ndarray:
    """Ends of each triple that are not in `train`: `both`, `head`, `tail` or `none`.  # str [triples]"""
    head, tail = (~data.seen[data.triples[:, column]] for column in (HEAD, TAIL))
    return np.select([head & tail, head, tail], ["both", "head", "tail"], "none")


def without_unseen(data: LinkPredictionData, policy: Unseen) -> np.ndarray:
    """Whether a triple is scored under a policy.  # bool [triples]

    Raises:
        DataError: `skip` excludes all triples.
    """
    kept = ~data.is_unseen if policy == "skip" else np.ones(len(data.triples), bool)
    if not kept.any():
        raise DataError(
            f"found nothing to score: {counted(len(kept), 'triple')}, each with an entity that is not in train, which "
            "unseen=skip leaves out",
            field=data.split,
        )
    return kept


def named_triples(graph: KnowledgeGraph, triples: np.ndarray) -> list[dict[str, Any]]:
    """Ids of triples [triples, 3]: the rows of predictions, to which the ranks are added."""
    heads, tails = (graph.entity_ids.take(triples[:, column]) for column in (HEAD, TAIL))
    return [
        {"head": head, "relation": graph.relation_ids[relation], "tail": tail}
        for head, relation, tail in zip(heads, triples[:, RELATION], tails, strict=True)
    ]
