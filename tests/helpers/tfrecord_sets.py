"""The original repository's pre-training sets, written by hand."""

from __future__ import annotations

import gzip
import json
import struct
from pathlib import Path

from loreweave.build.tfrecord import masked_crc32c

WIDTH, ENTITIES = 4, 500_000
FIRST = {
    "page_id": [7],
    "word_ids": [300, 5, 6, 50264, 8],
    "entity_ids": [9, 499_999],
    "entity_position_ids": [0, 1, 2, -1, 4, -1, -1, -1],
}
SHORT = {**FIRST, "word_ids": [300, 5, 6, 7, 8]}
"""Its ids are those of any vocabulary."""
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
    names = {0: "[PAD]", 1: "[UNK]", 2: "[MASK]", ENTITIES - 1: "Last"}
    rows = [{"id": id, "entities": [[name, None]], "count": 0} for id, name in names.items()]
    (folder / "entity_vocab.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder
