"""Controls of `knowledge_starts.py`: the same data with as many targets, but without knowledge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph


def shuffle_links(texts: Iterable[AnnotatedText], seed: int) -> Iterator[AnnotatedText]:
    """Give the entity of each mention to a random other mention of all texts; entities stay as frequent as they were."""
    kept = list(texts)
    entities = [mention.entity for text in kept for mention in text.mentions]
    order = iter(np.random.default_rng(seed).permutation(len(entities)))
    for text in kept:
        yield replace(text, mentions=tuple(replace(mention, entity=entities[next(order)]) for mention in text.mentions))


def shuffle_tails(graph: Path, output: Path, seed: int) -> Path:
    """Write a graph whose training triples have the tail of a random other triple."""
    return _with_tails(graph, output, lambda train: np.random.default_rng(seed).permutation(train[:, 2]))


def own_tails(graph: Path, output: Path) -> Path:
    """Write a graph whose training triples have their head as tail: a description must be nearest to itself."""
    return _with_tails(graph, output, lambda train: train[:, 0])


def _with_tails(graph: Path, output: Path, tails: Callable[[np.ndarray], np.ndarray]) -> Path:
    if not output.exists():
        found = KnowledgeGraph.load(graph)
        train = np.array(found.triples["train"])
        train[:, 2] = tails(train)
        triples: Mapping[str, ArrayLike] = {**found.triples, "train": train}
        KnowledgeGraph.from_parts(found.entities, found.relations, triples).save(output)
    return output
