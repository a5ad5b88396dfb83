"""An entity vocabulary from the links of annotated texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.entity_vocabulary import EntityVocabulary, spellings
from loreweave.errors import ConfigurationError, DataError

EntityCounts = dict[str | None, Counter[str]]
"""Language of the texts (None if they have none) -> title -> number of links."""


def count_entities(
    texts: Iterable[AnnotatedText],
    *,
    language: str | None = None,
    titles: Collection[str] | None = None,
    skip_prefixes: tuple[str, ...] = ("Category:",),
    resolve: Callable[[str], str] | None = None,
    skipped: Counter[str] | None = None,
) -> EntityCounts:
    """Count the linked titles of all mentions, separately for each language.

    In titles, a space and an underscore are equal, as in MediaWiki: of a title in several spellings, the one with the most
    links counts for all.

    Args:
        texts: annotated texts; mentions without an entity are ignored.
        language: language of all texts; None for each text's own.
        titles: titles to count (the pages of the dump), after redirects. Default: all.
        skip_prefixes: prefixes of titles of pages that are not entities.
        resolve: redirect -> its target (identity for other titles).
        skipped: receives `links_skipped_by_prefix`, `links_skipped_outside_titles` and `spellings_merged`, the number of
            titles that count as another spelling.
    """
    skipped = Counter() if skipped is None else skipped
    links: EntityCounts = {}
    for text in texts:
        counts = links.setdefault(language or text.language, Counter())
        counts.update(mention.entity for mention in text.mentions if mention.entity is not None)
    counted: EntityCounts = {}
    for name, counts in links.items():
        counted[name] = Counter()
        for title, count in counts.items():
            target = title if resolve is None else resolve(title)
            if target.startswith(skip_prefixes):
                skipped["links_skipped_by_prefix"] += count
            elif titles is not None and target not in titles:
                skipped["links_skipped_outside_titles"] += count
            else:
                counted[name][target] += count
        if merged := _merge_spellings(counted[name]):
            skipped["spellings_merged"] += merged
    return counted


def _merge_spellings(counts: Counter[str]) -> int:
    """Add the counts of titles that differ only in spaces and underscores to the most frequent one; the number of the others.

    Of equally frequent ones, that with underscores is kept.
    """
    groups: dict[str, dict[str, None]] = {}
    for title in filter(lambda title: "_" in title, counts):
        found = [written for written in spellings(title) if written in counts]
        if len(found) > 1:
            groups.setdefault(title.replace("_", " "), {}).update(dict.fromkeys(found))
    merged = 0
    for titles in groups.values():
        kept = max(titles, key=lambda title: (counts[title], title))
        for title in titles:
            if title != kept:
                counts[kept] += counts.pop(title)
                merged += 1
    return merged


def several_languages(languages: Collection[str | None]) -> bool:
    """Whether texts in these languages have several, so that their titles need their language.

    Args:
        languages: language of each text, or None.

    Raises:
        DataError: there are several languages, and some texts have none.
    """
    named = sorted({name for name in languages if name is not None})
    if len(named) > 1 and None in languages:
        message = f"found texts in {', '.join(named)} and texts without a language, expected one for every text"
        raise DataError(f"{message}, or --language for all of them")
    return len(named) > 1


def vocabulary_of_counts(
    counts: Mapping[str | None, Mapping[str, int]],
    size: int | None = 1_000_000,
    min_count: int = 0,
    *,
    allow: Iterable[str] = (),
    allow_only: bool = False,
    language: str | None = None,
) -> EntityVocabulary:
    """The vocabulary of the counts of `count_entities`, for the same `language`.

    Texts of one language (or of none) give titles without languages, unless `language` is given. Texts of several
    languages give a vocabulary with languages, in which equal titles of two languages are two entities: only an interwiki
    table can tell which ones are equal (`EntityVocabulary.merge_languages`).

    Raises:
        DataError: the texts have several languages, and some have none.
        ConfigurationError: `allow` for several languages.
    """
    if language is not None or not several_languages(counts.keys()):
        together = sum(map(Counter, counts.values()), Counter[str]())
        return EntityVocabulary.from_counts(together, size, min_count, allow, allow_only, language)
    languages = sorted(name for name in counts if name is not None)
    if allow_only or list(allow):
        raise ConfigurationError(f"allow: found texts in {', '.join(languages)}, expected one language, or --language for all")
    vocabularies = {name: EntityVocabulary.from_counts(counts[name], min_count=min_count) for name in languages}
    return EntityVocabulary.merge_languages(vocabularies, {}, size)


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
    """Build the vocabulary of the most frequently linked titles (as LUKE's build-entity-vocab, with its defaults).

    `size` includes the special entities. `min_count` is applied before ids are assigned, so ids have no gaps (the original
    leaves some). For the order see `EntityVocabulary.from_counts`, for `titles` and `resolve` `count_entities`, and
    for texts of several languages `vocabulary_of_counts`.
    """
    counts = count_entities(texts, language=language, titles=titles, resolve=resolve)
    return vocabulary_of_counts(counts, size, min_count, allow=allow, allow_only=allow_only, language=language)
