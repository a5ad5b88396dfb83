"""An entity vocabulary from the links of annotated texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.entity_vocabulary import EntityVocabulary


def count_entities(
    texts: Iterable[AnnotatedText],
    *,
    titles: Collection[str] | None = None,
    skip_prefixes: tuple[str, ...] = ("Category:",),
    resolve: Callable[[str], str] | None = None,
) -> Counter[str]:
    """Count the linked titles of all mentions.

    Args:
        texts: annotated texts; mentions without an entity do not count.
        titles: count these only (the pages of the dump), after redirects.
        skip_prefixes: titles of pages that are no entities.
        resolve: redirect -> its target (identity for other titles).
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(mention.entity for mention in text.mentions if mention.entity is not None)
    if resolve is not None:
        resolved: Counter[str] = Counter()
        for title, count in counts.items():
            resolved[resolve(title)] += count
        counts = resolved
    return Counter(
        {
            title: count
            for title, count in counts.items()
            if not title.startswith(skip_prefixes) and (titles is None or title in titles)
        }
    )


def build_entity_vocabulary(
    texts: Iterable[AnnotatedText],
    size: int | None = 1_000_000,
    min_count: int = 0,
    *,
    allow: Iterable[str] = (),
    allow_only: bool = False,
    language: str | None = None,
    titles: Collection[str] | None = None,
    resolve: Callable[[str], str] | None = None,
) -> EntityVocabulary:
    """Build the vocabulary of the titles that are linked most (luke.md 2.2; defaults of the original command).

    `size` counts the special entities. `min_count` is applied before ids are given, so ids have no gaps (the original
    leaves some). See `EntityVocabulary.from_counts` for the order and `count_entities` for `titles` and `resolve`.
    """
    counts = count_entities(texts, titles=titles, resolve=resolve)
    return EntityVocabulary.from_counts(counts, size, min_count, allow, allow_only, language)
