"""Encodes records: head and tail with markers on either side (Yamada et al. 2020), with a class number as the target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from loreweave.corpus.counts import tallied
from loreweave.encoding import EntityTokenizer
from loreweave.errors import ConfigurationError
from loreweave.tasks.mentions.inputs import MarkerEncoding, MentionEncoding, MentionExample, Span
from loreweave.tasks.relation_classification.settings import TypedMarkers
from loreweave.tasks.relations.document import RelationDocument
from loreweave.tasks.relations.formats import Item
from loreweave.tasks.relations.record import RelationRecord, mentions_of
from loreweave.tasks.relations.typed_markers import markers_of, types_of, with_names_of_types


@dataclass
class TypedMarkerEncoding(MarkerEncoding):
    """For a plain encoder whose markers show the types of head and tail.

    Attributes:
        types: types that have markers of their own; None if `mentions_of` puts their names into the text instead.
    """

    types: tuple[str, ...] | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        id_of = self.tokenizer.words.id_of
        pairs = [(number, type) for type in self.types or () for number in range(2)]
        self._ids: dict[tuple[int, str], list[Any]] = {pair: [id_of(marker) for marker in markers_of(*pair)] for pair in pairs}

    def encode(self, records: Sequence[Any], labels: Sequence[str] | None = None) -> list[MentionExample]:
        """Encode with markers that show no types, then replace these.

        Raises:
            DataError: a mention has no type.
        """
        examples = super().encode(records, labels)
        if self.types is None:
            return examples
        for record, example in zip(records, examples, strict=True):
            ids = example.encoded.input_ids
            for pair, positions in zip(enumerate(types_of(record)), example.encoded.entity_position_ids, strict=True):
                if pair in self._ids:
                    ids[positions[0]], ids[positions[-1]] = self._ids[pair]
                else:
                    self.counts["mentions whose type has no marker of its own (marked without a type)"] += 1
        return examples

    def report(self) -> str:
        """Counts of what did not fit, and of mentions without a marker of their type."""
        return ", ".join(filter(None, [super().report(), tallied(self.counts)]))


def luke_encoding(tokenizer: EntityTokenizer) -> MentionEncoding:
    """For a LUKE: head and tail with their markers are the entities [MASK] and [MASK2], in this order."""
    return MentionEncoding(tokenizer, "entity_pair_classification", pair_of, _targets, brackets=False)


def typed_encoding(tokenizer: EntityTokenizer, markers: TypedMarkers, types: Sequence[str]) -> MarkerEncoding:
    """For a plain encoder: markers that show the types of head and tail; `types` have markers of their own with `tokens`.

    Bracket codes become brackets, as in the code of Zhou & Chen.
    """
    named = markers == "punctuation"
    return TypedMarkerEncoding(
        tokenizer, "entity_pair_classification", named_pair_of if named else pair_of, _targets,
        brackets=True, types=None if named else tuple(types),
    )  # fmt: skip


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


def named_pair_of(record: Item) -> tuple[str, Sequence[Span]]:
    """A text with the types of its two mentions in it, and the mentions with these words.

    Raises:
        ConfigurationError: see `pair_of`.
        DataError: a mention has no type.
    """
    pair_of(record)
    assert isinstance(record, RelationRecord), "`pair_of` refuses documents"
    return with_names_of_types(record)


def _targets(records: Sequence[RelationRecord], labels: Sequence[str]) -> list[int]:
    """Class numbers. Labels outside `labels` have been refused before."""
    index: dict[str | None, int] = {label: number for number, label in enumerate(labels)}
    return [index[record.label] for record in records]
