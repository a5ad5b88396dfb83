"""Ranked lists of entities, of any system, against the triples of a graph: `loreweave score link-prediction`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.counts import counted
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.errors import DataError
from loreweave.metrics.known_answers import ANSWER_COLUMN, GIVEN_COLUMN, SIDES, KnownAnswers, Side
from loreweave.metrics.ranking_metrics import HITS
from loreweave.tasks.contract import Execution
from loreweave.tasks.files.predictions import PREDICTED, json_predictions, predicted_name
from loreweave.tasks.link_prediction.reader import RELATION, named_triples
from loreweave.tasks.link_prediction.settings import ScoringSettings
from loreweave.training.evaluation import Evaluation

Row = Mapping[str, Any]
Question = tuple[Side, int, int]
"""The side that is asked for, the row of the given entity, and the row of the relation."""


def score_predictions(
    gold: Path, predictions: Path, settings: ScoringSettings, execution: Execution
) -> tuple[Evaluation, dict[str, Any]]:
    """Filtered ranks of the gold entities in ranked lists.

    A line has `head`, `relation` and `tail`, of which the asked end is null, and `predicted`: ids of entities, best first
    (strings, or objects with `id` as `loreweave predict` writes them). Other known answers of any split are passed over. A
    gold entity that a list lacks counts as 0 in `mrr` and `hits_at_k`, which are therefore lower bounds if lists are cut.

    Raises:
        DataError: names the line; or the graph has no triple of the split, or the file no list for it.
    """
    graph = KnowledgeGraph.load(gold)
    if settings.split not in graph.triples:
        raise DataError(f"found no split {settings.split!r}, expected one of {', '.join(graph.triples)}", path=gold)
    triples = np.asarray(graph.triples[settings.split])
    if not len(triples):
        raise DataError(f"found no triple in the split {settings.split!r}, nothing can be scored", path=gold)
    lists = _read(predictions, graph)
    sides: tuple[Side, ...] = SIDES if settings.side == "both" else (settings.side,)
    unused = len(lists.keys() - {_question(side, triple) for side in sides for triple in triples})
    if unused == len(lists):
        expected = "some that give the relation and the head or tail of a triple"
        raise DataError(f"found no list for a question of {settings.split}, expected {expected}", path=predictions)
    ranks = {side: _ranks(side, triples, lists, graph) for side in sides}
    pooled = np.concatenate(list(ranks.values()))
    names: tuple[Any, ...] = sides if len(sides) == 1 else (*sides, "both")
    table = [{"side": name, **_row(ranks.get(name, pooled))} for name in names]
    evaluation = Evaluation(_metrics(pooled), _rows(graph, triples, ranks), {}, {"by_side": table})
    if unused:
        words = "answers no question of {} and is not scored", "answer no question of {} and are not scored"
        said = words[unused > 1].format(settings.split)
        evaluation.notes.append(f"{unused} of {counted(len(lists), 'list')} {said}")
    missing = int((pooled == 0).sum())
    if missing:
        evaluation.notes.append(
            f"{missing} of {counted(len(pooled), 'gold entity', 'gold entities')} in no list: each counts as 0, so that mrr "
            "and hits are lower bounds (lists of all entities have exact ones)"
        )
    return evaluation, {"records": len(triples), "split": settings.split, "lists": len(lists), "skipped": {}}


def _read(path: Path, graph: KnowledgeGraph) -> dict[Question, np.ndarray]:
    """The rows of the entities of each list, by question.

    Raises:
        DataError: names the line.
    """
    entities = {id: row for row, id in enumerate(graph.entity_ids)}
    relations = {id: row for row, id in enumerate(graph.relation_ids)}
    found = json_predictions(path, partial(_line, entities=entities, relations=relations))
    if not found:
        raise DataError("found no prediction", path=path)
    lists: dict[Question, np.ndarray] = {}
    for prediction in found:
        question, rows = prediction.value
        if question in lists:
            raise DataError("found a second list for the question of an earlier line", path=path, record=prediction.place)
        lists[question] = rows
    return lists


def _line(row: Row, entities: Mapping[str, int], relations: Mapping[str, int]) -> tuple[Question, np.ndarray]:
    """The question of a line and the rows of its entities, instead of their ids: lists of all entities are long."""
    ends = {side: row.get(side) for side in SIDES}
    asked = [side for side in SIDES if ends[side] is None]
    if len(asked) != 1:
        problem = "neither end is null" if not asked else "both ends are null"
        ranks = "head_rank" in row or "tail_rank" in row
        hint = "; this is a file of ranks from 'loreweave evaluate', expected lists from 'loreweave predict'" if ranks else ""
        raise DataError(f"{problem}, expected null for the end that was asked for{hint}", field="head")
    (side,) = asked
    given = SIDES[1 - SIDES.index(side)]
    name = predicted_name(row)
    answers = row.get(name)
    if not isinstance(answers, list):
        raise DataError(f"found {in_json(answers)}, expected a list of ids, best first", field=name)
    ids = [_id(each, name) for each in answers]
    entity = _row_of(_id(ends[given], given), entities, "entity")
    question: Question = (side, entity, _row_of(_id(row.get("relation"), "relation"), relations, "relation"))
    rows = np.array([_row_of(id, entities, "entity") for id in ids], np.int32)
    if len(np.unique(rows)) != len(rows):
        raise DataError("found an entity twice in one list", field=PREDICTED)
    return question, rows


def _row_of(id: str, rows: Mapping[str, int], kind: str) -> int:
    if id not in rows:
        raise DataError(f"found the id {id!r}, which is no {kind} of the graph")
    return rows[id]


def _id(value: Any, field: str) -> str:
    found = value.get("id") if isinstance(value, Mapping) else value
    if not isinstance(found, str):
        raise DataError(f"found {in_json(value)}, expected an id", field=field)
    return found


def _question(side: Side, triple: np.ndarray) -> Question:
    """The question whose answer is one side of a triple."""
    return side, int(triple[GIVEN_COLUMN[side]]), int(triple[RELATION])


def _ranks(side: Side, triples: np.ndarray, lists: Mapping[Question, np.ndarray], graph: KnowledgeGraph) -> np.ndarray:
    """The filtered rank of the gold entity of each triple [triples], from 1; 0 if its list lacks it or there is no list."""
    known = KnownAnswers(side, *(np.asarray(rows) for rows in graph.triples.values()))
    ranks = np.zeros(len(triples), np.int64)
    for number, triple in enumerate(triples):
        question, gold = _question(side, triple), int(triple[ANSWER_COLUMN[side]])
        listed = lists.get(question)
        if listed is None or not (listed == gold).any():
            continue
        place = int(np.flatnonzero(listed == gold)[0])
        answers = known.of(np.array([question[1]]), np.array([question[2]]))
        better = answers.contain(np.zeros(place, np.int64), listed[:place])
        ranks[number] = 1 + place - int(better.sum())
    return ranks


def _metrics(ranks: np.ndarray) -> dict[str, float]:
    inverse = np.where(ranks > 0, 1 / np.maximum(ranks, 1), 0.0)
    hits = {f"hits_at_{cut}": float(((ranks > 0) & (ranks <= cut)).mean()) for cut in HITS}
    return {"mrr": float(inverse.mean()), **hits}


def _row(ranks: np.ndarray) -> dict[str, Any]:
    return {"count": len(ranks), "listed": int((ranks > 0).sum()), **_metrics(ranks)}


def _rows(graph: KnowledgeGraph, triples: np.ndarray, ranks: Mapping[Side, np.ndarray]) -> list[dict[str, Any]]:
    """A row for each triple: its ids, and for each side the rank, null if the list lacks the gold entity."""
    rows = named_triples(graph, triples)
    for side, found in ranks.items():
        for row, rank in zip(rows, found.tolist(), strict=True):
            row[f"{side}_rank"] = rank or None
    return rows
