"""Chooses the word tokens to keep if a text is longer than the model can read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from loreweave.corpus.counts import counted
from loreweave.encoding.encoded_text import Span
from loreweave.errors import ConfigurationError

Truncation = Literal["longest_first", "only_first", "only_second"]
TRUNCATIONS: tuple[Truncation, ...] = ("longest_first", "only_first", "only_second")


def lengths_within(first: int, second: int, budget: int, truncation: Truncation) -> tuple[int, int]:
    """Lengths of two texts after truncation to `budget` tokens together.

    `longest_first` removes tokens from the longer text until both are equally long, then from both in turn, as
    transformers does.

    Raises:
        ConfigurationError: the text that must stay whole is longer than `budget`.
    """
    budget = max(0, budget)
    if first + second <= budget:
        return first, second
    if truncation == "longest_first":
        half = budget // 2
        if first <= budget - half:
            return first, budget - first
        return (budget - second, second) if second <= half else (budget - half, half)
    fixed = second if truncation == "only_first" else first
    if fixed > budget:
        raise ConfigurationError(
            f"found {counted(fixed, 'token')} in the text that {truncation!r} does not truncate, expected at most {budget}; "
            "shorten that text, raise max_length or use truncation='longest_first'"
        )
    return (budget - fixed, fixed) if truncation == "only_first" else (fixed, budget - fixed)


def window_on_mentions(length: int, mentions: Sequence[Span], budget: int) -> list[int]:
    """Indices of the `budget` tokens to keep, which include all mentions.

    If all mentions fit, they and everything between them are kept, in the middle of one window. Otherwise the
    markers (first and last token of each mention) are kept, then as much of each mention as possible from its start,
    then the tokens nearest to a mention; tokens between distant mentions are lost.

    Args:
        length: number of tokens.
        mentions: token spans, markers included.
        budget: number of tokens to keep, at most `length`.

    Raises:
        ConfigurationError: the markers alone do not fit.
    """
    left, right = min(start for start, _ in mentions), max(end for _, end in mentions)
    if right - left <= budget:
        start = min(max(0, (left + right - budget) // 2), length - budget)
        return list(range(start, start + budget))
    ends = {position for start, end in mentions for position in (start, end - 1)}
    if len(ends) > budget:
        raise ConfigurationError(f"found room for {counted(budget, 'token')}, expected at least {len(ends)} for the markers")

    def rank(token: int) -> tuple[int, int]:
        inside = [token - start for start, end in mentions if start <= token < end]
        if token in ends:
            return 0, 0
        if inside:
            return 1, min(inside)
        return 2, min(start - token if token < start else token - end + 1 for start, end in mentions)

    return sorted(sorted(range(length), key=rank)[:budget])
