"""Sentences of tokens with one tag each, or with spans of tokens with an exclusive end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from loreweave.corpus.class_labels import name_of
from loreweave.corpus.column_formats.tag_schemes import (
    OUTSIDE,
    UNTYPED,
    TokenSpan,
    find_scheme,
    has_prefix,
    spans_of_tags,
)
from loreweave.corpus.column_formats.tag_spellings import PLAIN, TagSpelling, find_spelling
from loreweave.corpus.counts import counted
from loreweave.corpus.files.json_rows import json_rows
from loreweave.corpus.files.rows import LeftOut, Row, as_row, field, words
from loreweave.corpus.mention_formats.marked import UNLABELLED, Item, MentionFormat, label_of, rest_of, text_id, without_places
from loreweave.corpus.surfaces import SURFACE_KEYS, check_token_surface
from loreweave.corpus.tokens import WHITE, text_of_file_tokens
from loreweave.errors import DataError

TAG_KEYS = ("tags", "ner_tags", "labels")
SPAN_KEYS = ("entities", "mentions", "ner", "spans", "label")
_NOWHERE = -1
"""Start and end of padding in the lists of mentions of fine-grained typing data (BBN, OntoNotes)."""


def texts(
    row: Any,
    number: str,
    names: Sequence[str] | None = None,
    spelling: TagSpelling = PLAIN,
    characters: bool | None = None,
) -> Iterator[Item]:
    """{tokens, tags}, or {tokens, entities: [{start, end, type}]} in tokens, end exclusive.

    Args:
        row: a sentence.
        number: its id if it has none.
        names: names of tags that are numbers.
        spelling: spelling of the tags.
        characters: see `text_of_file_tokens`.
    """
    row = as_row(_with_tokens(row))
    tokens = words(row, "tokens")
    key = _tag_key(row, len(tokens))
    if key is not None:
        yield from token_text(row, number, tokens, _tagged(row, key, len(tokens), names, spelling), characters)
        return
    key = next((key for key in SPAN_KEYS if row.get(key) is not None), SPAN_KEYS[0])
    spans = []
    for each in field(row, key, list):
        if isinstance(each, Mapping) and each.get("start") == each.get("end") == _NOWHERE:
            yield LeftOut("mentions without a place (start and end -1)", of_record=True)
        else:
            spans += spans_of(each, tokens)
    yield from token_text(row, number, tokens, spans, characters)


def are_characters(path: Path) -> bool:
    """Whether the tokens of a file are characters, and blank ones among them the spaces between words (KLUE)."""
    blank = False
    for _, row in json_rows(path):
        row = _with_tokens(row)
        tokens = row.get("tokens") if isinstance(row, Mapping) else None
        for token in tokens if isinstance(tokens, list) else ():
            if not isinstance(token, str) or len(token) != 1:
                return False
            blank |= not token.strip(WHITE)
    return blank


def tag_counts(path: Path, names: Sequence[str] | None = None) -> Counter[str]:
    """Number of each tag of a file; `names` are those of tags that are numbers."""
    counts = Counter[str]()
    for _, row in json_rows(path):
        row = _with_tokens(row)
        tokens = row.get("tokens") if isinstance(row, Mapping) else None
        key = _tag_key(row, len(tokens)) if isinstance(tokens, list) else None
        for tag in row[key] if key is not None and isinstance(row[key], list) else ():
            if isinstance(tag, str):
                counts[tag] += 1
            elif names is not None and type(tag) is int and 0 <= tag < len(names):
                counts[names[tag]] += 1
    return counts


def spelling_of(counts: Mapping[str, int], path: Path) -> TagSpelling:
    """Spelling of all tags of a file.

    Raises:
        DataError: tags that are refused with a message of their own.
    """
    try:
        return find_spelling(counts)
    except DataError as error:
        raise DataError(error.message, path=path, field=error.field) from None


def mixture_notes(tags: Iterable[str], spelling: TagSpelling) -> list[str]:
    """A note about a file in which only some tags have a prefix, if it is one: its sentences are read one by one."""
    plain = [tag for tag in map(spelling.plain, tags) if tag != OUTSIDE]
    prefixed = next(filter(has_prefix, plain), None)
    bare = next((tag for tag in plain if not has_prefix(tag)), None)
    if prefixed is None or bare is None:
        return []
    read = f"in a sentence of tags with prefixes, {prefixed!r} is a tag of the type {prefixed[2:] or UNTYPED!r}"
    return [f"found tags with a prefix ({prefixed!r}) and without ({bare!r}): {read}"]


def has_numbers(path: Path) -> bool:
    """Whether a row of the file has tags that are numbers."""
    for _, row in json_rows(path):
        row = _with_tokens(row)
        tokens = row.get("tokens") if isinstance(row, Mapping) else None
        key = _tag_key(row, len(tokens)) if isinstance(tokens, list) else None
        if key is not None and isinstance(row[key], list) and any(type(tag) is int for tag in row[key]):
            return True
    return False


def _with_tokens(row: Any) -> Any:
    """The row with its words under `tokens`, also if it calls them `words`."""
    renamed = isinstance(row, Mapping) and "tokens" not in row and isinstance(row.get("words"), list)
    return {"tokens": row["words"]} | {key: value for key, value in row.items() if key != "words"} if renamed else row


def token_text(
    row: Row, number: str, tokens: Sequence[str], spans: Sequence[TokenSpan], characters: bool | None = None
) -> Iterator[Item]:
    """The text of a row of tokens; spans without a label, and repeated spans (kept once), are counted."""
    yield from (LeftOut(UNLABELLED, of_record=True) for span in spans if not span.label)
    spans = [span for span in spans if span.label]
    kept = list(dict.fromkeys(spans))
    yield from (LeftOut("repeated mentions (kept once)", of_record=True) for _ in range(len(spans) - len(kept)))
    metadata = rest_of(row, "tokens", "tokenized_text", *TAG_KEYS, *SPAN_KEYS)
    yield from without_places(metadata)
    dropped = Counter[str]()
    text = text_of_file_tokens(text_id(row, number), tokens, kept, dropped, metadata, characters=characters)
    yield from (LeftOut(reason, of_record=True) for reason in dropped.elements())
    yield text


def spans_of(row: Any, tokens: Sequence[str], included: int = 0) -> list[TokenSpan]:
    """One span of tokens, once for each type: {start, end, type}, {start, end, labels} or [start, end, type].

    A span that has no type according to the file occurs once, with an empty type.

    Args:
        row: the span.
        tokens: tokens of its sentence.
        included: 1 if the token at `end` belongs to the span.

    Raises:
        DataError: names what is missing; or the tokens differ from the text that is given with the span.
    """
    if isinstance(row, list):
        if len(row) != 3 or not all(type(place) is int for place in row[:2]):
            raise DataError(f"found the mention {row!r}, expected [start, end, type] with whole numbers", field="entities")
        row = dict(zip(("start", "end", "type"), row, strict=True))
    row = as_row(row)
    start, end = field(row, "start", int), field(row, "end", int) + included
    if start == end and not included:
        message = f"found the span ({start}, {end}), which is empty, expected an end after the last token"
        raise DataError(f"{message}; use --format gliner for spans whose end is inclusive", field="end")
    key = next((key for key in ("type", "label", "labels") if key in row), "type")
    types = label_of(row[key], key) if key in row else (field(row, key, str),)
    for name in SURFACE_KEYS:
        if name in row:
            check_token_surface(tokens, start, end, row[name], name)
    return [TokenSpan(start, end, label) for label in types or ("",)]


def ends_of(path: Path) -> str | None:
    """Whether the spans of a file of `tokens` and `ner` have `included` or `excluded` ends; None if it cannot be decided.

    A span whose end is its start is not empty only with an inclusive end. A span whose end is the number of tokens is inside
    the sentence only with an exclusive end. A file without spans has `excluded` ends.

    Raises:
        DataError: the file has both kinds.
    """
    shown: dict[str, str] = {}
    spans_at_all = False
    for place, row in json_rows(path):
        tokens, spans = (row.get(key) for key in ("tokens", "ner")) if isinstance(row, Mapping) else (None, None)
        if not isinstance(tokens, list) or not isinstance(spans, list):
            continue
        spans_at_all |= bool(spans)
        for span in spans:
            match span:
                case [int(start), int(end), *_] | {"start": int(start), "end": int(end)}:
                    pass
                case _:
                    continue
            if start == end:
                shown.setdefault("included", place)
            elif end == len(tokens):
                shown.setdefault("excluded", place)
    if not shown and not spans_at_all:
        return "excluded"
    if len(shown) == 2:
        found = " and ".join(f"one with its end {kind} ({place})" for kind, place in shown.items())
        raise DataError(f"found spans of two kinds, {found}, expected one", path=path, field="ner")
    return next(iter(shown), None)


def check_ends(path: Path, row: Any) -> None:
    """Refuse a file of `tokens` and `ner` if it cannot be decided whether the ends of spans are inclusive.

    Raises:
        DataError: names the possible formats.
    """
    if isinstance(row, Mapping) and isinstance(row.get("tokens"), list) and isinstance(row.get("ner"), list):
        found = "found spans of tokens under 'ner' and nothing that shows whether their ends are inclusive"
        raise DataError(f"{found}; use --format gliner (they are) or --format tokens (they are not)", path=path, field="ner")


def _tag_key(row: Row, length: int) -> str | None:
    """Key of the tags of a row with that number of tokens."""
    key = next((key for key in TAG_KEYS if row.get(key) is not None), None)
    return "ner" if key is None and _are_tags(row.get("ner"), length) else key


def _tagged(row: Row, key: str, length: int, names: Sequence[str] | None, spelling: TagSpelling) -> list[TokenSpan]:
    tags = row[key]
    if isinstance(tags, list) and tags and all(type(tag) is int for tag in tags):
        if names is None:
            raise DataError(
                f"found the numbers {tags[:8]!r}, expected the names of tags; --tag-names FILE gives them, one per line from 0",
                field=key,
            )
        tags = [name_of(tag, names, key) for tag in tags]
    tags = [spelling.plain(tag) for tag in words({key: tags}, key)]
    if len(tags) != length:
        raise DataError(f"found {counted(len(tags), 'tag')} for {counted(length, 'token')}", field=key)
    return list(spans_of_tags(tags, find_scheme(tags)))


def _are_tags(value: Any, length: int) -> bool:
    return isinstance(value, list) and len(value) == length and all(isinstance(tag, str | int) for tag in value) and bool(value)


def _recognises(path: Path, row: Any) -> bool:
    if isinstance(row, Mapping) and "tokens" not in row:
        row = _with_tokens(row)
        return "tokens" in row and _tag_key(row, len(row["tokens"])) is not None
    if not isinstance(row, Mapping) or not isinstance(tokens := row.get("tokens"), list):
        return False
    if any(isinstance(token, Mapping) for token in tokens):
        return False
    ner = row.get("ner")
    if any(row.get(key) is not None for key in TAG_KEYS) or not isinstance(ner, list) or _are_tags(ner, len(tokens)):
        return True
    return ends_of(path) == "excluded"


FORMAT = MentionFormat(
    "JSON of {tokens, tags} or {tokens, entities: [{start, end, type}]} in tokens, with an exclusive end",
    '{"tokens": ["Mia", "left"], "ner_tags": ["B-PER", "O"]}',
    texts,
    _recognises,
)
