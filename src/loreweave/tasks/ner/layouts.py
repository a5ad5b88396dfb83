"""JSON layouts of sentences with typed mentions: one row of a file to its record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.tag_schemes import TokenSpan, find_scheme, spans_of_tags
from loreweave.corpus.tokens import TOKENS, text_of_file_tokens, token_offsets
from loreweave.errors import DataError
from loreweave.tasks.ner.record import NerRecord, Sentence
from loreweave.tasks.record_files import LeftOut, Row, as_row, check_span, field, words

_TAG_KEYS = ("tags", "ner_tags", "labels")
_MENTION_KEYS = ("entities", "mentions", "ner", "spans", "label")
_NAME_KEYS = ("name", "mention", "surface")

Item = NerRecord | LeftOut


def annotated_text(row: Row, number: str) -> Iterable[Item]:
    """A line of our own format; mentions without a label are counted and left out."""
    yield from typed_mentions(AnnotatedText.from_dict({"id": number, **as_row(row)}))


def text_spans(row: Row, number: str) -> Iterable[Item]:
    """{text, entities: [{start, end, label}]}; also spans as [start, end], and mentions as [start, end, label]."""
    row = as_row(row)
    text = field(row, "text", str)
    key = _key(row, _MENTION_KEYS)
    mentions = tuple(_mention(text, mention) for mention in field(row, key, list))
    yield NerRecord(_id(row, number), Sentence.of(text), mentions, metadata=_rest(row, key))


def tokens(row: Row, number: str) -> Iterable[Item]:
    """{tokens, tags}, or {tokens, entities: [{start, end, type}]} in tokens, end exclusive."""
    row = as_row(row)
    given = words(row, "tokens")
    spans = list(_token_spans(row, len(given)))
    dropped = Counter[str]()
    text = text_of_file_tokens(_id(row, number), given, spans, dropped)
    yield from left_out_of(dropped)
    yield NerRecord(text.id, Sentence(text.text, tuple(token_offsets(text))), text.mentions, metadata=_rest(row, "tokens"))


def question(row: Row, id: str) -> NerRecord:
    """{text} or {tokens} without gold; `before` and `after` are the text around it."""
    row = as_row(row)
    if "tokens" in row:
        text = text_of_file_tokens(id, words(row, "tokens"), (), Counter())
        sentence = Sentence(text.text, tuple(token_offsets(text)))
    else:
        sentence = Sentence.of(field(row, "text", str))
    around = [[Sentence.of(field(row, name, str))] if name in row else [] for name in ("before", "after")]
    return NerRecord(_id(row, id), sentence, (), (*around[0], sentence, *around[1]), len(around[0]))


def of_text(text: AnnotatedText) -> NerRecord:
    """The record of annotated text; its words are its tokens, where it has them."""
    if TOKENS not in text.metadata:
        return NerRecord(text.id, Sentence.of(text.text), text.mentions, metadata=text.metadata)
    metadata = {key: value for key, value in text.metadata.items() if key != TOKENS}
    return NerRecord(text.id, Sentence(text.text, tuple(token_offsets(text))), text.mentions, metadata=metadata)


def typed_mentions(text: AnnotatedText) -> Iterator[Item]:
    """The record of annotated text; mentions without a label are counted and left out."""
    typed = tuple(mention for mention in text.mentions if mention.label is not None)
    for _ in range(len(text.mentions) - len(typed)):
        yield LeftOut("mentions without a label", of_record=True)
    yield of_text(replace(text, mentions=typed))


def left_out_of(dropped: Counter[str]) -> Iterator[LeftOut]:
    """What a record goes without, as often as it was counted."""
    for reason in dropped.elements():
        yield LeftOut(reason, of_record=True)


def _id(row: Row, number: str) -> str:
    return str(next((row[key] for key in ("id", "sent_id") if key in row), number))


def _rest(row: Row, *used: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in (*used, "text", "id", "sent_id", *_TAG_KEYS, *_MENTION_KEYS)}


def _key(row: Row, keys: Sequence[str]) -> str:
    return next((key for key in keys if key in row), keys[0])


def _mention(text: str, row: Any) -> Mention:
    """One mention in any of its forms.

    Raises:
        DataError: a span outside the text or of white space, or one whose characters are not the name that is given with it.
    """
    match row:
        case [int(start), int(end), str(label)]:
            row = {"start": start, "end": end, "label": label}
        case {"span": [int(start), int(end)]}:
            row = {**row, "start": start, "end": end}
    row = as_row(row)
    start, end, label = field(row, "start", int), field(row, "end", int), field(row, _key(row, ("label", "type")), str)
    check_span(text, start, end)
    for key in _NAME_KEYS:
        if key in row and row[key] != text[start:end]:
            raise DataError(f"found {row[key]!r} at ({start}, {end}), where the text has {text[start:end]!r}", field=key)
    return Mention(start, end, label=label)


def _token_spans(row: Row, length: int) -> Iterator[TokenSpan]:
    if not any(key in row for key in _TAG_KEYS):
        for entity in field(row, _key(row, _MENTION_KEYS), list):
            span = as_row(entity)
            yield TokenSpan(field(span, "start", int), field(span, "end", int), field(span, _key(span, ("type", "label")), str))
        return
    key = _key(row, _TAG_KEYS)
    tags = words(row, key)
    if len(tags) != length:
        raise DataError(f"found {len(tags)} tags for {length} tokens", field=key)
    yield from spans_of_tags(tags, find_scheme(tags))
