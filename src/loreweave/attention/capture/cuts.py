"""Texts that are longer than what a model reads of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loreweave.attention.captured import NOWHERE, CapturedAttention, Tokens

_OUTSIDE = ("special", "separator", "marker", "entity")
"""Classes of tokens that are no sub-words of the text."""


def cut_of(text: str, tokenizer: Any, parts: Sequence[CapturedAttention]) -> str:
    """What a model read of a text, in words; empty if it read all of it.

    A sub-word counts as lost if no token of any part covers one of its characters. Tokens without characters in the text, such
    as an unknown one, are no loss: the parts then have as many tokens as the text.

    Args:
        text: the text.
        tokenizer: tokenizer of transformers for the words.
        parts: all that the model read for the text: one part, or several windows.
    """
    fast = bool(getattr(tokenizer, "is_fast", False))
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=fast, verbose=False)
    total = len(encoded["input_ids"])
    if sum(_sub_words(part.queries) for part in parts) >= total:
        return ""
    covered = sorted(
        (start, end)
        for part in parts
        for start, end in zip(part.queries.starts, part.queries.ends, strict=True)
        if start != NOWHERE
    )
    if not covered:
        return ""
    if not fast:
        read = min(total, max(_sub_words(part.queries) for part in parts))
        return f"read {read:,} of {total:,} sub-words"
    seen = {place for start, end in covered for place in range(start, end)}
    spans = [(int(start), int(end)) for start, end in encoded["offset_mapping"]]
    kept = [not seen.isdisjoint(range(start, end)) for start, end in spans if end > start]
    if all(kept):
        return ""
    read = sum(kept)
    first = "the first " if all(kept[:read]) else ""
    return f"read {first}{read:,} of {len(kept):,} sub-words"


def told_cuts(model: str, cuts: Mapping[str, str]) -> str:
    """A message about texts that are longer than what a model reads; `cuts` has what was read, by the name of the text."""
    first, cut = next(iter(cuts.items()))
    which = first if len(cuts) == 1 else f"{len(cuts)} texts, the first is {first}"
    return f"{model}: the text is too long for the model ({which}): {cut}"


def behind_the_end(captured: CapturedAttention, mentions: Sequence[tuple[int, int]]) -> list[str]:
    """The mentions that a model did not read, because it read only the beginning of the text, as they are written there."""
    end = max(captured.queries.ends, default=NOWHERE)
    if not captured.cut or end == NOWHERE:
        return []
    return [f"{captured.text[start:stop]!r} ({start}-{stop})" for start, stop in mentions if stop > end]


def _sub_words(tokens: Tokens) -> int:
    return sum(kind not in _OUTSIDE for kind in tokens.classes)
