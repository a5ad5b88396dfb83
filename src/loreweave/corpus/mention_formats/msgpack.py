"""The part of MessagePack that files use: numbers, strings, bytes, lists and objects. Extension types are refused."""

from __future__ import annotations

import struct
from typing import Any

from loreweave.corpus.counts import counted
from loreweave.errors import DataError

_NUMBERS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
_LENGTHS = {
    0xC4: (">B", "bytes"), 0xC5: (">H", "bytes"), 0xC6: (">I", "bytes"), 0xD9: (">B", "str"), 0xDA: (">H", "str"),
    0xDB: (">I", "str"), 0xDC: (">H", "list"), 0xDD: (">I", "list"), 0xDE: (">H", "dict"), 0xDF: (">I", "dict"),
}  # fmt: skip
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}


def unpack(data: bytes) -> Any:
    """The value in `data`.

    Raises:
        DataError: there is none, more than one, or one of an extension type.
    """
    reader = _Reader(data)
    try:
        value = reader.value()
    except (struct.error, UnicodeDecodeError, RecursionError, TypeError) as error:
        raise DataError(f"found broken MessagePack ({error})") from None
    if reader.place != len(data):
        raise DataError(f"found {counted(len(data) - reader.place, 'byte')} behind a value of MessagePack")
    return value


class _Reader:
    """Reads one value after the other."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def value(self) -> Any:
        head = self._number(">B")
        if head < 0x80:
            return head
        if head >= 0xE0:
            return head - 0x100
        if head < 0x90:
            return self._several("dict", head & 0x0F)
        if head < 0xA0:
            return self._several("list", head & 0x0F)
        if head < 0xC0:
            return self._several("str", head & 0x1F)
        if head in _CONSTANTS:
            return _CONSTANTS[head]
        if head in _NUMBERS:
            return self._number(_NUMBERS[head])
        if head in _LENGTHS:
            size, kind = _LENGTHS[head]
            return self._several(kind, self._number(size))
        raise DataError(f"found the type {head:#x} of MessagePack, expected no extension type")

    def _several(self, kind: str, length: int) -> Any:
        if kind == "dict":
            return {self.value(): self.value() for _ in range(length)}
        if kind == "list":
            return [self.value() for _ in range(length)]
        content = self._bytes(length)
        return content.decode("utf-8") if kind == "str" else content

    def _number(self, layout: str) -> Any:
        return struct.unpack(layout, self._bytes(struct.calcsize(layout)))[0]

    def _bytes(self, length: int) -> bytes:
        found = self.data[self.place : self.place + length]
        if len(found) != length:
            raise DataError("found the end of the data within a value of MessagePack")
        self.place += length
        return found
