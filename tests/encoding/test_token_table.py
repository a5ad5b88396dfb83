from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loreweave.encoding.token_table import TokenTable, TokenTableBuilder, TokenTableWriter, open_array
from loreweave.errors import DataError

ROWS = st.lists(st.lists(st.integers(0, 2**16 - 1), max_size=6), max_size=12)


def rows_of(table: TokenTable) -> list[list[int]]:
    lengths = table.lengths(np.arange(len(table)))
    out = np.full((len(table), 1 + int(lengths.max(initial=0))), -1)
    table.place(np.arange(len(table)), lengths, out, np.ones(len(table), np.int64))
    assert (out[:, 0] == -1).all()
    return [line[1 : 1 + length].tolist() for line, length in zip(out, lengths, strict=True)]


@settings(deadline=None, max_examples=50)
@given(pieces=st.lists(ROWS, max_size=4), dtype=st.sampled_from([np.uint16, np.int32]))
def test_rows_come_back_from_memory_and_from_disk(
    pieces: list[list[list[int]]], dtype: type, tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected = [row for rows in pieces for row in rows]
    folder = tmp_path_factory.mktemp("table")
    builders = TokenTableBuilder(dtype), TokenTableWriter(folder, "written", dtype)
    TokenTable.of(expected, dtype).save(folder, "saved")
    for builder in builders:
        with builder:
            for rows in pieces:
                builder.add(rows)
    for table in (builders[0].table(), builders[1].table(), TokenTable.open(folder, "saved")):
        assert rows_of(table) == expected
        assert table.tokens.dtype == dtype


def test_the_header_holds_any_length(tmp_path: Path) -> None:
    with TokenTableWriter(tmp_path, "x", np.uint16) as writer:
        writer.add([[7] * 123_456])
    assert isinstance(writer.table().tokens, np.memmap)
    assert np.load(tmp_path / "x_tokens.npy").shape == (123_456,)


def test_some_tokens_of_some_rows_at_their_columns() -> None:
    table = TokenTable.of([[1, 2, 3], [], [4, 5]], np.uint16)
    out = np.zeros((3, 5), np.int64)
    table.place(np.array([2, 0, 2]), np.array([1, 3, 2]), out, np.array([4, 1, 0]))
    assert out.tolist() == [[0, 0, 0, 0, 4], [0, 1, 2, 3, 0], [4, 5, 0, 0, 0]]


@pytest.mark.parametrize("rows", [[0, 3], [-1]])
def test_rows_outside_the_table(rows: list[int]) -> None:
    table = TokenTable.of([[1], [2], [3]], np.uint16)
    with pytest.raises(IndexError, match=f"found the rows {min(rows)} to {max(rows)}, expected rows of 3"):
        table.lengths(np.array(rows))


def test_broken_files(tmp_path: Path) -> None:
    TokenTable.of([[1, 2], [3]], np.uint16).save(tmp_path, "x")
    np.save(tmp_path / "x_tokens.npy", np.zeros(4, np.uint16))
    with pytest.raises(DataError, match="x_tokens.npy: found 4 tokens, expected 3 as in x_offsets.npy"):
        TokenTable.open(tmp_path, "x")
    (tmp_path / "x_tokens.npy").write_bytes(b"")
    with pytest.raises(DataError, match="not a NumPy array"):
        TokenTable.open(tmp_path, "x")
    (tmp_path / "x_tokens.npy").unlink()
    with pytest.raises(DataError, match="x_tokens.npy: file not found"):
        TokenTable.open(tmp_path, "x")
    np.save(tmp_path / "y.npy", np.zeros((2, 2)))
    with pytest.raises(DataError, match=r"shape \(2, 2\) and type float64"):
        open_array(tmp_path / "y.npy")


def test_an_interrupted_writer_leaves_nothing_that_opens(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), TokenTableWriter(tmp_path, "x", np.uint16) as writer:
        writer.add([[1]])
        raise RuntimeError
    with pytest.raises(DataError, match="x_offsets.npy: file not found"):
        TokenTable.open(tmp_path, "x")
