"""Texts with mentions as queries of tasks on records."""

from __future__ import annotations

import pytest

from loreweave.errors import DataError
from loreweave.tasks.record_task import mention_rows, pair_rows, text_rows

TEXT = "Ann lives in Oslo"


def test_a_text_alone() -> None:
    assert text_rows(TEXT, []) == [{"text": TEXT}]
    with pytest.raises(DataError, match="found mentions, expected none: a query of this task is a text alone"):
        text_rows(TEXT, [(0, 3)])


def test_each_mention_is_a_query() -> None:
    assert mention_rows(TEXT, [(0, 3), (13, 17)]) == [
        {"id": "0-3", "text": TEXT, "start": 0, "end": 3},
        {"id": "13-17", "text": TEXT, "start": 13, "end": 17},
    ]


def test_head_and_tail_in_this_order() -> None:
    (row,) = pair_rows(TEXT, [(13, 17), (0, 3)])
    assert row == {"text": TEXT, "head": {"start": 13, "end": 17}, "tail": {"start": 0, "end": 3}}
    assert pair_rows(TEXT, []) == []
    with pytest.raises(DataError, match="found 1 mention, expected two: head and tail"):
        pair_rows(TEXT, [(0, 3)])
