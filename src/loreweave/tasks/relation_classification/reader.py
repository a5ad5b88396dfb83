"""Files of relation classification, which it shares with few-shot relations, and a question from Python."""

from __future__ import annotations

from collections.abc import Sequence

from loreweave.errors import DataError
from loreweave.tasks.relation_files import FORMATS, NEGATIVE_LABELS, in_class_order, labels_of, negative_label, query, read
from loreweave.tasks.relation_record import RelationRecord

__all__ = ["FORMATS", "NEGATIVE_LABELS", "ask", "in_class_order", "labels_of", "negative_label", "query", "read"]


def ask(text: str, mentions: Sequence[tuple[int, int]], id: str) -> list[RelationRecord]:
    """The record of a text with its head and its tail, in this order; none without mentions.

    Raises:
        DataError: another number of mentions.
    """
    if not mentions:
        return []
    if len(mentions) != 2:
        raise DataError(f"found {len(mentions)} mentions of text {id}, expected two: head and tail", field="mentions")
    (head, head_end), (tail, tail_end) = mentions
    return [RelationRecord(id, text, (head, head_end), (tail, tail_end))]
