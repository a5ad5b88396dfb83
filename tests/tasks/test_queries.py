"""Queries from files, pipes and terminals. (Their answers are tested with each task's jobs.)"""

from __future__ import annotations

import io

import pytest

from loreweave.errors import DataError
from loreweave.tasks.queries import block_size, read_queries


def test_a_terminal_is_answered_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    assert block_size("-", stream, 32) == 32 and block_size("queries.jsonl", stream, 32) > 32
    monkeypatch.setattr(stream, "isatty", lambda: True)
    assert block_size("-", stream, 32) == 1


def test_queries_from_standard_input() -> None:
    stream = io.StringIO('{"text": "Ann", "start": 0, "end": 3}\n\n{"text": 1}\n')
    rows = list(read_queries("-", stream))
    assert [place for place, _ in rows] == ["standard input, line 1", "standard input, line 3"]
    with pytest.raises(DataError, match="standard input, line 1"):
        list(read_queries("-", io.StringIO("[1]")))
    with pytest.raises(DataError, match="broken JSON"):
        list(read_queries("-", io.StringIO("{")))
