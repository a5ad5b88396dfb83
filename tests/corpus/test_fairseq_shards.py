"""fairseq's binarised sequences: read, broken ones refused by file and byte."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from token_sequences import write_token_sequences

from loreweave.corpus.fairseq_shards import TYPES, TokenSequences
from loreweave.errors import DataError

INTEGERS = [dtype for dtype in TYPES.values() if dtype.kind in "iu"]


@st.composite
def typed_sequences(draw: st.DrawFn) -> tuple[np.dtype, list[list[int]]]:
    dtype = draw(st.sampled_from(INTEGERS))
    limits = np.iinfo(dtype)
    ids = st.integers(int(limits.min), min(int(limits.max), 2**62))
    return dtype, draw(st.lists(st.lists(ids, max_size=8), max_size=8))


@settings(max_examples=100, deadline=None)
@given(typed_sequences())
def test_sequences_of_every_type_are_read(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[np.dtype, list[list[int]]]
) -> None:
    dtype, sequences = case
    prefix = tmp_path_factory.mktemp("shard") / "train"
    write_token_sequences(prefix, sequences, dtype)
    read = TokenSequences(prefix)
    assert read.dtype == dtype and [ids.tolist() for ids in read] == sequences
    assert read[1:] == [] or [ids.tolist() for ids in read[1:]] == sequences[1:]


@pytest.mark.parametrize("code", list(TYPES))
def test_the_layout_byte_by_byte(tmp_path: Path, code: int) -> None:
    # two sequences, [7, 2] and [5], as fairseq lays them out; of floats too
    dtype = TYPES[code]
    (tmp_path / "train.bin").write_bytes(np.array([7, 2, 5], dtype).tobytes())
    index = b"MMIDIDX\x00\x00" + struct.pack("<QBQ", 1, code, 2) + struct.pack("<ii", 2, 1)
    (tmp_path / "train.idx").write_bytes(index + struct.pack("<qq", 0, 2 * dtype.itemsize))
    read = TokenSequences(tmp_path / "train")
    assert [ids.tolist() for ids in read] == [[7, 2], [5]] and len(read) == 2 and read.sizes.tolist() == [2, 1]
    read.check_ids(8)
    with pytest.raises(DataError, match=r"train\.bin: found the id 7.* in sequence 0, byte 0, expected an id below 6"):
        read.check_ids(6)


def broken(tmp_path: Path, index: bytes, data: bytes = b"\x01\x00\x02\x00") -> TokenSequences:
    (tmp_path / "train.idx").write_bytes(index)
    (tmp_path / "train.bin").write_bytes(data)
    return TokenSequences(tmp_path / "train")


GOOD = b"MMIDIDX\x00\x00" + struct.pack("<QBQ", 1, 8, 1) + struct.pack("<iq", 2, 0)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (b"TNTIDX\x00\x00" + GOOD[8:], "byte 0: an index of fairseq's older format"),
        (b"NUMPY" + GOOD[5:], "at byte 0, expected b'MMIDIDX"),
        (GOOD[:20], "found 20 bytes, expected a header of 26"),
        (GOOD[:9] + b"\x02" + GOOD[10:], "version 2 at byte 9"),
        (GOOD[:17] + b"\x63" + GOOD[18:], "type code 99 at byte 17"),
        (GOOD[:-1], "1 sequence at byte 18 and 37 bytes, expected 38"),
        (GOOD[:26] + struct.pack("<iq", 3, 0), "at byte 30, that sequence 0 is 3 ids of uint16 from byte 0"),
        (GOOD[:26] + struct.pack("<iq", 1, 1), "sequence 0 is 1 ids of uint16 from byte 1"),
        (GOOD[:26] + struct.pack("<iq", -1, 0), "sequence 0 is -1 ids"),
        (GOOD[:26] + struct.pack("<iq", 2, 2**63 - 2), "sequence 0 is 2 ids"),
    ],
)
def test_broken_indexes_are_named(tmp_path: Path, index: bytes, message: str) -> None:
    with pytest.raises(DataError, match=r"train\.idx") as error:
        broken(tmp_path, index)
    assert message in str(error.value)


def test_a_good_index_is_read(tmp_path: Path) -> None:
    assert broken(tmp_path, GOOD)[0].tolist() == [1, 2]


def test_missing_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "train.idx").write_bytes(GOOD)
    with pytest.raises(DataError, match=r"train\.bin: file not found"):
        TokenSequences(tmp_path / "train")
