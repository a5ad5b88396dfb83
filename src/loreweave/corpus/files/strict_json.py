"""Strict JSON: input that Python's parser accepts although it is not JSON, or silently loses data, is an error.

That is `NaN`, `Infinity` and `-Infinity`, and a repeated key in one object, of which the parser keeps the last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from numbers import Number
from typing import Any


class NotJsonError(Exception):
    """Raised for input that the parser accepts but that is not JSON."""


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object from keys and values, as `object_pairs_hook` of the parser.

    Raises:
        NotJsonError: a key is repeated.
    """
    row = dict(pairs)
    if len(row) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise NotJsonError(f"the key {twice!r} twice in one object, expected each key once")
    return row


def kind_of(value: object, of: str = "") -> str:
    """The kind of a value in the words of JSON, with an article, for messages: "a list", "null".

    Args:
        value: a value that the parser returned, or one of the same types from a table.
        of: word before the kind, such as "JSON".

    Example:
        >>> kind_of([]), kind_of(1.5, "JSON"), kind_of(None, "JSON"), kind_of(True)
        ('a list', 'a JSON number', 'null', 'true')
    """
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    kind = next((name for types, name in _KINDS if isinstance(value, types)), type(value).__name__)
    return f"a {of} {kind}" if of else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def in_json(value: object) -> str:
    """A value for messages, as a JSON file has it: `null`, `true`, `["a", 1]`. A text is in single quotes, as in all messages.

    A value that JSON does not have is shown as in Python, a number of NumPy with its type. At most 80 characters are shown.

    Example:
        >>> in_json(None), in_json("a"), in_json(["a", 1.0]), in_json({("a", 1)})
        ('null', "'a'", '["a", 1.0]', "{('a', 1)}")
    """
    try:
        text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):  # also for keys that are no strings, and a list that contains itself
        text = f"{value} ({type(value).__name__})" if isinstance(value, Number) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def broken_json(error: json.JSONDecodeError) -> str:
    """What the parser found in text that is not JSON, for messages.

    Example:
        >>> broken_json(json.JSONDecodeError("Expecting value", "[,", 1))
        'broken JSON (Expecting value, column 2)'
    """
    joint = " " if error.msg.endswith(" at") else ", "  # the place belongs directly behind such a message
    return f"broken JSON ({error.msg}{joint}column {error.colno})"


_SHOWN = 80
_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (Mapping, "object"), ((list, tuple), "list"), (str, "text"), ((int, float), "number")
)  # fmt: skip


def _no_constant(name: str) -> Any:
    raise NotJsonError(f"{name}, which is not JSON, expected a number or null")


DECODER = json.JSONDecoder(object_pairs_hook=unique_keys, parse_constant=_no_constant)
"""The parser. It raises `JSONDecodeError`, `NotJsonError`, `RecursionError`, and `ValueError` for numbers that are too long."""
