"""Attention that another program has captured: arrays of any library, and caches of TransformerLens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from loreweave.attention.capture.tokens import SPECIAL_NAMES, is_punctuation
from loreweave.attention.captured import NOWHERE, CapturedAttention, EntityToken, Kind, Tokens, Weights
from loreweave.errors import DataError

_MARKS = ("Ġ", "▁", "Ċ", "##")
_TOLERANCE = 1e-2


def from_arrays(
    attention: Any,
    tokens: Sequence[str],
    key_tokens: Sequence[str] | None = None,
    *,
    kind: Kind = "self",
    sentence_b_start: int | None = None,
    entity_tokens: Mapping[int, Sequence[int]] | None = None,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    model: str = "model",
    id: str = "1",
    text: str | None = None,
) -> CapturedAttention:
    """Attention weights as transformers returns them, with the names of the tokens.

    Args:
        attention: one array [1, heads, query, key] or [heads, query, key] for each layer, or one array of all layers. Arrays of
            torch, NumPy, or anything that NumPy reads.
        tokens: names of the query tokens.
        key_tokens: names of the key tokens. Default: those of the query tokens.
        kind: kind of attention.
        sentence_b_start: position of the first token of the second text.
        entity_tokens: position of each entity among the tokens -> positions of its mention.
        layers: index of each layer in the model. Default: from 0.
        heads: index of each head. Default: from 0.
        model: name of the model.
        id: id of the example.
        text: the text. Default: the tokens, with spaces.

    Raises:
        DataError: the arrays do not fit the tokens, hold several examples, or are no probabilities.
    """
    weights = _stacked(attention)
    _check_entities(entity_tokens or {}, len(tokens))
    shown = [_readable(token) for token in tokens]
    entities = [
        EntityToken(row, shown[row], NOWHERE, NOWHERE, list(words)) for row, words in sorted((entity_tokens or {}).items())
    ]
    found = CapturedAttention(
        id=id,
        model=model,
        text=" ".join(shown) if text is None else text,
        kind=kind,
        queries=_tokens(tokens, {entity.row for entity in entities}),
        keys=None if key_tokens is None else _tokens(key_tokens, set()),
        weights=weights,
        layers=list(range(weights.shape[0])) if layers is None else list(layers),
        heads=list(range(weights.shape[1])) if heads is None else list(heads),
        entities=entities,
        sentences=[] if sentence_b_start is None else [int(place >= sentence_b_start) for place in range(len(tokens))],
    )
    sums = weights.sum(axis=-1)
    if weights.size and (weights.min() < 0 or np.abs(sums - 1).max() > _TOLERANCE):
        raise DataError(
            f"found rows that add up to {sums.min():.3f} to {sums.max():.3f}, expected probabilities that add up to 1: "
            "are these scores before the softmax, or weights after dropout?"
        )
    return found


def from_cache(cache: Mapping[str, Any], tokens: Sequence[str], batch_index: int = 0, **about: Any) -> CapturedAttention:
    """Attention in a cache of TransformerLens: `blocks.N.attn.hook_pattern`, [batch, head, query, key] of each layer.

    Raises:
        DataError: the cache has no patterns.
    """
    layers = {
        int(name.split(".")[1]): pattern
        for name, pattern in cache.items()
        if name.startswith("blocks.") and name.endswith(".attn.hook_pattern")
    }
    if not layers:
        raise DataError("found no blocks.N.attn.hook_pattern in the cache, expected the attention patterns of some layers")
    numbers = sorted(layers)
    arrays = [_array(layers[number]) for number in numbers]
    chosen = [array[batch_index] if array.ndim == 4 else array for array in arrays]
    return from_arrays(chosen, tokens, layers=numbers, **about)


def _check_entities(entities: Mapping[int, Sequence[int]], count: int) -> None:
    """Refuse positions outside the tokens.

    Raises:
        DataError: names the position.
    """
    for row, words in entities.items():
        if outside := [place for place in (row, *words) if not 0 <= place < count]:
            raise DataError(f"entity_tokens: found the position {outside[0]}, expected positions from 0 to {count - 1}")


def _stacked(attention: Any) -> Weights:
    """[layer, head, query, key]."""
    layers = [_array(layer) for layer in attention]
    if not layers:
        raise DataError(
            "found no attention weights: load the model with attn_implementation='eager', or use loreweave.attention.explore"
        )
    if any(layer.ndim == 4 and len(layer) != 1 for layer in layers):
        raise DataError(f"found a batch of {max(len(layer) for layer in layers)} examples, expected one: choose one of them")
    rows = [layer[0] if layer.ndim == 4 else layer for layer in layers]
    if any(row.ndim != 3 or row.shape != rows[0].shape for row in rows):
        shapes = ", ".join(str(list(row.shape)) for row in rows)
        raise DataError(f"found layers of shape {shapes}, expected the same [heads, tokens, tokens] in each")
    return np.stack(rows).astype(np.float32)


def _array(values: Any) -> np.ndarray:
    """An array of torch or of anything that NumPy reads."""
    if values is None:
        raise DataError("found no weights (None) in a layer: load the model with attn_implementation='eager'")
    if hasattr(values, "detach"):
        values = values.detach().float().cpu().numpy()
    return np.asarray(values, dtype=np.float32)


def _tokens(names: Sequence[str], entities: set[int]) -> Tokens:
    """Tokens of which only the names are known. A piece that continues a word has the number of this word."""
    words: list[int] = []
    spaced = any(name.startswith(("Ġ", "▁")) for name in names)
    count = -1
    for place, name in enumerate(names):
        if place in entities or name in SPECIAL_NAMES:
            words.append(NOWHERE)
            continue
        goes_on = name.startswith("##") or (spaced and not name.startswith(("Ġ", "▁")) and words and words[-1] >= 0)
        count += 0 if goes_on else 1
        words.append(max(count, 0))
    readable = [_readable(name) for name in names]
    classes = [
        "entity" if place in entities else SPECIAL_NAMES.get(name) or ("punctuation" if is_punctuation(shown) else "word")
        for place, (name, shown) in enumerate(zip(names, readable, strict=True))
    ]
    nowhere = [NOWHERE] * len(names)
    return Tokens(readable, list(names), classes, nowhere, nowhere, words)


def _readable(name: str) -> str:
    """A token without the marks of its vocabulary."""
    shown = name
    for mark in _MARKS:
        shown = shown.replace(mark, "") if mark != "##" else shown.removeprefix(mark)
    return shown or name
