"""Marks common words as mentions without an entity, so that models also learn what is not a name.

Links are names. A model that learns from links alone takes every mention for a name, also "it" and "the river".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from zlib import crc32

from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.special_entities import UNK
from loreweave.random_streams import stream

NEAR = 100
"""Maximum number of characters between a common word and a linked mention, so that both are likely in one window."""

_APOSTROPHE = "['\u2018\u2019`\u00b4\uff07]"
_WORD = re.compile(
    rf"(?<![\w-])(?<!\w{_APOSTROPHE})"  # not "clock" of "o'clock"
    rf"(?!(?<={_APOSTROPHE})(?:re|ve|ll|em)(?!\w))"  # tokens with blanks between: "they 're"
    r"[^\W\d_]{2,}(?![\w-])"
    rf"(?!{_APOSTROPHE}\w)(?!\s+n{_APOSTROPHE}t(?!\w))"  # "isn" of "isn't", "ca" of "ca n't"
)
"""A word alone: no part of one with a hyphen, and no part of a contraction."""


def mark_common_words(
    texts: Iterable[AnnotatedText], per_mention: float, seed: int = 0, counts: Counter[str] | None = None
) -> Iterator[AnnotatedText]:
    """Yield each text with mentions of `[UNK]` at random common words near its linked mentions.

    A common word has two or more letters, all in lower case, is no part of a contraction ("isn't") and is outside all mentions.
    Each distinct word is as likely as any other, so that the many places of "the" do not crowd out the rest. Scripts without
    cases have no common words.

    Args:
        texts: texts with mentions.
        per_mention: number of common words per linked mention of a text.
        seed: random seed; a text gets the same words whatever comes before it.
        counts: count of the words, which is added up here.
    """
    counts = Counter() if counts is None else counts
    for text in texts:
        linked = [mention for mention in text.mentions if mention.entity is not None]  # only these are in windows
        wanted = round(len(linked) * per_mention)
        places = _common_words(text, linked) if wanted else {}
        rng = stream(seed, "common words", crc32(text.id.encode(errors="surrogatepass")))
        words = sorted(places)
        added = []
        for index in rng.permutation(len(words))[:wanted]:
            start, end = places[words[index]][rng.integers(len(places[words[index]]))]
            added.append(Mention(start, end, UNK))
        counts["common_words"] += len(added)
        yield replace(text, mentions=(*text.mentions, *sorted(added, key=lambda m: m.start))) if added else text


def _common_words(text: AnnotatedText, linked: Iterable[Mention]) -> dict[str, list[tuple[int, int]]]:
    """Common word -> its places near a linked mention and outside all mentions."""
    inside, near = text.inside_mentions(), bytearray(len(text.text))
    for mention in linked:
        first, last = max(0, mention.start - NEAR), min(len(text.text), mention.end + NEAR)
        near[first:last] = b"\1" * (last - first)
    found: dict[str, list[tuple[int, int]]] = {}
    for match in _WORD.finditer(text.text):
        start, end = match.span()
        if near[start] and match[0].islower() and not any(inside[start:end]):
            found.setdefault(match[0], []).append((start, end))
    return found
