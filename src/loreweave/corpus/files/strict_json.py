"""JSON as it is written down: what Python's parser takes beyond it, or what loses data without a word, is an error.

That is `NaN`, `Infinity` and `-Infinity`, and a key that stands twice in one object, of which the parser keeps the last.
"""

from __future__ import annotations

import json
from typing import Any


class NotJsonError(Exception):
    """What the parser takes and JSON has not."""


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these keys and values, as `object_pairs_hook` of the parser.

    Raises:
        NotJsonError: a key stands twice.
    """
    row = dict(pairs)
    if len(row) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise NotJsonError(f"the key {twice!r} twice in one object, expected each key once")
    return row


def _no_constant(name: str) -> Any:
    raise NotJsonError(f"{name}, which JSON has not, expected a number or null")


DECODER = json.JSONDecoder(object_pairs_hook=unique_keys, parse_constant=_no_constant)
"""The parser. It raises `JSONDecodeError`, `NotJsonError`, `RecursionError`, and `ValueError` for numbers too long."""
