from __future__ import annotations

import struct
from pathlib import Path

import pytest

from loreweave.encoding.words.sentencepiece import sentencepiece_backend
from loreweave.errors import CheckpointError


def chunk(field: int, content: bytes) -> bytes:
    return bytes([field << 3 | 2, len(content)]) + content


def model(pieces: list[tuple[str, float]], kind: int = 1) -> bytes:
    """A ModelProto by hand: pieces (1), trainer (2: model_type = 3), normalizer (3, without a table)."""
    written = b"".join(
        chunk(1, chunk(1, text.encode()) + bytes([2 << 3 | 5]) + struct.pack("<f", score)) for text, score in pieces
    )
    return written + chunk(2, bytes([3 << 3, kind])) + chunk(3, chunk(1, b"identity"))


PIECES = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0), ("▁a", -1.0), ("b", -2.0), ("▁", -3.0), ("ab", -9.0)]


def test_ids_are_those_of_xlm_r(tmp_path: Path) -> None:
    path = tmp_path / "m.model"
    path.write_bytes(model(PIECES))
    backend = sentencepiece_backend(path)
    # <s>=0 <pad>=1 </s>=2 <unk>=3 ▁a=4 b=5 ▁=6 ab=7
    assert backend.encode(" ab  b", add_special_tokens=False).ids == [4, 5, 6, 5]
    assert backend.encode("ac", "b").ids == [0, 4, 3, 2, 2, 6, 5, 2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a model", "found no SentencePiece model"),
        (model(PIECES)[:-3], "found no SentencePiece model"),
        (model(PIECES, kind=2), "of type 2, expected unigram"),
        (model(PIECES[3:]), "found the first pieces"),
        (b"", "found the first pieces"),
    ],
)
def test_other_files(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "m.model"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        sentencepiece_backend(path)
