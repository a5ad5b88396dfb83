"""Shared inputs of mention tasks; the typing task's tests cover the rest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loreweave.tasks.mentions.inputs import normalise_brackets

PIECES = st.lists(st.sampled_from(["-LRB-", "-RSB-", " ", "a", "-", "LRB"]), min_size=1, max_size=12)


@given(PIECES, st.integers(0, 40), st.integers(1, 40))
def test_spans_stay_on_their_characters(pieces: list[str], start: int, length: int) -> None:
    text = "".join(pieces)
    start = min(start, len(text) - 1)
    end = min(start + length, len(text))
    changed, [(left, right)] = normalise_brackets(text, [(start, end)])
    inside, _ = normalise_brackets(text[start:end], [])
    assert changed[left:right] == inside
    assert "".join(normalise_brackets(part, [])[0] for part in (text[:start], text[start:end], text[end:])) == changed
