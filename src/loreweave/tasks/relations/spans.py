"""Where the mentions of a relation stand: tokens to characters, blanks at edges, and names that a file gives beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loreweave.corpus.files.rows import LeftOut, Row, Span, check_span, field, trimmed
from loreweave.corpus.surfaces import (
    check_given_surface,
    check_surface,
    check_token_surface,
    other_counting,
    other_token_counting,
)
from loreweave.corpus.tokens import BLANK_EDGES
from loreweave.errors import DataError

OTHER_NAME = "mentions whose name differs from the text at their offsets (the text is used)"
GAPS = "discontinuous mentions (the tokens between the parts are included)"
"""What kept records go without, beside `BLANK_EDGES`: reasons that are counted."""


def token_span(places: Sequence[Span], start: int, end: int, name: str) -> Span:
    """Characters of the tokens from `start` to before `end`.

    Args:
        places: characters of each token.
        name: the field, for the message.

    Raises:
        DataError: no tokens, or tokens that are not there.
    """
    if not 0 <= start < end <= len(places):
        raise DataError(f"found the tokens {start} to {end} (excluded) of {len(places)}, expected some of them", field=name)
    return places[start][0], places[end - 1][1]


def pair_of_numbers(value: Sequence[Any], name: str) -> Span:
    """A list of two integers."""
    if len(value) != 2 or not all(type(place) is int for place in value):
        raise DataError(f"found {value!r}, expected [start, end]", field=name)
    return value[0], value[1]


def without_blanks(text: str, span: Span, name: str, account: list[LeftOut]) -> Span:
    """The span without white space at its edges, which is counted in `account`.

    Raises:
        DataError: there is nothing else in it, or it is not in the text.
    """
    check_span(text, *span, name)
    inner = trimmed(text, *span)
    if inner != span:
        account.append(LeftOut(BLANK_EDGES, of_record=True))
    return inner


def check_named_tokens(tokens: Sequence[str], start: int, end: int, given: Any, name: str, account: list[LeftOut]) -> None:
    """Count in `account` where a mention's name is not its tokens, as that of a lemma or of words that were cut otherwise.

    Raises:
        DataError: the name fits with another way of counting, which the message names; or it is no string.
    """
    try:
        check_token_surface(tokens, start, end, given, name)
    except DataError:
        if not isinstance(given, str) or other_token_counting(tokens, start, end, given):
            raise
        account.append(LeftOut(OTHER_NAME, of_record=True))


def check_named_characters(text: str, span: Span, given: Any, name: str, account: list[LeftOut]) -> None:
    """The same for characters."""
    try:
        check_surface(text, *span, given, name)
    except DataError:
        if not isinstance(given, str) or other_counting(text, *span, given):
            raise
        account.append(LeftOut(OTHER_NAME, of_record=True))


def checked(text: str, mention: Row, name: str) -> Span:
    """A mention's characters `start` to before `end`; where the file also gives its text, the two must agree.

    Raises:
        DataError: they do not, or one is missing.
    """
    start, end = field(mention, "start", int), field(mention, "end", int)
    check_given_surface(text, start, end, mention, f"{name}.")
    return start, end


def runs_of(tokens: Sequence[int]) -> list[Span]:
    """Runs of consecutive tokens, each with its end excluded.

    Example:
        >>> runs_of([4, 1, 2])
        [(1, 3), (4, 5)]
    """
    runs: list[Span] = []
    for token in sorted(set(tokens)):
        if runs and runs[-1][1] == token:
            runs[-1] = runs[-1][0], token + 1
        else:
            runs.append((token, token + 1))
    return runs


def scalars(row: Mapping[str, Any], used: Sequence[str]) -> dict[str, Any]:
    """What else a row says, without its columns of tokens."""
    return {name: value for name, value in row.items() if name not in used and isinstance(value, str | int | float)}
