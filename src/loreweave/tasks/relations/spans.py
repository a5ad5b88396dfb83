"""Spans of a relation's mentions: tokens to characters, blanks at edges, and given names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loreweave.corpus.files.rows import LeftOut, Row, Span, check_span, field, trimmed
from loreweave.corpus.files.strict_json import in_json
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
"""Reasons, in addition to `BLANK_EDGES`, why kept records lose a part; they are counted."""


def token_span(places: Sequence[Span], start: int, end: int, name: str) -> Span:
    """Characters of the tokens from `start` to `end` (exclusive).

    Args:
        places: characters of each token.
        name: name of the field, for the message.

    Raises:
        DataError: no tokens, or tokens outside the sentence.
    """
    if not 0 <= start < end <= len(places):
        raise DataError(f"found the tokens {start} to {end} (excluded) of {len(places)}, expected some of them", field=name)
    return places[start][0], places[end - 1][1]


def check_relation(label: str, name: str) -> None:
    """Raise a DataError if the name of a relation is blank; `name` is its field."""
    if not label.strip():
        raise DataError(f"found {in_json(label)}, expected the name of a relation", field=name)


def pair_of_numbers(value: Sequence[Any], name: str) -> Span:
    """A list of two integers."""
    if len(value) != 2 or not all(type(place) is int for place in value):
        raise DataError(f"found {in_json(value)}, expected [start, end]", field=name)
    return value[0], value[1]


def without_blanks(text: str, span: Span, name: str, account: list[LeftOut]) -> Span:
    """The span without white space at its edges; what is removed is counted in `account`.

    Raises:
        DataError: it is blank, or outside the text.
    """
    check_span(text, *span, name)
    inner = trimmed(text, *span)
    if inner != span:
        account.append(LeftOut(BLANK_EDGES, of_record=True))
    return inner


def check_named_tokens(tokens: Sequence[str], start: int, end: int, given: Any, name: str, account: list[LeftOut]) -> None:
    """Count in `account` if a mention's name differs from its tokens, for example a lemma, or words split differently.

    Raises:
        DataError: the name fits another way of counting, which the message names; or it is not a string.
    """
    try:
        check_token_surface(tokens, start, end, given, name)
    except DataError:
        if not isinstance(given, str) or other_token_counting(tokens, start, end, given):
            raise
        account.append(LeftOut(OTHER_NAME, of_record=True))


def check_named_characters(text: str, span: Span, given: Any, name: str, account: list[LeftOut]) -> None:
    """The same check for characters."""
    try:
        check_surface(text, *span, given, name)
    except DataError:
        if not isinstance(given, str) or other_counting(text, *span, given):
            raise
        account.append(LeftOut(OTHER_NAME, of_record=True))


def checked(text: str, mention: Row, name: str) -> Span:
    """Characters `start` to `end` (exclusive) of a mention; if the file also gives its text, the two must agree.

    Raises:
        DataError: they differ, or one is missing.
    """
    start, end = field(mention, "start", int), field(mention, "end", int)
    check_given_surface(text, start, end, mention, f"{name}.")
    return start, end


def type_in(row: Mapping[str, Any], name: str) -> str | None:
    """The type of a mention in a field; None if there is no name of a type."""
    type = row.get(name)
    return type.strip() or None if isinstance(type, str) else None


def runs_of(tokens: Sequence[int]) -> list[Span]:
    """Runs of consecutive tokens, each with an exclusive end.

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
    """Everything else in a row, without its columns of tokens."""
    return {name: value for name, value in row.items() if name not in used and isinstance(value, str | int | float)}
