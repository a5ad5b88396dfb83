"""Held-out parts and fractions of training records."""

from __future__ import annotations

import pytest

from loreweave.errors import DataError
from loreweave.tasks.entity_typing.reader import TypingRecord
from loreweave.tasks.files.splits import hold_out, take_fraction

RECORDS = [TypingRecord(str(n), f"Ann {n // 2}", 0, 3, ("person",), {"doc": f"d{n // 7}"}) for n in range(100)]


def text_of(record: TypingRecord) -> str:
    return record.text


def test_documents_stay_whole() -> None:
    rest, part = hold_out(RECORDS, 0.1, "doc", seed=3, text_of=text_of)
    assert not {r.metadata["doc"] for r in rest} & {r.metadata["doc"] for r in part}
    assert 10 <= len(part) <= 16 and len(rest) + len(part) == 100
    assert [int(r.id) for r in rest] == sorted(int(r.id) for r in rest)


def test_the_split_is_a_function_of_the_seed() -> None:
    assert hold_out(RECORDS, 0.2, None, 1, text_of=text_of) == hold_out(RECORDS, 0.2, None, 1, text_of=text_of)
    assert hold_out(RECORDS, 0.2, None, 1, text_of=text_of) != hold_out(RECORDS, 0.2, None, 2, text_of=text_of)
    rest, part = hold_out(RECORDS, 0.2, None, 1, text_of=text_of)
    assert len(part) == 20 and not {r.text for r in rest} & {r.text for r in part}  # two mentions of a text stay together


def test_impossible_splits() -> None:
    with pytest.raises(DataError, match="'entity' to split by, but doc"):
        hold_out(RECORDS, 0.1, "entity", 0, text_of=text_of)
    with pytest.raises(DataError, match="1 group"):
        hold_out(RECORDS[:7], 0.1, "doc", 0, text_of=text_of)


def test_fractions_are_nested() -> None:
    small, large = ({r.id for r in take_fraction(RECORDS, part, seed=5)} for part in (0.1, 0.4))
    assert len(small) == 10 and len(large) == 40 and small < large
    assert take_fraction(RECORDS, 1.0, 5) == RECORDS
    assert len(take_fraction(RECORDS, 1e-6, 5)) == 1


def test_more_than_all_is_drawn_with_replacement() -> None:
    drawn = take_fraction(RECORDS, 1.5, seed=5)
    assert len(drawn) == 150 and len({r.id for r in drawn}) < 100
