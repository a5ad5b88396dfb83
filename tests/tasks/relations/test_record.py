"""A record of two mentions: which spans it can have."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loreweave.errors import DataError
from loreweave.tasks.relations.record import RelationRecord


@given(st.text("ab ", max_size=8), *[st.integers(-2, 10)] * 4)
def test_a_record_has_two_different_mentions_or_is_refused(text: str, a: int, b: int, c: int, d: int) -> None:
    good = all(0 <= start < end <= len(text) and text[start:end].strip() for start, end in ((a, b), (c, d)))
    try:
        RelationRecord("0", text, (a, b), (c, d))
    except DataError:
        assert not good or (a, b) == (c, d)
    else:
        assert good and (a, b) != (c, d)
