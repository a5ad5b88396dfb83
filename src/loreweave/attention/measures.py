"""Measures of captured attention: flow between classes of tokens, between single tokens, rollout, and statistics of heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loreweave.attention.captured import CLASSES, CapturedAttention, Tokens, Weights
from loreweave.errors import DataError

Numbers = NDArray[np.float64]
_SINKS = ("special", "separator")


@dataclass(frozen=True)
class Flow:
    """Attention between classes of tokens.

    Attributes:
        queries: classes of the query tokens, in the order of `CLASSES`.
        keys: classes of the key tokens.
        shares: [layer, query class, key class]; mean over the tokens and heads of the attention on all tokens of the class.
            Rows add up to 1.
        lift: shares divided by the share of the key class among all tokens. 1: attention does not depend on the class.
    """

    queries: list[str]
    keys: list[str]
    shares: Numbers
    lift: Numbers


def class_flow(example: CapturedAttention) -> Flow:
    """Flow between the classes of tokens that occur in an example."""
    queries, rows = _members(example.queries)
    keys, columns = _members(example.looked_at)
    mean = example.weights.mean(axis=1, dtype=np.float64)  # [layer, query, key]
    on_classes = np.stack([mean[:, :, column].sum(axis=2) for column in columns], axis=2)  # [layer, query, key class]
    shares = np.stack([on_classes[:, row].mean(axis=1) for row in rows], axis=1)
    sizes = np.array([len(column) for column in columns]) / len(example.looked_at)
    return Flow(queries, keys, shares, shares / sizes)


def quadrants(example: CapturedAttention) -> dict[str, Numbers]:
    """Attention from words and from entities on words and on entities, a share for each layer.

    These are the four cases for which entity-aware attention has queries of its own (Yamada et al. 2020, section 3.2).
    """
    entity = np.array([name == "entity" for name in example.queries.classes])
    mean = example.weights.mean(axis=1, dtype=np.float64)
    found = {}
    for query, rows in (("word", ~entity), ("entity", entity)):
        for key, columns in (("word", ~entity), ("entity", entity)):
            if rows.any():
                found[f"{query} -> {key}"] = mean[:, rows][:, :, columns].sum(axis=2).mean(axis=1)
    return found


def grounding(example: CapturedAttention) -> list[dict[str, Any]]:
    """Shares of each entity's attention on its own mention, on other mentions and on other words, by layer."""
    mean = example.weights.mean(axis=1, dtype=np.float64)
    count = len(example.queries) - len(example.entities)
    everywhere = {place for entity in example.entities for place in entity.words}
    rows = []
    for entity in example.entities:
        own = sorted(entity.words)
        others = sorted(everywhere - set(own))
        rest = sorted(set(range(count)) - everywhere)
        row = mean[:, entity.row]
        rows.append({
            "entity": entity.label, "row": entity.row, "own mention": row[:, own].sum(axis=1),
            "other mentions": row[:, others].sum(axis=1), "other words": row[:, rest].sum(axis=1),
            "entities": row[:, count:].sum(axis=1), "mention to entity": mean[:, own, entity.row].mean(axis=1),
        })  # fmt: skip
    return rows


def token_to_token(example: CapturedAttention, queries: Sequence[int], keys: Sequence[int]) -> Numbers:
    """Attention of tokens on others in each layer: mean over the queries of the sum over the keys [layer, head].

    Raises:
        DataError: a position outside the tokens, or none.
    """
    for what, places, tokens in (("query", queries, example.queries), ("key", keys, example.looked_at)):
        if not places or min(places) < 0 or max(places) >= len(tokens):
            raise DataError(f"found the {what} positions {list(places)}, expected some from 0 to {len(tokens) - 1}")
    chosen = example.weights[:, :, list(queries)][..., list(keys)]
    found: Numbers = chosen.sum(axis=3, dtype=np.float64).mean(axis=2)
    return found


def rollout(weights: Weights) -> Numbers:
    """Attention rollout (Abnar & Zuidema 2020): how much of each input token is mixed into each token [query, key].

    In each layer, the mean over the heads and the identity, which stands for the residual connection, count half each.

    Args:
        weights: [layer, head, query, key] of all layers, with the same queries and keys.
    """
    size = weights.shape[-1]
    total = np.eye(size)
    for layer in weights.mean(axis=1, dtype=np.float64):
        mixed = (layer + np.eye(size)) / 2
        total = (mixed / mixed.sum(axis=1, keepdims=True)) @ total
    return total


def head_statistics(example: CapturedAttention) -> dict[str, Numbers]:
    """Statistics of each head [layer, head]: means over its queries.

    `entropy` is divided by the logarithm of the number of tokens (0: all weight on one token, 1: equal weights). `distance` is
    in tokens; the place of an entity is the middle of its mention. `largest` is the largest weight of a row. `self`,
    `previous`, `next`, `separators` and `entities` are shares of the attention.
    """
    weights = example.weights.astype(np.float64)
    count_queries, count_keys = weights.shape[2:]
    from_place, to_place = _places(example, example.queries), _places(example, example.looked_at)
    logs = np.log(weights, out=np.zeros_like(weights), where=weights > 0)
    scale = np.log(count_keys) if count_keys > 1 else 1.0
    found = {
        "entropy": -(weights * logs).sum(axis=3).mean(axis=2) / scale,
        "distance": (weights * np.abs(from_place[:, None] - to_place)).sum(axis=3).mean(axis=2),
        "largest": weights.max(axis=3).mean(axis=2),
    }
    for name, offset in (("self", 0), ("previous", -1), ("next", 1)):
        band = np.eye(count_queries, count_keys, offset)
        found[name] = (weights * band).sum(axis=3).mean(axis=2)
    classes = example.looked_at.classes
    for name, members in (("separators", _SINKS), ("entities", ("entity",))):
        columns = [place for place, kind in enumerate(classes) if kind in members]
        found[name] = weights[..., columns].sum(axis=3).mean(axis=2)
    return found


def _members(tokens: Tokens) -> tuple[list[str], list[list[int]]]:
    """Classes that occur, and the places of their tokens."""
    found = {name: [place for place, kind in enumerate(tokens.classes) if kind == name] for name in CLASSES}
    there = {name: places for name, places in found.items() if places}
    return list(there), list(there.values())


def _places(example: CapturedAttention, tokens: Tokens) -> Numbers:
    """Place of each token in the sequence; an entity is in the middle of its mention."""
    places = np.arange(len(tokens), dtype=np.float64)
    if tokens is example.queries:
        for entity in example.entities:
            if entity.words:
                places[entity.row] = np.mean(entity.words)
    return places
