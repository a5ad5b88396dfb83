"""Tags of words and their spans: IOB1, IOB2, IOE, BIOES, BILOU, and labels without prefixes (IO).

All schemes with prefixes are read by one rule, that of the CoNLL shared tasks: a span begins at B and S, where the type
changes, and after O, E and S; it ends at E and S, where the type changes, and before O, B and S. The scheme of a file is
therefore not needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from loreweave.corpus.counts import counted
from loreweave.errors import DataError

Scheme = Literal["prefixed", "io"]
"""Whether tags begin with `B-`, `I-`, ..., or are bare labels, where adjacent spans of one label are one span."""
WrittenScheme = Literal["io", "iob1", "iob2", "bioes"]

OUTSIDE = "O"
UNTYPED = "_"
"""Type of a tag that is only a prefix (`B`, `I`)."""

_PREFIXES = {"B": "B", "I": "I", "E": "E", "S": "S", "L": "E", "U": "S"}
"""Prefixes of BILOU -> those of BIOES."""
_Parsed = tuple[str, str]


class TokenSpan(NamedTuple):
    """The tokens `start` to `end` (exclusive) of a sentence, and their type."""

    start: int
    end: int
    label: str


def find_scheme(tags: Iterable[str]) -> Scheme:
    """`prefixed` if every tag but O has a prefix, `io` if none has.

    Raises:
        DataError: only some have a prefix; the message names one of each.
    """
    bare = prefixed = None
    for tag in tags:
        if tag == OUTSIDE:
            continue
        if has_prefix(tag):
            prefixed = tag
        else:
            bare = tag
    if bare is not None and prefixed is not None:
        raise DataError(f"found the tags {prefixed!r} and {bare!r}, expected all with a prefix (B-, I-, E-, S-) or none")
    return "io" if bare is not None else "prefixed"


def spans_of_tags(tags: Sequence[str], scheme: Scheme = "prefixed") -> list[TokenSpan]:
    """Spans of a sentence's tags, by the rule above; equal to conlleval and to seqeval's default mode.

    Raises:
        DataError: a tag has no prefix although one is expected.
    """
    parse = _bare if scheme == "io" else _split
    return _spans([parse(tag) for tag in tags])


def legacy_spans(tags: Sequence[str]) -> list[TokenSpan]:
    """The spans that seqeval (1.x, default mode) reads in any tags, with or without prefixes.

    It uses the first character as the prefix and the text after the first hyphen after it as the type. Bare
    `location-other` and `organization-other` are therefore one type, `other`, and adjacent ones are merged.
    """
    return _spans([(tag[:1], legacy_type(tag)) for tag in tags])


def legacy_type(tag: str) -> str:
    """The type that seqeval reads in a tag: the text after the first hyphen after its first character, or all after it."""
    return tag[1:].split("-", maxsplit=1)[-1] or UNTYPED


def tags_of_spans(spans: Iterable[TokenSpan], length: int, scheme: WrittenScheme = "iob2") -> list[str]:
    """Tags of a sentence of `length` tokens.

    Raises:
        ValueError: spans overlap or lie outside the sentence.
    """
    tags = [OUTSIDE] * length
    before: TokenSpan | None = None
    for span in sorted(spans):
        start, end, label = span
        if not (before.end if before else 0) <= start < end <= length:
            raise ValueError(f"found the span {tuple(span)} after {before and tuple(before)} in {counted(length, 'token')}")
        touches = before is not None and before.end == start and before.label == label
        tags[start:end] = _tags_of(label, end - start, scheme, touches)
        before = span
    return tags


def schemes_of(tags: Sequence[str]) -> set[str]:
    """The schemes (`io`, `iob1`, `iob2`, `bioes`, `bilou`) in which the tags' spans are written as these tags: all but `io`
    if there is no span, none for a mixture.

    Raises:
        DataError: only some tags have a prefix.
    """
    scheme = find_scheme(tags)
    if scheme == "io":
        return {"io"}
    plain = [tag if tag == OUTSIDE else "-".join(filter(None, (_PREFIXES[tag[0]], tag[2:]))) for tag in tags]
    spans = spans_of_tags(plain)
    written: tuple[WrittenScheme, ...] = ("iob1", "iob2", "bioes")
    fitting: set[str] = {
        name for name in written if [_without_untyped(tag) for tag in tags_of_spans(spans, len(tags), name)] == plain
    }
    if "bioes" in fitting:  # BILOU's spans are written in the same way, with other letters
        letters = {tag[0] for tag in tags}
        fitting |= {"bilou"} if not letters & set("ES") else set()
        fitting -= {"bioes"} if letters & set("LU") else set()
    return fitting


def _without_untyped(tag: str) -> str:
    return tag.removesuffix(f"-{UNTYPED}")


def _tags_of(label: str, length: int, scheme: WrittenScheme, touches: bool) -> list[str]:
    if scheme == "io":
        return [label] * length
    if scheme == "bioes":
        return [f"S-{label}"] if length == 1 else [f"B-{label}", *[f"I-{label}"] * (length - 2), f"E-{label}"]
    first = "B" if scheme == "iob2" or touches else "I"
    return [f"{first}-{label}", *[f"I-{label}"] * (length - 1)]


def has_prefix(tag: str) -> bool:
    """Whether a tag begins with B, I, E, S, L or U, alone or before a hyphen."""
    return tag[:1] in _PREFIXES and tag[1:2] in ("-", "")


def _split(tag: str) -> _Parsed:
    if tag == OUTSIDE:
        return OUTSIDE, ""
    if not has_prefix(tag):
        raise DataError(f"found the tag {tag!r}, expected O or a tag with a prefix (B-, I-, E-, S-)")
    return _PREFIXES[tag[0]], tag[2:] or UNTYPED


def _bare(tag: str) -> _Parsed:
    return (OUTSIDE, "") if tag == OUTSIDE else ("I", tag)


def _spans(tags: Sequence[_Parsed]) -> list[TokenSpan]:
    spans, start = [], 0
    before: _Parsed = (OUTSIDE, "")
    for index, tag in enumerate([*tags, (OUTSIDE, UNTYPED)]):
        if _ends(before, tag):
            spans.append(TokenSpan(start, index, before[1]))
        if _begins(before, tag):
            start = index
        before = tag
    return spans


def _ends(before: _Parsed, tag: _Parsed) -> bool:
    """Whether a span ends between two tags. (`.` is outside for the original scorers too.)"""
    if before[0] in "ES":
        return True
    return (before[0] in "BI" and tag[0] in "BSO") or (before[0] not in "O." and before[1] != tag[1])


def _begins(before: _Parsed, tag: _Parsed) -> bool:
    if tag[0] in "BS":
        return True
    return (before[0] in "ESO" and tag[0] in "EI") or (tag[0] not in "O." and before[1] != tag[1])
