"""The original's TFRecord sets, written here by hand."""

from __future__ import annotations

import gzip
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.build.tfrecord import (
    TfrecordReport,
    convert_tfrecord_set,
    masked_crc32c,
    parse_example,
    read_tfrecord_set,
    read_tfrecords,
)
from loreweave.errors import DataError

WIDTH = 4
FIRST = {
    "page_id": [7],
    "word_ids": [300, 5, 6, 50264, 8],
    "entity_ids": [9, 499_999],
    "entity_position_ids": [0, 1, 2, -1, 4, -1, -1, -1],
}
SECOND = {"word_ids": [1], "entity_ids": [3, 4], "entity_position_ids": [0, -1, -1, -1, -1, -1, -1, -1]}


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number: int, body: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(body)) + body


def example(features: dict[str, list[int]], packed: bool = True) -> bytes:
    entries = b""
    for name, values in features.items():
        encoded = list(map(varint, values))
        ints = field(1, b"".join(encoded)) if packed else b"".join(b"\x08" + value for value in encoded)
        entries += field(1, field(1, name.encode()) + field(2, field(3, ints)))
    return field(1, entries)


def record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc32c(length)) + data + struct.pack("<I", masked_crc32c(data))


def write_set(folder: Path, records: list[bytes], items: int | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "dataset.tf").write_bytes(gzip.compress(b"".join(records)))
    metadata = {
        "number_of_items": len(records) if items is None else items,
        "max_seq_length": 512,
        "max_entity_length": 128,
        "max_mention_length": WIDTH,
        "min_sentence_length": 5,
        "tokenizer_class": "RobertaTokenizer",
        "language": None,
    }
    (folder / "metadata.json").write_text(json.dumps(metadata))
    rows = [{"id": id, "entities": [[name, None]], "count": 0} for id, name in enumerate(["[PAD]", "[UNK]", "[MASK]"])]
    (folder / "entity_vocab.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def test_the_checksum_is_that_of_the_standard() -> None:
    # RFC 3720 B.4: 32 bytes of zeros have the CRC-32C 0x8A9136AA; TFRecord rotates it and adds its constant.
    crc = 0x8A9136AA
    assert masked_crc32c(bytes(32)) == (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


@pytest.mark.parametrize("packed", [True, False])
def test_windows_of_a_hand_written_set(tmp_path: Path, packed: bool) -> None:
    folder = write_set(tmp_path / "old", [record(example(row, packed)) for row in (FIRST, SECOND)])
    report = TfrecordReport()
    one, two = read_tfrecord_set(folder, report, check=True)
    assert (one.text_id, one.page_entity_id, one.word_ids) == ("dataset.tf:1", 7, [300, 5, 6, 50264, 8])
    assert (one.entity_ids, one.entity_starts, one.entity_lengths) == ([9, 499_999], [0, 4], [3, 1])
    assert (two.page_entity_id, two.entity_ids, two.entity_starts, two.entity_lengths) == (-1, [3], [0], [1])
    assert vars(report) == {"windows": 2, "mentions": 3, "mentions_dropped_without_positions": 1}


def test_a_set_is_converted(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "old", [record(example(FIRST))] * 3)
    assert convert_tfrecord_set(folder, tmp_path / "new", rows_per_shard=2).windows == 3
    opened = open_pretraining_set(tmp_path / "new", verify=True)
    assert opened.dataset[2]["entity_starts"] == [0, 4]
    assert opened.manifest["settings"]["max_mention_length"] == WIDTH
    assert opened.vocabulary.mask_id == 2
    with pytest.raises(DataError, match="no tokenizer"):
        opened.tokenizer()
    write_set(folder, [record(example(FIRST))], items=5)
    with pytest.raises(DataError, match=r"found 1 records, metadata\.json says 5"):
        convert_tfrecord_set(folder, tmp_path / "new", overwrite=True)
    assert len(open_pretraining_set(tmp_path / "new").dataset) == 3


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (record(example({**FIRST, "entity_position_ids": [0, 2, -1, -1, 4, -1, -1, -1]})), "not contiguous"),
        (record(example({**FIRST, "entity_position_ids": [0, 1, -1, -1]})), "found 4 positions, expected 2 x 4"),
        (record(example({**FIRST, "entity_position_ids": [0, -1, -1, -1, 4, 5, -1, -1]})), "outside the 5 words"),
        (record(example({"word_ids": [1]})), "found no feature entity_ids, entity_position_ids"),
        (record(field(1, field(1, field(1, b"word_ids") + field(2, field(1, b"bytes"))))), "no tf.train.Example"),
        (record(b"\x0a\x7f"), "no tf.train.Example"),
        (record(field(1, field(1, field(2, b"")))), "no tf.train.Example"),
        (record(example(FIRST))[:-2], "cut off"),
        (record(example(FIRST))[:5], "cut off"),
        (b"\x01" * 40, "checksum of the record's length"),
        (record(example(FIRST))[:-4] + b"abcd", "checksum of the record's data"),
    ],
)
def test_broken_records_are_named(tmp_path: Path, data: bytes, message: str) -> None:
    folder = write_set(tmp_path / "old", [record(example(FIRST)), data])
    with pytest.raises(DataError, match="line 2") as caught:
        list(read_tfrecord_set(folder, check=True))
    assert message in str(caught.value)


def test_files_that_are_no_sets(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="file not found"):
        list(read_tfrecords(tmp_path / "dataset.tf"))
    folder = write_set(tmp_path / "old", [record(example(FIRST))])
    (folder / "dataset.tf").write_bytes((folder / "dataset.tf").read_bytes()[:-9])
    with pytest.raises(DataError, match="broken compressed file"):
        list(read_tfrecords(folder / "dataset.tf"))
    whole = bytearray(gzip.compress(record(example(FIRST)) * 50))
    whole[10:20] = bytes(10 * [255])
    (folder / "dataset.tf").write_bytes(whole)
    with pytest.raises(DataError, match="broken compressed file"):
        list(read_tfrecords(folder / "dataset.tf"))
    (folder / "metadata.json").write_text("{}")
    with pytest.raises(DataError, match="found no number_of_items"):
        list(read_tfrecord_set(folder))


def test_plain_files_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "a.tf").write_bytes(record(b"one") + record(b""))
    assert list(read_tfrecords(tmp_path / "a.tf", check=True)) == [(1, b"one"), (2, b"")]


@given(st.dictionaries(st.text(max_size=5), st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20)), st.booleans())
def test_any_integers_round_trip(features: dict[str, list[int]], packed: bool) -> None:
    parsed = parse_example(example(features, packed))
    assert {name: values.tolist() for name, values in parsed.items()} == features
    assert all(values.dtype == np.int64 for values in parsed.values())
