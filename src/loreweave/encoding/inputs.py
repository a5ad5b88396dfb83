"""Checks of the spans and entities that callers give, and conversion of titles to ids."""

from __future__ import annotations

from collections.abc import Sequence

from loreweave.corpus.counts import counted
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.encoding.assembly import TokenizedText
from loreweave.encoding.encoded_text import Span
from loreweave.errors import ConfigurationError, DataError

Spans = Sequence[Sequence[int]]
Entities = Sequence[str | int | None]


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise ConfigurationError if `value` is not in `choices`."""
    if value not in choices:
        raise ConfigurationError(f"found {name}={value!r}, expected one of {', '.join(choices)}")


def _check_span(span: Sequence[int], length: int) -> Span:
    """Return the span as a tuple; DataError if it is empty or not inside `length` characters."""
    start, end = span
    if not 0 <= start < end <= length:
        raise DataError(f"found the span ({start}, {end}), expected 0 <= start < end <= {counted(length, 'character')}")
    return start, end


def check_spans(texts: Sequence[str], spans: Sequence[Spans] | None, name: str) -> list[list[Span]]:
    """Return the character spans of every text as tuples; a DataError names the text with a wrong one."""
    if isinstance(texts, str):
        raise ConfigurationError("found one text, expected a list of texts; use encode(text, ...) for one")
    if spans is None:
        return [[] for _ in texts]
    if len(spans) != len(texts):
        raise DataError(f"found spans for {counted(len(spans), 'text')}, expected {len(texts)}", field=name)
    checked = []
    for number, (text, text_spans) in enumerate(zip(texts, spans, strict=True)):
        try:
            checked.append([_check_span(span, len(text)) for span in text_spans])
        except DataError as error:
            raise DataError(f"text {number}: {error}", field=name) from None
    return checked


def check_number_of_mentions(spans: Sequence[Sequence[Span]], wanted: int, task: str | None) -> None:
    """Raise DataError if a text does not have the number of mentions that its task marks."""
    for number, text_spans in enumerate(spans):
        if len(text_spans) != wanted:
            raise DataError(f"found {counted(len(text_spans), 'span')} in text {number}, expected {wanted} for task={task!r}")


def add_entities(
    texts: Sequence[TokenizedText],
    entities: Sequence[Entities | None] | None,
    vocabulary: EntityVocabulary,
    language: str | None,
    name: str,
) -> None:
    """Fill in the entity ids of every text (`[MASK]` if nothing is given) and count unknown titles.

    Raises:
        DataError: the number of entities differs from that of mentions, or an id is outside the vocabulary.
    """
    if entities is not None and len(entities) != len(texts):
        raise DataError(f"found entities for {counted(len(entities), 'text')}, expected {len(texts)}", field=name)
    for number, text in enumerate(texts):
        given = entities[number] if entities is not None else None
        if given is None:
            text.entity_ids = [vocabulary.mask_id] * len(text.spans)
            continue
        if len(given) != len(text.spans):
            many = counted(len(given), "entity", "entities")
            message = f"text {number}: found {many}, expected {len(text.spans)}, one for each span"
            raise DataError(message, field=name)
        found = [_entity_id(entity, vocabulary, language, name) for entity in given]
        text.unknown = found.count(None)
        text.entity_ids = [vocabulary.unk_id if entity_id is None else entity_id for entity_id in found]


def _entity_id(entity: str | int | None, vocabulary: EntityVocabulary, language: str | None, name: str) -> int | None:
    """Id of a given entity; None for a title that is not in the vocabulary."""
    if entity is None:
        return vocabulary.mask_id
    if isinstance(entity, str):
        return vocabulary.id_of(entity, language)
    if not 0 <= entity < len(vocabulary):
        raise DataError(f"found the entity id {entity}, expected an id below {len(vocabulary)}", field=name)
    return int(entity)
