"""Data that `knowledge_starts.py` makes of others: controls without knowledge, and descriptions without facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph


def shuffle_links(texts: Iterable[AnnotatedText], seed: int) -> Iterator[AnnotatedText]:
    """Give the entity of each mention to a random other mention of all texts; entities stay as frequent as they were."""
    kept = list(texts)
    entities = [mention.entity for text in kept for mention in text.mentions]
    order = iter(np.random.default_rng(seed).permutation(len(entities)))
    for text in kept:
        yield replace(text, mentions=tuple(replace(mention, entity=entities[next(order)]) for mention in text.mentions))


def shuffle_tails(graph: Path, output: Path, seed: int) -> Path:
    """Write a graph whose training triples have the tail of a random other triple."""
    if not output.exists():
        found = KnowledgeGraph.load(graph)
        train = np.array(found.triples["train"])
        train[:, 2] = np.random.default_rng(seed).permutation(train[:, 2])
        triples: Mapping[str, ArrayLike] = {**found.triples, "train": train}
        KnowledgeGraph.from_parts(found.entities, found.relations, triples).save(output)
    return output


def names_and_descriptions(graph: Path, output: Path, seed: int | None = None) -> Path:
    """Write a graph without the facts of another: its triples lead from the name of each entity to its description.

    Names and distinct descriptions are the entities. With a seed, each name has the description of a random other entity.
    """
    if not output.exists():
        described = [entity for entity in KnowledgeGraph.load(graph).entities if entity.label and entity.description]
        texts = [entity.description for entity in described]
        distinct = {text: len(described) + number for number, text in enumerate(dict.fromkeys(texts))}
        names = [GraphEntity(entity.id, entity.label) for entity in described]
        tails = np.array([distinct[text] for text in texts])
        tails = tails if seed is None else np.random.default_rng(seed).permutation(tails)
        triples = np.stack([np.arange(len(names)), np.zeros_like(tails), tails], axis=1)
        entities = [*names, *(GraphEntity(f"description {row}", text) for text, row in distinct.items())]
        relations = [GraphRelation("description", "description")]
        KnowledgeGraph.from_parts(entities, relations, {"train": triples}).save(output)
    return output
