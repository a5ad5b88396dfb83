"""`loreweave predict link-prediction`: the entities that best complete (head, relation, ?) or (?, relation, tail)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from loreweave.corpus.counts import listed
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, KnowledgeGraph
from loreweave.errors import DataError
from loreweave.metrics.known_answers import SIDES, KnownAnswers, Side
from loreweave.metrics.similarity_kernels import Similarity
from loreweave.models.knowledge_scorers import similarity_matrix
from loreweave.tasks.contract import Execution
from loreweave.tasks.jobs.queries import Answerer
from loreweave.tasks.link_prediction.encoding import EntityVectors, GraphEncoder, open_checkpoint, open_encoder
from loreweave.tasks.link_prediction.settings import PredictionSettings
from loreweave.training.finite import require_finite

_BLOCK = 16_384
"""Number of candidates that are scored at once."""

Row = Mapping[str, Any]
Name = str | GraphEntity
"""An id or a label; or an entity outside the graph, by its text."""


@dataclass(frozen=True)
class Query:
    """One question as it was given."""

    side: Side
    """Side that is predicted."""
    given: Name
    relation: str


def read_query(row: Row) -> Query:
    """Parse `{"head": ..., "relation": ..., "tail": null}`, or the same with the tail given and the head null.

    A given entity is an id, a label, or `{"label": ..., "description": ...}` for an entity outside the graph.

    Raises:
        DataError: not exactly one side is given, or a value has the wrong type.
    """
    given = [side for side in SIDES if row.get(side) is not None]
    if len(given) != 1:
        found = "both ends" if given else "neither end"
        raise DataError(f"found {found} given, expected either head or tail, and null for the other", field="head")
    name, relation = row[given[0]], row.get("relation")
    if not isinstance(relation, str):
        raise DataError(f"found {in_json(relation)}, expected the id or label of a relation", field="relation")
    side: Side = "tail" if given[0] == "head" else "head"
    return Query(side, _described(name, given[0]), relation)


def _described(name: Any, field: str) -> Name:
    if isinstance(name, str):
        return name
    if not isinstance(name, Mapping) or not {"label", "description"} >= set(name) or not any(name.values()):
        message = "expected an id or a label, or an object with label and description of an entity that is not in the graph"
        raise DataError(f"found {in_json(name)}, {message}", field=field)
    return GraphEntity("?", str(name.get("label") or ""), str(name.get("description") or ""))


class Names:
    """Finds entities and relations by id or label."""

    def __init__(self, graph: KnowledgeGraph) -> None:
        self.graph = graph
        self._relations: dict[str, list[int]] = {}
        for row, relation in enumerate(graph.relations):
            if relation.label:
                self._relations.setdefault(relation.label, []).append(row)
        self._relation_ids = {id: row for row, id in enumerate(graph.relation_ids)}

    def relation(self, name: str) -> int:
        """Row of a relation.

        Raises:
            DataError: unknown, or a label that several relations have.
        """
        for id in (name, name.strip()):  # graphs are built with ids trimmed
            if id in self._relation_ids:
                return self._relation_ids[id]
        return _only("relation", name, self._relations.get(name, []), self.graph.relation_ids)

    def entities(self, names: Sequence[str]) -> Callable[[str], int]:
        """A function from names to rows, which raises a `DataError` for unknown names and for labels of several entities.

        It scans all ids once; each name that is not an id needs a scan of the labels.
        """
        distinct = list(dict.fromkeys([*names, *(name.strip() for name in names)]))
        found = pc.index_in(pa.array(distinct, pa.string()), value_set=self.graph.entities.column("id")).to_pylist()
        rows = dict(zip(distinct, found, strict=True))

        def find(name: str) -> int:
            row = rows[name]
            if row is None:
                row = rows[name.strip()]  # graphs are built with ids trimmed
            if row is None:
                rows[name] = row = _only("entity", name, self._labelled(name), self.graph.entity_ids)
            return row

        return find

    def _labelled(self, name: str) -> list[int]:
        same = pc.equal(self.graph.entities.column("label"), pa.scalar(name))
        return pc.indices_nonzero(same).to_pylist() if name else []


def _only(kind: str, name: str, rows: list[int], ids: Sequence[str]) -> int:
    if len(rows) == 1:
        return rows[0]
    if not rows:
        raise DataError(f"found the {kind} {name!r}, which is neither an id nor a label in the graph")
    some = listed(ids[row] for row in rows)
    raise DataError(f"found the {kind} {name!r}, a label of {len(rows)}: give an id ({some})")


@dataclass
class _Asked:
    """A query with the rows of its names; an entity given by its text has none."""

    query: Query
    relation: int
    entity: int | None = None


class GraphAnswerer:
    """Answers queries about one graph with one checkpoint.

    Args:
        encoder: encoder of the graph.
        vectors: vectors of all its entities.
        top: number of answers per query.
        block_size: number of candidates scored at once.
        allow_self: whether the entity of a query is a candidate.
    """

    def __init__(
        self, encoder: GraphEncoder, vectors: EntityVectors, top: int, block_size: int, *, allow_self: bool = False
    ) -> None:
        self.encoder, self.vectors, self.graph = encoder, vectors, encoder.graph
        self.top, self.block_size, self.allow_self = min(top, self.graph.num_entities), block_size, allow_self
        self.names = Names(self.graph)
        triples = [np.asarray(rows) for rows in self.graph.triples.values()]
        self._known = {side: KnownAnswers(side, *triples) for side in SIDES}

    def read(self, row: Row, id: str) -> _Asked:
        """A query with the row of its relation; its entity is searched with those of its block.

        Raises:
            DataError: the query is malformed, or its relation is unknown.
        """
        query = read_query(row)
        if isinstance(query.given, GraphEntity) and self.encoder.texts is None:
            raise DataError("found an entity given by its text, but this checkpoint has a table of entities and no texts")
        return _Asked(query, self.names.relation(query.relation))

    def answer(self, asked: list[_Asked]) -> list[list[dict[str, Any]]]:
        """One answer per query; one pass over all entities for all queries.

        Raises:
            DataError: an entity is unknown.
        """
        find = self.names.entities([item.query.given for item in asked if isinstance(item.query.given, str)])
        for item in asked:
            if isinstance(item.query.given, str):
                item.entity = find(item.query.given)
        return [[found] for found in self._answer(asked)]

    def _answer(self, asked: Sequence[_Asked]) -> list[dict[str, Any]]:
        answers: dict[int, dict[str, Any]] = {}
        for side in SIDES:
            numbers = [number for number, item in enumerate(asked) if item.query.side == side]
            if not numbers:
                continue
            chosen = [asked[number] for number in numbers]
            scores, rows = top_answers(
                self._queries(side, chosen), self.vectors, self.encoder.checkpoint.similarity, self.top,
                block_size=self.block_size, device=self.encoder.device,
                excluded=None if self.allow_self else [item.entity for item in chosen],
            )  # fmt: skip
            for number, item, best, at in zip(numbers, chosen, scores, rows, strict=True):
                answers[number] = self._shown(item, best, at)
        return [answers[number] for number in range(len(asked))]

    def _queries(self, side: Side, asked: Sequence[_Asked]) -> Tensor:
        """Vectors of the questions [questions, d]; entities given by their texts are encoded as a separate graph."""
        described = [item.query.given for item in asked if isinstance(item.query.given, GraphEntity)]
        inside = [number for number, item in enumerate(asked) if item.entity is not None]
        outside = [number for number, item in enumerate(asked) if item.entity is None]
        relations = np.array([item.relation for item in asked], np.int64)
        parts = []
        if inside:
            entities = np.array([asked[number].entity for number in inside], np.int64)
            parts.append(self.encoder.queries(side, entities, relations[inside], self.vectors))
        if outside:
            apart = self.encoder.with_entities(described)
            rows = np.arange(len(described))
            parts.append(apart.queries(side, rows, relations[outside], apart.entities()))
        order = torch.argsort(torch.tensor([*inside, *outside]))
        return torch.cat(parts)[order]

    def _shown(self, item: _Asked, scores: Tensor, rows: Tensor) -> dict[str, Any]:
        graph, side = self.graph, item.query.side
        there = scores > -torch.inf  # all but the entity of the query, if there are no others
        scores, entities = scores[there], rows[there].numpy()
        known = np.zeros(len(entities), bool)
        if item.entity is not None:
            answers = self._known[side].of(np.array([item.entity]), np.array([item.relation]))
            known = answers.contain(np.zeros(len(entities), np.int64), entities)
        ids, labels = graph.entity_ids.take(entities), graph.entity_labels.take(entities)
        shown = [
            {"id": id, "label": label, "score": round(float(score), 6), "known": bool(true)}
            for id, label, score, true in zip(ids, labels, scores, known, strict=True)
        ]
        relation = graph.relations[item.relation]
        given = self._end(item)
        head, tail = (given, None) if side == "tail" else (None, given)
        return {"head": head, "relation": {"id": relation.id, "label": relation.label}, "tail": tail, "predicted": shown}

    def _end(self, item: _Asked) -> dict[str, str]:
        if isinstance(item.query.given, GraphEntity):
            return {"label": item.query.given.label, "description": item.query.given.description}
        assert item.entity is not None
        return {"id": self.graph.entity_ids[item.entity], "label": self.graph.entity_labels[item.entity]}


@torch.no_grad()
def top_answers(
    queries: Tensor,
    candidates: EntityVectors,
    similarity: Similarity,
    top: int,
    *,
    block_size: int,
    device: torch.device | str = "cpu",
    excluded: Sequence[int | None] | None = None,
) -> tuple[Tensor, Tensor]:
    """Best candidates of each query, block by block, without a matrix of queries x entities.

    Args:
        queries: [queries, d].
        excluded: candidate that is not an answer to a query, None if all are.

    Returns:
        Scores, best first, float32 [queries, top], minus infinity if there are too few candidates; rows of the candidates,
        int64 [queries, top]. Both on the CPU.

    Raises:
        CheckpointError: a score is not finite.
    """
    queries = queries.to(device)
    left_out = [(number, row) for number, row in enumerate(excluded or []) if row is not None]
    scores, rows = queries.new_empty(len(queries), 0), torch.empty(len(queries), 0, dtype=torch.long, device=device)
    start = 0
    for block in candidates.blocks(block_size):
        found = similarity_matrix(similarity, queries, block.to(device))
        require_finite(found, "the scores of answers")
        for number, row in left_out:
            if start <= row < start + len(block):
                found[number, row - start] = -torch.inf
        numbers = torch.arange(start, start + len(block), device=device).expand(len(queries), -1)
        start += len(block)
        best, places = torch.cat([scores, found], dim=1).topk(min(top, start), dim=1)
        scores, rows = best, torch.cat([rows, numbers], dim=1).gather(1, places)
    return scores.cpu(), rows.cpu()


def predict(model: Path, data: Path, settings: PredictionSettings, execution: Execution) -> Answerer:
    """See `contract.Task`.

    Raises:
        LoreweaveError: the graph or the checkpoint cannot be read or do not match.
    """
    graph, checkpoint, processes = open_checkpoint(model, data, settings, execution)
    encoder = open_encoder(checkpoint, graph, settings, execution, processes)
    vectors = encoder.entities()
    answers = GraphAnswerer(
        encoder.alone(), vectors, settings.top, settings.block_size or _BLOCK, allow_self=settings.allow_self
    )
    return Answerer(answers.read, answers.answer)
