"""Unpaired surrogates: JSON can contain them (`"\\ud83d"`), UTF-8 and tokenizers cannot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from loreweave.errors import DataError

_HALF = re.compile("[\ud800-\udfff]")


def has_half(text: str) -> bool:
    """Whether the text contains an unpaired surrogate."""
    # Most texts are ASCII, which is stored in the string: a graph has millions of them.
    return not text.isascii() and _HALF.search(text) is not None


def replace_halves(text: str) -> tuple[str, int]:
    """The text with U+FFFD for every unpaired surrogate, which keeps its length, and their number."""
    return _HALF.subn("\ufffd", text) if not text.isascii() else (text, 0)


def field_with_half(value: Any) -> str | None:
    """Place of the first unpaired surrogate in a JSON value (`text`, `tokens[3]`, `head.mention`); None if there is none."""
    if isinstance(value, str):
        return "" if has_half(value) else None
    if isinstance(value, Mapping):
        for name, part in value.items():
            if has_half(str(name)):
                return ascii(name)
            if (inside := field_with_half(part)) is not None:
                return f"{name}{'.' if inside and inside[0] != '[' else ''}{inside}"
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value):
            if (inside := field_with_half(part)) is not None:
                return f"[{number}]{'.' if inside and inside[0] != '[' else ''}{inside}"
    return None


def check_halves(row: Any) -> None:
    """Refuse a JSON value with an unpaired surrogate.

    Raises:
        DataError: names the field.
    """
    if (half := field_with_half(row)) is not None:
        raise DataError("found an unpaired surrogate, which is not a character", field=half)
