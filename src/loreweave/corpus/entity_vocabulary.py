"""The entity vocabulary: titles in one or many languages, their ids and their counts.

A *key* is a title, or `language:title` if the vocabulary has languages; special entities have bare keys in every
vocabulary. These are the keys of Hugging Face's `entity_vocab.json`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from loreweave.corpus import entity_vocabulary_files as vocabulary_files
from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.special_entities import MASK, MASK2, PAD, REQUIRED_SPECIAL_ENTITIES, SPECIAL_ENTITIES, UNK
from loreweave.errors import ConfigurationError, DataError

__all__ = ["MASK", "MASK2", "PAD", "REQUIRED_SPECIAL_ENTITIES", "SPECIAL_ENTITIES", "UNK", "EntityVocabulary"]

# Wikipedia's language codes (en, simple, zh-min-nan, be-x-old, zh_yue), and tags with a region or a script (en-US, zh-Hans).
_LANGUAGE_PREFIX = re.compile(r"([a-z]{2,}(?:[-_][A-Za-z0-9]+)*):")

Counts = NDArray[np.int64]


def spellings(title: str) -> tuple[str, ...]:
    """A title as it is, with underscores, and with spaces, which are equal in MediaWiki; each spelling once."""
    return tuple(dict.fromkeys((title, title.replace(" ", "_"), title.replace("_", " "))))


class EntityVocabulary:
    """Titles and ids. Immutable; ids of special entities are those of the file, never assumed.

    Args:
        ids: key -> id. Several keys may share an id (one entity, many languages). Ids may have gaps.
        counts: number of links of each id, [len(vocabulary)]; None if the file has no counts.
        languages: languages of the keys; empty for a vocabulary without languages.
        source: the file, for error messages.

    Raises:
        DataError: `[PAD]`, `[UNK]` or `[MASK]` is missing, or an id is not an integer >= 0.
    """

    def __init__(
        self,
        ids: Mapping[str, int],
        counts: Counts | None = None,
        languages: Collection[str] = (),
        source: Pathname | None = None,
    ) -> None:
        missing = [name for name in REQUIRED_SPECIAL_ENTITIES if name not in ids]
        if missing:
            expected = "expected the special entities [PAD], [UNK] and [MASK]"
            raise DataError(f"found an entity vocabulary without {', '.join(missing)}, {expected}", path=source)
        self._ids = ids if isinstance(ids, dict) else dict(ids)
        self._size = _table_size(self._ids, source)
        self._counts = counts
        self._keys: list[str | None] | None = None
        self.languages: tuple[str, ...] = tuple(sorted(languages))
        self.source = source
        self.pad_id, self.unk_id, self.mask_id = (self._ids[name] for name in REQUIRED_SPECIAL_ENTITIES)
        self.mask2_id: int | None = self._ids.get(MASK2)

    # ---- reading and writing -------------------------------------------------------------------------------------

    @classmethod
    def load(cls, path: Pathname) -> EntityVocabulary:
        """Read a TSV, JSON Lines or Hugging Face `entity_vocab.json` file, or the one in a folder (in this order)."""
        found = vocabulary_files.read(path)
        if found.languages is None:
            return cls.from_hugging_face(found.ids, source=found.path)
        vocabulary = cls(found.ids, languages=found.languages, source=found.path)
        if found.counts is not None:
            table = np.zeros(len(vocabulary), dtype=np.int64)
            known = [id for id in found.counts if 0 <= id < len(table)]
            table[known] = [found.counts[id] for id in known]
            vocabulary._counts = table
        return vocabulary

    def save(self, path: Pathname) -> None:
        """Write TSV, JSON Lines or Hugging Face JSON, by the suffix (TSV supports one language only)."""
        vocabulary_files.save(self, path)

    @classmethod
    def from_hugging_face(cls, ids: Mapping[str, int], source: Pathname | None = None) -> EntityVocabulary:
        """Create a vocabulary from key -> id; keys are `language:title` if every key that is not special has that form.

        Keys `None:title`, which the official converter writes for a vocabulary without languages, become `title`.
        """
        titles = (key for key in ids if key not in SPECIAL_ENTITIES)
        languages: set[str] = set()
        for key in titles:
            match = _LANGUAGE_PREFIX.match(key) or (key.startswith("None:") and re.match("(None):", key))
            if not match:
                return cls(ids, source=source)
            languages.add(match[1])
        if languages == {"None"}:
            return cls({key.removeprefix("None:"): id for key, id in ids.items()}, source=source)
        return cls(ids, languages=languages, source=source)

    def to_hugging_face(self) -> dict[str, int]:
        """Key -> id, in the order of ids: the content of `entity_vocab.json`."""
        return dict(sorted(self._ids.items(), key=lambda item: item[1]))

    # ---- looking up ----------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Number of rows of an embedding table: the largest id + 1."""
        return self._size

    def __contains__(self, title: object) -> bool:
        """Whether the title has an id of its own (see `id_of`)."""
        return isinstance(title, str) and self.id_of(title) is not None

    def id_of(self, title: str, language: str | None = None) -> int | None:
        """Id of a title, None if it has none.

        Without `language`, the title may be a key (`en:Tokyo`), and a vocabulary of one language needs no prefix.
        A vocabulary without languages accepts every language; special entities have no language.
        """
        if self.languages and title not in SPECIAL_ENTITIES:
            if language is not None:
                return self._ids.get(f"{language}:{title}")
            if len(self.languages) == 1:
                found = self._ids.get(f"{self.languages[0]}:{title}")
                return self._ids.get(title) if found is None else found
        return self._ids.get(title)

    def id_in_any_spelling(self, title: str, language: str | None = None) -> int | None:
        """Id of a title, or else of its other `spellings`; None if there is none. `language`: see `id_of`."""
        ids = (self.id_of(written, language) for written in spellings(title))
        return next((id for id in ids if id is not None), None)

    def find(self, title: str, language: str | None = None) -> int | None:
        """Id of the entity that a title stands for, except special entities; None if there is none.

        As in Wikipedia, spaces equal underscores, and a small first letter equals the capital one. `language`: see `id_of`.

        Example:
            >>> vocabulary = EntityVocabulary({"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "New York": 3})
            >>> vocabulary.find("new_York"), vocabulary.find("[MASK]")
            (3, None)
        """
        title = title.strip()
        for written in dict.fromkeys((title, title[:1].upper() + title[1:])):
            for spelling in spellings(written):
                found = self.id_of(spelling, language)
                if found is not None and found not in self.special_ids:
                    return found
        return None

    def check_language(self, language: str | None, setting: str = "language", *, keys: Iterable[str] | None = None) -> None:
        """Check the language in which titles are looked up.

        Args:
            language: the language; None is right if there are less than two.
            setting: how the user gives it.
            keys: some of the titles; without a language, they may be keys (`en:Oslo`).

        Raises:
            ConfigurationError: the vocabulary has several languages and none is given, or it does not have the given one.
        """
        if not self.languages or language in self.languages:
            return
        if language is None and (
            len(self.languages) == 1 or any(key.partition(":")[0] in self.languages for key in keys or ())
        ):
            return
        found = "null" if language is None else language
        expected = f"expected one of those of the entity vocabulary: {listed(self.languages, 30)}"
        raise ConfigurationError(f"{setting}: found {found}, {expected}")

    def title_of(self, id: int) -> str:
        """Title of an id; `language:title` of its first title if the vocabulary has several languages.

        Raises:
            DataError: no entity has this id.
        """
        key = self._key_table()[id] if 0 <= id < self._size else None
        if key is None:
            raise DataError(f"no entity has the id {id}, the vocabulary has {counted(self._size, 'row')}", path=self.source)
        return key.partition(":")[2] if len(self.languages) == 1 and key not in SPECIAL_ENTITIES else key

    def count_of(self, id: int) -> int | None:
        """Number of links of the entity; None if the vocabulary has no counts."""
        return None if self._counts is None else int(self._counts[id])

    @property
    def counts(self) -> Counts | None:
        """Counts by id, [len(vocabulary)], or None."""
        return self._counts

    @property
    def special_ids(self) -> frozenset[int]:
        """Ids of the special entities in the vocabulary."""
        return frozenset(self._ids[name] for name in SPECIAL_ENTITIES if name in self._ids)

    def items(self) -> Iterator[tuple[str, str | None, int]]:
        """(title, language, id) in the order of the file; special entities and monolingual titles have no language."""
        for key, id in self._ids.items():
            if self.languages and key not in SPECIAL_ENTITIES:
                language, _, title = key.partition(":")
                yield title, language, id
            else:
                yield key, None, id

    def _key_table(self) -> list[str | None]:
        """First key of each id; None in a gap."""
        if self._keys is None:
            keys: list[str | None] = [None] * self._size
            for key, id in self._ids.items():
                if keys[id] is None:
                    keys[id] = key
            self._keys = keys
        return self._keys

    # ---- other vocabularies --------------------------------------------------------------------------------------

    def with_mask2(self) -> EntityVocabulary:
        """This vocabulary with `[MASK2]` as a new last row (itself if it has one)."""
        if self.mask2_id is not None:
            return self
        counts = None if self._counts is None else np.append(self._counts, 0)
        return EntityVocabulary({**self._ids, MASK2: self._size}, counts, self.languages)

    def special_only(self) -> EntityVocabulary:
        """Vocabulary of a "lite" model: the special entities of this one, numbered from `[PAD]` = 0."""
        names = [name for name in SPECIAL_ENTITIES if name in self._ids]
        return EntityVocabulary({name: id for id, name in enumerate(names)})

    @classmethod
    def from_counts(
        cls,
        counts: Mapping[str, int],
        size: int | None = None,
        min_count: int = 0,
        allow: Iterable[str] = (),
        allow_only: bool = False,
        language: str | None = None,
    ) -> EntityVocabulary:
        """Number titles without gaps: special entities, `allow` in its order, the rest by decreasing count, then title.

        Args:
            counts: title -> number of links.
            size: maximum number of rows, including special entities.
            min_count: minimum count of a title; titles in `allow` need one link only.
            allow: titles to put first if they have a link.
            allow_only: stop after `allow`.
            language: language of all titles; None for a vocabulary without languages.
        """
        first = [title for title in dict.fromkeys(allow) if counts.get(title, 0) > 0 and title not in SPECIAL_ENTITIES]
        taken = {*first, *SPECIAL_ENTITIES}
        rest = [] if allow_only else [title for title, n in counts.items() if n >= min_count and title not in taken]
        rest.sort(key=lambda title: (-counts[title], title))
        titles = [*REQUIRED_SPECIAL_ENTITIES, *first, *rest][:size]
        numbers = np.array([0, 0, 0, *(counts[title] for title in titles[3:])], dtype=np.int64)
        prefix = f"{language}:" if language else ""
        ids = {prefix + title if id > 2 else title: id for id, title in enumerate(titles)}
        return cls(ids, numbers, (language,) if language else ())

    @classmethod
    def merge_languages(
        cls,
        vocabularies: Mapping[str, EntityVocabulary],
        interwiki: Mapping[tuple[str, str], str],
        size: int | None = None,
        min_languages: int = 1,
    ) -> EntityVocabulary:
        """One vocabulary of many languages: titles with the same interwiki id share an entity (mLUKE).

        Entities in fewer than `min_languages` languages are left out; the rest is sorted by decreasing total count, then
        by first key, after `[PAD]`, `[UNK]`, `[MASK]`.

        Args:
            vocabularies: language -> its vocabulary, with counts.
            interwiki: (title, language) -> id of the entity in all languages (a Wikidata item).
            size: maximum number of rows, including special entities.
            min_languages: minimum number of languages of an entity (3 for the public models).

        Raises:
            DataError: a vocabulary has no counts.
        """
        keys: dict[tuple[str, str | None], list[str]] = {}
        totals: dict[tuple[str, str | None], int] = {}
        for language, vocabulary in sorted(vocabularies.items()):
            if vocabulary.counts is None:
                raise DataError(f"the vocabulary of {language!r} has no counts to merge", path=vocabulary.source)
            for title, _, id in vocabulary.items():
                if title in SPECIAL_ENTITIES:
                    continue
                item = interwiki.get((title, language))
                # A title without an item is an entity of its own; its language distinguishes it from equal titles elsewhere.
                entity = (title, language) if item is None else (item, None)
                keys.setdefault(entity, []).append(f"{language}:{title}")
                totals[entity] = totals.get(entity, 0) + int(vocabulary.counts[id])
        kept = [entity for entity in keys if len({key.partition(":")[0] for key in keys[entity]}) >= min_languages]
        kept.sort(key=lambda entity: (-totals[entity], keys[entity][0]))
        kept = kept if size is None else kept[: max(0, size - len(REQUIRED_SPECIAL_ENTITIES))]
        ids = {name: id for id, name in enumerate(REQUIRED_SPECIAL_ENTITIES)}
        ids |= {key: id for id, entity in enumerate(kept, len(ids)) for key in keys[entity]}
        counts = np.array([0, 0, 0, *(totals[entity] for entity in kept)], dtype=np.int64)
        return cls(ids, counts, vocabularies)


def _table_size(ids: Mapping[str, int], source: Pathname | None) -> int:
    wrong = next((key for key, id in ids.items() if type(id) is not int or id < 0), None)
    if wrong is not None:
        raise DataError(f"found the id {ids[wrong]!r} for {wrong!r}, expected an integer from 0", path=source)
    special: dict[int, str] = {}
    for name in SPECIAL_ENTITIES:
        if name in ids and special.setdefault(ids[name], name) != name:
            raise DataError(f"found one id for {special[ids[name]]} and {name}, expected two", path=source)
    return max(ids.values()) + 1
