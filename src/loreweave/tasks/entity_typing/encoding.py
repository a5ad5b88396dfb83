"""Records to inputs: one mention with a marker on either side (specs/luke.md 4.1), one row of 0 and 1 as the target."""

from __future__ import annotations

from collections.abc import Sequence

from loreweave.encoding import EntityTokenizer
from loreweave.tasks.entity_typing.reader import TypingRecord, gold_rows, mentions_of
from loreweave.tasks.mention_inputs import MarkerEncoding, MentionEncoding


def luke_encoding(tokenizer: EntityTokenizer) -> MentionEncoding:
    """For a LUKE: the mention with its markers is a [MASK] entity."""
    return MentionEncoding(tokenizer, "entity_classification", mentions_of, _targets)


def marker_encoding(tokenizer: EntityTokenizer, *, shift: int = 0, second_end: bool = False) -> MarkerEncoding:
    """For a plain encoder: the mention between two different markers; see `MarkerEncoding` for the rest."""
    closing = tokenizer.words.id_of(tokenizer.entity_token_2)
    assert closing is not None, "the markers are added when the model is made"
    return MarkerEncoding(
        tokenizer, "entity_classification", mentions_of, _targets,
        end_markers=(closing,), shift=shift, second_end=second_end,
    )  # fmt: skip


def _targets(records: Sequence[TypingRecord], labels: Sequence[str]) -> list[list[float]]:
    return list(gold_rows(records, labels))
