"""Texts with given words: conversion of tokens to annotated text and back.

A text of tokens is the tokens joined by one space. `metadata["tokens"]` keeps the [start, end] characters of each, so that
the tokens of any text, joined or not, are known. Without this key, tokens are separated by white space.
`metadata["pos"]` is the part of speech of each token, if a file has it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.column_formats.tag_schemes import OUTSIDE, TokenSpan
from loreweave.corpus.counts import counted
from loreweave.corpus.files.strict_json import in_json
from loreweave.errors import DataError

TOKENS = "tokens"
POS = "pos"
"""Keys of `AnnotatedText.metadata`."""
WHITE = " \t\r\n"
"""Narrower than the white space of `str.split`: tokens may contain a no-break space."""
BLANK_TOKENS = "blank tokens"
BLANK_EDGES = "white space at the edges of mentions"
BLANK_MENTIONS = "mentions of white space only"
"""Reasons for the counts of blanks that are left out."""

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """A sentence for sequence labelling: tokens, and typed spans of them that do not overlap, in order."""

    tokens: tuple[str, ...]
    spans: tuple[TokenSpan, ...] = ()
    id: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def labels(self) -> list[str]:
        """Type of each token, O outside all spans. Adjacent spans of one type cannot be distinguished in it."""
        labels = [OUTSIDE] * len(self.tokens)
        for start, end, label in self.spans:
            labels[start:end] = [label] * (end - start)
        return labels


def text_of_file_tokens(
    id: str,
    tokens: Sequence[str],
    spans: Iterable[TokenSpan],
    dropped: Counter[str],
    metadata: Mapping[str, Any] | None = None,
    *,
    characters: bool | None = None,
) -> AnnotatedText:
    """Annotated text of tokens from files joined by one space, with typed spans, which may nest and overlap.

    Blank parts are left out and counted. Tokens of spaces and tabs only are not tokens of the text. If all others are single
    characters (KLUE), tokens are joined without spaces, so that the blank ones are the spaces of the text; otherwise they are
    left out. Blanks at the edges of tokens and spans are not part of them. Other kinds of blanks, such as no-break spaces, are
    tokens if they stand alone.

    Args:
        id: id of the text.
        tokens: tokens that the spans refer to.
        spans: `start` and `end` in `tokens`.
        dropped: receives `BLANK_TOKENS`, `BLANK_EDGES` and `BLANK_MENTIONS`.
        metadata: metadata of the text.
        characters: whether tokens are characters; None decides it by the tokens if some are blank.

    Raises:
        DataError: an empty token, or a span outside the tokens.
    """
    if "" in tokens:
        raise DataError(f"found an empty token at place {list(tokens).index('')}", field=TOKENS)
    is_token = [bool(token.strip(WHITE)) for token in tokens]
    if characters is None:
        characters = not all(is_token) and len(tokens) > 2 and all(len(token) == 1 for token in tokens)
    dropped[BLANK_TOKENS] += len(tokens) - sum(is_token)
    text, offsets = "", list[list[int]]()
    for token, kept in zip(tokens, is_token, strict=True):
        inner = token.strip() or token
        start = len(text) + token.index(inner)
        offsets.append([start, start + len(inner)])
        text += token + " " * (not characters) if kept or characters else ""
    mentions = []
    for start, end, label in spans:
        _check_span(start, end, len(tokens))
        inside = [place for place in range(start, end) if tokens[place].strip()]
        if not inside:
            dropped[BLANK_MENTIONS] += 1
            continue
        dropped[BLANK_EDGES] += inside[0] > start or inside[-1] + 1 < end
        mentions.append(Mention(offsets[inside[0]][0], offsets[inside[-1]][1], label=label))
    given = [offset for offset, kept in zip(offsets, is_token, strict=True) if kept]
    return AnnotatedText(
        id, text if characters else text.removesuffix(" "), tuple(mentions), metadata={**(metadata or {}), TOKENS: given}
    )


def _check_span(start: int, end: int, number: int) -> None:
    if not 0 <= start < end <= number:
        raise DataError(f"found the span ({start}, {end}) in {counted(number, 'token')}, expected 0 <= start < end <= number")


def token_offsets(text: AnnotatedText) -> list[tuple[int, int]]:
    """Characters of each token.

    Raises:
        DataError: `metadata["tokens"]` is not a list of [start, end] in the order of the text.
    """
    rows = text.metadata.get(TOKENS)
    if rows is None:
        return [match.span() for match in _WORD.finditer(text.text)]
    offsets: list[tuple[int, int]] = []
    before = 0
    for row in rows if isinstance(rows, list | tuple) else [rows]:
        match row:
            case [int(start), int(end)] if before <= start < end <= len(text.text):
                offsets.append((start, end))
                before = end
            case _:
                expected = f"[start, end] between {before} and {len(text.text)}, in order"
                raise DataError(f"found the token {row!r}, expected {expected}", field=f"metadata.{TOKENS}")
    return offsets


def pos_of(text: AnnotatedText) -> Sequence[str] | None:
    """Part of speech of each token; None if a text has none.

    Raises:
        DataError: `metadata["pos"]` is not a list of strings, one for each token.
    """
    tags = text.metadata.get(POS)
    if tags is None:
        return None
    if not isinstance(tags, list | tuple) or not all(isinstance(tag, str) for tag in tags):
        found = f"found {in_json(tags)}, expected a list of strings"
        raise DataError(found, record=f"text {text.id!r}", field=f"metadata.{POS}")
    if len(tags) != (number := len(token_offsets(text))):
        found = f"found {counted(len(tags), 'tag')}, expected one for each of {counted(number, 'token')}"
        raise DataError(found, record=f"text {text.id!r}", field=f"metadata.{POS}")
    return tags


def tagged_sentence(text: AnnotatedText, words: Sequence[tuple[int, int]], dropped: Counter[str]) -> TaggedSentence:
    """Words of a text as tokens, with its typed mentions; of nested ones the outermost.

    Args:
        text: one sentence.
        words: characters of each word, in order.
        dropped: receives the counts of what is left out: mentions without a label, further types of a mention, mentions
            that cut a token, and those inside or across another (the longer one stays; of equal ones the first).
    """
    begins, ends = _borders(words)
    spans = []
    for mention in text.mentions:
        if mention.label is None:
            dropped["mentions without a label"] += 1
        elif mention.start not in begins or mention.end not in ends:
            dropped["mentions that cut a token"] += 1
        else:
            spans.append(TokenSpan(begins[mention.start], ends[mention.end], mention.label))
            if mention.labels:
                dropped["further types of a mention"] += len(mention.labels) - 1
    kept = outermost(spans)
    dropped["mentions inside or across another"] += len(spans) - len(kept)
    metadata = {key: value for key, value in text.metadata.items() if key != TOKENS}
    return TaggedSentence(tuple(text.text[start:end] for start, end in words), tuple(kept), text.id, metadata)


def spans_of_words(words: Sequence[tuple[int, int]], marks: Iterable[tuple[int, int, str]]) -> list[TokenSpan]:
    """The marks (start, end, label) that are whole words, as spans of words; those that cut a word are left out."""
    begins, ends = _borders(words)
    return [TokenSpan(begins[start], ends[end], label) for start, end, label in marks if start in begins and end in ends]


def _borders(words: Sequence[tuple[int, int]]) -> tuple[dict[int, int], dict[int, int]]:
    """First character -> the word that begins there; end -> the word after the one that ends there."""
    begins = {start: index for index, (start, _) in enumerate(words)}
    return begins, {end: index + 1 for index, (_, end) in enumerate(words)}


def outermost(spans: Iterable[TokenSpan]) -> list[TokenSpan]:
    """Spans of which no two share a token, in order: the longest first, of equal length the leftmost, then the first."""
    kept: list[TokenSpan] = []
    taken: set[int] = set()
    for span in sorted(spans, key=lambda span: (span.start - span.end, span.start)):
        places = range(span.start, span.end)
        if taken.isdisjoint(places):
            kept.append(span)
            taken.update(places)
    return sorted(kept)
