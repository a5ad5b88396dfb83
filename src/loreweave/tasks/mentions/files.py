"""Formats of `corpus.mention_formats` as formats of a task: texts with mentions become the task's records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.files.read_result import R
from loreweave.corpus.files.records import FileFormat
from loreweave.corpus.files.rows import LeftOut
from loreweave.corpus.mention_formats import MENTION_FORMATS, mention_format
from loreweave.corpus.mention_formats.marked import MentionFormat

Converter = Callable[[AnnotatedText], Iterable[R | LeftOut]]
"""A text with mentions -> records of a task, and what is left out."""


def file_format(format: MentionFormat, convert: Converter[R]) -> FileFormat[R]:
    """One format for a task; what the format leaves out stays left out."""

    def records(row: Any, number: str) -> Iterator[R | LeftOut]:
        for item in format.texts(row, number):
            if isinstance(item, LeftOut):
                yield item
            else:
                yield from convert(item)

    return FileFormat(format.summary, records, format.rows)


def file_formats(convert: Converter[R]) -> dict[str, FileFormat[R]]:
    """All formats: name of `--format` -> the format."""
    return {name: file_format(format, convert) for name, format in MENTION_FORMATS.items()}


def named_format(name: str, convert: Converter[R]) -> dict[str, FileFormat[R]]:
    """The format of that name, which may end in `:utf16` for offsets in UTF-16 code units; empty if there is none."""
    format = mention_format(name)
    return {} if format is None else {name: file_format(format, convert)}
