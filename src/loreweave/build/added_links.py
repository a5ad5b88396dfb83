"""Adds links to texts that have few: the later mentions of a linked name, and the labels of mentions without an entity.

Wikipedia's editors link a name at its first mention, and the page's own title never.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.files.rows import Span
from loreweave.corpus.knowledge.entity_names import without_qualifier
from loreweave.corpus.mentions.boundaries import has_simple_words
from loreweave.corpus.words import word_offsets

_APOSTROPHES = "'’"
SHORTEST = 3
"""Minimum number of characters of a name."""


def link_repeats(texts: Iterable[AnnotatedText], counts: Counter[str] | None = None) -> Iterator[AnnotatedText]:
    """Yield each text with more links: every other place of a linked name, and of the name in its own title.

    A name is the surface of a link with three or more characters and an upper-case letter, or in a script without cases.
    Places inside a word or another mention are left out. A name is ambiguous, and left out, if the text links it to two
    entities, or to another entity than the one of its title. In titles, a space and an underscore are equal.

    Args:
        texts: texts with links.
        counts: counts of added links and of ambiguous names, which are added up here.
    """
    counts = Counter() if counts is None else counts
    for text in texts:
        names = _names(text, counts)
        added = tuple(_places(text, names)) if names else ()
        counts["links_repeated"] += len(added)
        yield replace(text, mentions=(*text.mentions, *added)) if added else text


def link_labels(texts: Iterable[AnnotatedText]) -> Iterator[AnnotatedText]:
    """Yield each text with its unlinked mentions linked to their labels, so that a label is an entity of the vocabulary.

    This makes a pre-training set of a corpus that has labels instead of links, such as one of NER. The entity of a mention
    with several labels is their set (`place|town`): linked to one of them, all its mentions would get the labels of a few.
    """
    for text in texts:
        mentions = (
            mention if mention.entity is not None else replace(mention, entity=_entity_of_labels(mention))
            for mention in text.mentions
        )
        yield replace(text, mentions=tuple(mentions))


def _entity_of_labels(mention: Mention) -> str | None:
    """The labels in the order of the alphabet, so that equal sets are one entity; None without labels."""
    return "|".join(sorted(mention.types)) or None


def _names(text: AnnotatedText, counts: Counter[str]) -> dict[str, str]:
    """Name -> entity."""
    title = text.title.replace("_", " ")
    found = {without_qualifier(title): {title: text.title}}  # name -> title with spaces -> title as a link writes it
    for mention in text.mentions:
        if mention.entity is not None:
            found.setdefault(text.surface(mention), {})[mention.entity.replace("_", " ")] = mention.entity
    names = {name: entities for name, entities in found.items() if _is_name(name)}
    counts["names_with_two_entities"] += sum(len(entities) > 1 for entities in names.values())
    return {name: next(iter(entities.values())) for name, entities in names.items() if len(entities) == 1}


def _is_name(text: str) -> bool:
    cased = any(map(str.isupper, text)) or text.lower() == text.upper()
    return len(text) >= SHORTEST and cased and any(map(str.isalpha, text))


def _places(text: AnnotatedText, names: dict[str, str]) -> Iterator[Mention]:
    """Places of the names outside all mentions, the longest name first."""
    taken = text.inside_mentions()
    spans: Iterator[Span]
    if has_simple_words(text.text):
        spans = (match.span() for match in _pattern(names).finditer(text.text))
    else:
        spans = _by_words(text.text, names)
    for start, end in spans:
        if not any(taken[start:end]):
            yield Mention(start, end, names[text.text[start:end]])


def _by_words(text: str, names: Iterable[str]) -> Iterator[Span]:
    """Characters of the names as whole words of any script, from left to right the longest.

    Combining marks belong to words, and words may touch each other. So may names that begin or end with a sign, which
    `_pattern` does not find beside a letter.
    """
    groups: dict[str, list[str]] = {}
    for name in sorted(names, key=len, reverse=True):
        groups.setdefault(name[:2], []).append(name)
    words = word_offsets(text)
    ends, after = {end for _, end in words}, 0
    for start, _ in words:
        start += text[start] in _APOSTROPHES  # "l'Italia" is two words, the second with the apostrophe
        for name in groups.get(text[start : start + 2], ()) if start >= after else ():
            if start + len(name) in ends and text.startswith(name, start):
                after = start + len(name)
                yield start, after
                break


def _pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Any of the names as whole words, the longest first.

    Names are grouped by their first characters: in a long text with thousands of names, only a few are tried at each place.
    """
    groups: dict[str, list[str]] = {}
    for name in sorted(names, key=len, reverse=True):
        groups.setdefault(name[:2], []).append(re.escape(name[2:]))
    choices = "|".join(f"{re.escape(start)}(?:{'|'.join(rest)})" for start, rest in groups.items())
    return re.compile(rf"(?<!\w)(?:{choices})(?!\w)")
