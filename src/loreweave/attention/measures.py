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
Places = NDArray[np.int64]
_SINKS = ("special", "separator")
_OF_TEXT = ("word", "punctuation", "mention")


@dataclass(frozen=True)
class Flow:
    """Attention between classes of tokens.

    Attributes:
        queries: classes of the query tokens, in the order of `CLASSES`.
        keys: classes of the key tokens.
        shares: [layer, query class, key class]; mean over the tokens and heads of the attention on all tokens of the class.
            Rows add up to 1.
        lift: shares divided by those of equal weights on all keys that a query sees. 1: attention does not depend on the class;
            0 where no query sees the class, as in a decoder.
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
    return Flow(queries, keys, shares, _lift(example, shares, rows, columns))


def reach(example: CapturedAttention) -> Places:
    """Number of tokens before and after its own place that a token sees in each layer [layer, 2].

    Decoders mask what comes after a token, and windows of attention what is far from it; no query of any head then has a weight
    on it. If nothing is masked, both numbers are that of the tokens minus 1. Cross-attention is never masked.
    """
    layers, _, queries, keys = example.weights.shape
    if example.keys is not None:
        return np.full((layers, 2), max(queries, keys))
    ahead = np.arange(keys) - np.arange(queries)[:, None]  # [query, key]
    some = (example.weights > 0).any(axis=1)  # [layer, query, key]
    return np.stack([np.where(some, distance, 0).max(axis=(1, 2)) for distance in (-ahead, ahead)], axis=1)


def seen_keys(example: CapturedAttention) -> tuple[Places, Places]:
    """First key, and the key after the last one, that each query sees in each layer [layer, query] (see `reach`)."""
    before, after = (place[:, None] for place in reach(example).T)  # [layer, 1]
    here = np.arange(len(example.queries))
    return np.maximum(0, here - before), np.minimum(len(example.looked_at), here + after + 1)


def sees(example: CapturedAttention, queries: Sequence[int], keys: Sequence[int]) -> bool:
    """Whether one of the queries sees one of the keys in some layer; in a decoder, a token does not see those after it."""
    first, end = (places[:, list(queries)] for places in seen_keys(example))
    return any(bool(((first <= key) & (key < end)).any()) for key in keys)


def _lift(example: CapturedAttention, shares: Numbers, rows: list[list[int]], columns: list[list[int]]) -> Numbers:
    """Shares divided by those of equal weights on the keys that are seen."""
    first, end = (place[..., None] for place in seen_keys(example))  # [layer, query, 1]
    places = np.arange(len(example.looked_at))
    equal = ((places >= first) & (places < end)) / (end - first)  # [layer, query, key]
    on_classes = np.stack([equal[:, :, column].sum(axis=2) for column in columns], axis=2)
    expected = np.stack([on_classes[:, row].mean(axis=1) for row in rows], axis=1)
    return np.divide(shares, expected, out=np.zeros_like(shares), where=expected > 0)


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
    """Shares of the attention of each entity that has words, by layer. They add up to 1.

    The shares are those on its own mention, on other mentions, on other words, on entities, and on special tokens and markers
    outside of mentions. `mention to entity` is the mean weight from the tokens of its mention back to it.
    """
    mean = example.weights.mean(axis=1, dtype=np.float64)
    classes = example.queries.classes
    everywhere = {place for entity in example.entities for place in entity.words}
    outside = {place: kind for place, kind in enumerate(classes) if place not in everywhere}
    rest = {
        "other words": [place for place, kind in outside.items() if kind in _OF_TEXT],
        "entities": [place for place, kind in outside.items() if kind == "entity"],
        "special tokens and markers": [place for place, kind in outside.items() if kind not in (*_OF_TEXT, "entity")],
    }
    rows = []
    for entity in (one for one in example.entities if one.words):
        own = sorted(entity.words)
        places = {"own mention": own, "other mentions": sorted(everywhere - set(own)), **rest}
        shares = {name: mean[:, entity.row, columns].sum(axis=1) for name, columns in places.items()}
        back = {"mention to entity": mean[:, own, entity.row].mean(axis=1)}
        rows.append({"entity": entity.label, "row": entity.row, **shares, **back})
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

    `entropy` is 0 if all weight is on one token, and 1 for equal weights on all tokens that a query sees (see
    `relative_entropy`). `distance` is in tokens; the place of an entity is the middle of its mention. `largest` is the largest
    weight of a row. `self`, `previous`, `next`, `separators` and `entities` are shares of the attention. Entities have no
    neighbours: they are neither the previous nor the next token of another.
    """
    weights = example.weights.astype(np.float64)
    count_queries, count_keys = weights.shape[2:]
    from_place, to_place = _places(example, example.queries), _places(example, example.looked_at)
    found = {
        "entropy": relative_entropy(example),
        "distance": (weights * np.abs(from_place[:, None] - to_place)).sum(axis=3).mean(axis=2),
        "largest": weights.max(axis=3).mean(axis=2),
    }
    classes = example.looked_at.classes
    of_text = np.array([kind != "entity" for kind in example.queries.classes])[:, None] & [kind != "entity" for kind in classes]
    for name, offset in (("self", 0), ("previous", -1), ("next", 1)):
        band = np.eye(count_queries, count_keys, offset) * (1 if name == "self" else of_text)
        found[name] = (weights * band).sum(axis=3).mean(axis=2)
    for name, members in (("separators", _SINKS), ("entities", ("entity",))):
        columns = [place for place, kind in enumerate(classes) if kind in members]
        found[name] = weights[..., columns].sum(axis=3).mean(axis=2)
    return found


def relative_entropy(example: CapturedAttention) -> Numbers:
    """Entropy of the rows of each head, divided by the largest that a row can have [layer, head].

    That is the logarithm of the number of keys that the query sees: in a decoder, i + 1 for query i. A query that sees one key
    only is not counted, because it has no choice; 0 if there is no other.
    """
    weights = example.weights.astype(np.float64)
    logs = np.log(weights, out=np.zeros_like(weights), where=weights > 0)
    first, end = seen_keys(example)
    largest = np.log(end - first)[:, None]  # [layer, 1, query]
    counted = largest > 0
    shares = np.divide(-(weights * logs).sum(axis=3), largest, out=np.zeros(weights.shape[:3]), where=counted)
    found: Numbers = shares.sum(axis=2) / np.maximum(1, counted.sum(axis=2))
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
