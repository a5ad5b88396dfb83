"""Encodes records: one mention with a marker on either side (Yamada et al. 2020). The target is one row of 0 and 1, or the
number of the type for a model that predicts one type."""

from __future__ import annotations

from collections.abc import Sequence

from loreweave.encoding import EntityTokenizer
from loreweave.errors import DataError
from loreweave.tasks.entity_typing.reader import TypingRecord, gold_rows, mentions_of
from loreweave.tasks.entity_typing.settings import not_one_label
from loreweave.tasks.mentions.inputs import MarkerEncoding, MentionEncoding


def luke_encoding(tokenizer: EntityTokenizer, multi_label: bool = True) -> MentionEncoding:
    """For a LUKE: the mention with its markers is a [MASK] entity."""
    return MentionEncoding(tokenizer, "entity_classification", mentions_of, _targets if multi_label else _numbers)


def marker_encoding(
    tokenizer: EntityTokenizer, multi_label: bool = True, *, shift: int = 0, second_end: bool = False
) -> MarkerEncoding:
    """For a plain encoder: the mention between two different markers; see `MarkerEncoding` for the rest."""
    closing = tokenizer.words.id_of(tokenizer.entity_token_2)
    assert closing is not None, "the markers are added when the model is built"
    return MarkerEncoding(
        tokenizer, "entity_classification", mentions_of, _targets if multi_label else _numbers,
        end_markers=(closing,), shift=shift, second_end=second_end,
    )  # fmt: skip


def _targets(records: Sequence[TypingRecord], labels: Sequence[str]) -> list[list[float]]:
    return list(gold_rows(records, labels))


def _numbers(records: Sequence[TypingRecord], labels: Sequence[str]) -> list[int]:
    """Number of each mention's type.

    Raises:
        DataError: a mention has no type, or several.
    """
    index = {label: number for number, label in enumerate(labels)}
    for record in records:
        if fault := not_one_label(record):
            raise DataError(fault, record=f"record {record.id}", field="labels")
    return [index[record.labels[0]] for record in records]
