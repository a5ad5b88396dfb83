"""Facts of a knowledge graph as questions: a row for each triple whose relation has a template."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from loreweave.corpus.graphs.knowledge_graph import HEAD, RELATION, TAIL, GraphEntity, KnowledgeGraph
from loreweave.corpus.knowledge.relation_templates import RelationTemplate
from loreweave.errors import DataError
from loreweave.random_streams import stream


@dataclass
class FactsReport:
    """Rows of facts, and the counts of what was read and left out."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, kw_only=True)
class FactPolicy:
    """Which facts become questions.

    Attributes:
        splits: splits of the graph; empty: all.
        most_answers: maximum number of objects of a subject and relation; facts with more are left out. None: no maximum.
        most_facts: maximum number of facts per relation, drawn at random. None: no maximum.
        helpful_names: keep facts whose object is part of the name of the subject.
        seed: seed of the draw.
    """

    splits: tuple[str, ...] = ()
    most_answers: int | None = None
    most_facts: int | None = None
    helpful_names: bool = True
    seed: int = 0


def facts_of_graph(graph: KnowledgeGraph, templates: Mapping[str, RelationTemplate], policy: FactPolicy) -> FactsReport:
    """The facts of a graph, by relation and subject in the order of the graph.

    A row has the template, the names and ids of subject and object, the other names of the object, and `other_objects`: what
    else the whole graph has for this subject and relation, with all names and ids.

    Raises:
        DataError: the graph has no such split, or no relation with a template.
    """
    triples = _triples(graph, policy.splits)
    report = FactsReport(counts=Counter(triples=len(triples), relations=0, relations_without_template=0))
    every = _by_relation(_triples(graph, ()), len(graph.relations))
    asked = _by_relation(triples, len(graph.relations)) if policy.splits else every
    for number, relation in enumerate(graph.relations):
        pairs = _distinct(asked[number])
        template = templates.get(relation.id)
        if not len(pairs):
            continue
        if template is None:
            report.counts["relations_without_template"] += 1
            report.counts["triples_without_template"] += len(pairs)
            continue
        objects = _objects(every[number])
        facts = list(_facts(graph, pairs, template, relation.label, objects, policy, report.counts))
        if policy.most_facts is not None and len(facts) > policy.most_facts:
            chosen = stream(policy.seed, "facts of a relation", number).choice(len(facts), policy.most_facts, replace=False)
            report.counts["facts_not_drawn"] += len(facts) - policy.most_facts
            facts = [facts[index] for index in sorted(chosen)]
        report.counts["relations"] += bool(facts)
        report.rows += facts
    if not report.rows:
        raise DataError("found no fact whose relation has a template and whose names are known", path=graph.folder)
    return report


def _triples(graph: KnowledgeGraph, splits: Sequence[str]) -> np.ndarray:
    """Triples of the splits [triples, 3].

    Raises:
        DataError: the graph has no such split.
    """
    unknown = [split for split in splits if split not in graph.triples]
    if unknown:
        raise DataError(f"found no split {unknown[0]!r}, expected one of {', '.join(graph.triples)}", path=graph.folder)
    return np.concatenate([np.asarray(graph.triples[split]) for split in splits or graph.triples])


def _by_relation(triples: np.ndarray, relations: int) -> list[np.ndarray]:
    """Heads and tails of the triples of each relation, in the order of the triples. [relations][triples, 2]"""
    order = np.argsort(triples[:, RELATION], kind="stable")
    ends = np.cumsum(np.bincount(triples[:, RELATION], minlength=relations))
    return np.split(triples[order][:, [HEAD, TAIL]], ends[:-1])


def _distinct(pairs: np.ndarray) -> np.ndarray:
    """Pairs of one relation, each once, by head and tail. [distinct pairs, 2]"""
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    new = np.ones(len(pairs), bool)
    new[1:] = (np.diff(pairs, axis=0) != 0).any(axis=1)
    return pairs[new]


def _objects(pairs: np.ndarray) -> dict[int, list[int]]:
    """Head row -> tail rows of the pairs of one relation, each once."""
    found: dict[int, dict[int, None]] = {}
    for head, tail in pairs.tolist():
        found.setdefault(head, {})[tail] = None
    return {head: list(tails) for head, tails in found.items()}


def _facts(
    graph: KnowledgeGraph,
    pairs: np.ndarray,
    template: RelationTemplate,
    label: str,
    objects: Mapping[int, Sequence[int]],
    policy: FactPolicy,
    counts: Counter[str],
) -> Iterable[dict[str, Any]]:
    """Rows of the pairs of one relation."""
    for head, tail in pairs.tolist():
        subject, object, rivals = graph.entities[head], graph.entities[tail], objects[head]
        names = _names(object)
        if not _names(subject) or not names:
            counts["facts_without_names"] += 1
        elif policy.most_answers is not None and len(rivals) > policy.most_answers:
            counts["facts_with_too_many_answers"] += 1
        elif not policy.helpful_names and names[0].lower() in _names(subject)[0].lower():
            counts["facts_with_the_object_in_the_subject"] += 1
        else:
            others = [graph.entities[row] for row in rivals if row != tail]
            others = [other for other in others if (named := _names(other)) and named[0] not in names]
            yield {
                "id": f"{subject.id} {template.relation} {object.id}", "relation": template.relation,
                "relation_label": label or template.label, "template": template.template, "subject": _names(subject)[0],
                "subject_id": subject.id, "object": names[0], "object_id": object.id, "aliases": names[1:],
                "other_objects": [
                    {"object": _names(other)[0], "aliases": _names(other)[1:], "object_id": other.id} for other in others
                ],
            }  # fmt: skip


def _names(entity: GraphEntity) -> list[str]:
    """Label and aliases, each once."""
    given = (entity.label, *entity.aliases)
    return list(dict.fromkeys(name.strip() for name in given if name.strip()))
