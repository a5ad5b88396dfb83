"""Messages written byte by byte, as the format's specification has them."""

from __future__ import annotations

import pytest

from loreweave.corpus.files.protocol_buffers import BYTES, FIXED32, FIXED64, VARINT, read_fields


def test_every_wire_type() -> None:
    message = b"\x08\x96\x01" + b"\x12\x02hi" + b"\x1d\x00\x00\x80\x3f" + b"\x21" + bytes(8) + b"\x82\x01\x00"
    assert list(read_fields(message)) == [
        (1, VARINT, 150), (2, BYTES, b"hi"), (3, FIXED32, b"\x00\x00\x80\x3f"), (4, FIXED64, bytes(8)), (16, BYTES, b""),
    ]  # fmt: skip
    assert list(read_fields(b"")) == []


@pytest.mark.parametrize(
    ("message", "found"),
    [(b"\x12\x05hi", "a field of 5 bytes at byte 2 of 4"), (b"\x1d\x00", "a field of 4 bytes"), (b"\x0b", "wire type 3 at")],
)
def test_broken_messages(message: bytes, found: str) -> None:
    with pytest.raises(ValueError, match=found):
        list(read_fields(message))
    with pytest.raises(IndexError):
        list(read_fields(b"\x08\x96"))
