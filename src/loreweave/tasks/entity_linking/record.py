"""One record of entity linking: a text with gold mentions and their entities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from loreweave.corpus.files.rows import Span, check_span
from loreweave.errors import DataError
from loreweave.metrics.linking.cases import Label, is_coreference


@dataclass(frozen=True, slots=True)
class LinkingRecord:
    """A document.

    Attributes:
        id: name in predictions.
        text: the document.
        mentions: gold mentions; those without an entity have `entity` None. Alternatives name their `parent` by its index.
        evaluated: characters outside which no prediction counts; None for the whole text.
        hyperlinks: characters of hyperlinks.
        metadata: other content of the file.
        given_id: id in the file, if another document has it too.

    Raises:
        DataError: a mention is blank or outside the text.
    """

    id: str
    text: str
    mentions: tuple[Label, ...] = ()
    evaluated: Span | None = None
    hyperlinks: tuple[Span, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    given_id: str | None = None

    def __post_init__(self) -> None:
        """Refuse mentions that are no characters of the text."""
        for mention in self.mentions:
            check_span(self.text, mention.start, mention.end, "mentions")

    def asked(self) -> list[int]:
        """Indices of the mentions whose entity is asked for when mentions are given: no alternatives of other mentions,
        optional ones, numbers, dates, pronouns and descriptions of entities that were named before."""
        return [
            index
            for index, mention in enumerate(self.mentions)
            if mention.parent is None and not mention.may_be_missed and not is_coreference(mention, self.surface(mention))
        ]

    def surface(self, mention: Label) -> str:
        """The characters of a mention."""
        return self.text[mention.start : mention.end]

    @property
    def document(self) -> str:
        """Name of the document, over which macro values are means."""
        return str(self.metadata.get("doc", self.id))


def labels_of(records: Sequence[LinkingRecord]) -> list[str]:
    """`linked` if any mention that is asked for has an entity: the entities themselves are no classes of a model."""
    found = any(record.mentions[index].entity is not None for record in records for index in record.asked())
    return ["linked"] if found else []


def mentions_of(record: LinkingRecord) -> tuple[str, Sequence[Span]]:
    """The text and the characters of the mentions that are asked for."""
    return record.text, [(record.mentions[index].start, record.mentions[index].end) for index in record.asked()]


def with_children(mentions: Sequence[Label], children: Sequence[Sequence[int]]) -> tuple[Label, ...]:
    """The mentions with the indices of their alternatives.

    Raises:
        DataError: a mention is among its own children.
    """
    for start in range(len(mentions)):
        waiting, seen = list(children[start]), set[int]()
        while waiting:
            child = waiting.pop()
            if child == start:
                raise DataError(f"found label {start} among its own children, expected a tree", field="children")
            if child not in seen:
                seen.add(child)
                waiting += children[child]
    return tuple(
        Label(
            one.start, one.end, one.entity, one.name, one.types, one.optional, one.parent, tuple(below), one.coreference
        )
        for one, below in zip(mentions, children, strict=True)
    )  # fmt: skip


def rows_of_text(text: str, mentions: Sequence[Span]) -> list[dict[str, Any]]:
    """The query about a text; without mentions, names are found."""
    if not mentions:
        return [{"text": text}]
    return [{"text": text, "mentions": [{"start": start, "end": end} for start, end in mentions]}]
