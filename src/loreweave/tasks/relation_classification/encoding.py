"""Encodes records: head and tail with markers on either side (Yamada et al. 2020), with a class number as the target."""

from __future__ import annotations

from collections.abc import Sequence

from loreweave.encoding import EntityTokenizer
from loreweave.errors import ConfigurationError
from loreweave.tasks.mentions.inputs import MarkerEncoding, MentionEncoding, Span
from loreweave.tasks.relations.document import RelationDocument
from loreweave.tasks.relations.formats import Item
from loreweave.tasks.relations.record import RelationRecord, mentions_of


def luke_encoding(tokenizer: EntityTokenizer) -> MentionEncoding:
    """For a LUKE: head and tail with their markers are the entities [MASK] and [MASK2], in this order."""
    return MentionEncoding(tokenizer, "entity_pair_classification", pair_of, _targets, brackets=False)


def marker_encoding(tokenizer: EntityTokenizer, closing: Sequence[str] = ()) -> MarkerEncoding:
    """For a plain encoder: both mentions between markers; `closing` markers are the same as the opening ones by default."""
    ids = [tokenizer.words.id_of(marker) for marker in closing]
    assert None not in ids, "the markers are added when the model is built"
    return MarkerEncoding(
        tokenizer, "entity_pair_classification", pair_of, _targets,
        brackets=False, end_markers=tuple(id for id in ids if id is not None),
    )  # fmt: skip


def pair_of(record: Item) -> tuple[str, Sequence[Span]]:
    """A text and its two mentions.

    Raises:
        ConfigurationError: it is a document, which has more mentions.
    """
    if isinstance(record, RelationDocument):
        raise ConfigurationError(
            f"found the document {record.id!r}, whose pairs of entities have any number of relations, but this model predicts "
            "one relation for two mentions: fine-tune one on documents (multi_label=true)"
        )
    return mentions_of(record)


def _targets(records: Sequence[RelationRecord], labels: Sequence[str]) -> list[int]:
    """Class numbers. Labels outside `labels` have been refused before."""
    index: dict[str | None, int] = {label: number for number, label in enumerate(labels)}
    return [index[record.label] for record in records]
