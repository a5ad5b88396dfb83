"""`metrics.jsonl`: what is appended is JSON, and half a line at the end is no line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loreweave.errors import DataError
from loreweave.training.runs.metric_lines import append_line, read_lines


def test_numbers_that_are_not_finite_are_null(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    append_line(path, {"step": 1, "grad_norm": float("inf"), "loss": 0.5, "note": "é"})
    assert path.read_text() == '{"step": 1, "grad_norm": null, "loss": 0.5, "note": "é"}\n'
    assert read_lines(path) == ([{"step": 1, "grad_norm": None, "loss": 0.5, "note": "é"}], False)
    assert read_lines(tmp_path / "missing") == ([], False)


@pytest.mark.parametrize("half", ['{"step": 3, "lo', '{"step": 3, "note": "caf\udcc3', "\0\0\0\0x", '{"step": 3', '"st'])
def test_half_a_line_at_the_end_is_left_out(tmp_path: Path, half: str) -> None:
    path = tmp_path / "metrics.jsonl"
    whole = [{"step": 1}, {"step": 2}]
    path.write_bytes("".join(json.dumps(row) + "\n" for row in whole).encode() + half.encode(errors="surrogateescape"))
    assert read_lines(path) == (whole, True)


def test_zeros_at_the_end_are_nothing_and_a_last_line_may_lack_its_end(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n{"step": 2}\n\0\0\0\0')
    assert read_lines(path) == ([{"step": 1}, {"step": 2}], False)
    path.write_bytes(b'{"step": 1}\n{"step": 2}')
    assert read_lines(path) == ([{"step": 1}, {"step": 2}], False)


def test_a_broken_line_before_others_is_named(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"st\n{"step": 3}\n')
    with pytest.raises(DataError, match="line 2: found broken JSON"):
        read_lines(path)
