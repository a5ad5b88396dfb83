"""Entities of questions and contexts from a mention dictionary, as LUKE's original code finds them for SQuAD.

The names are those that the question's article links. Matching ignores case. It goes from left to right and takes the longest
name that begins at a word, where words begin after white space and at punctuation. The article is the `title` of the record.

Differences: the original searches each window of a context by itself, so that it may find the rest of a name that a window
cuts; and it searches names of up to 30 sub-words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from unicodedata import category
from urllib.parse import unquote

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.mentions.dictionary import MentionDictionary, PageLink
from loreweave.corpus.mentions.normalisation import Piece
from loreweave.corpus.special_entities import SPECIAL_ENTITIES
from loreweave.errors import ConfigurationError
from loreweave.tasks.extractive_qa.entity_input import EntitySpan
from loreweave.tasks.extractive_qa.record import QuestionRecord
from loreweave.tasks.extractive_qa.settings import QaSettings, Reader, Scope

_WORD = re.compile(r"(?:^|(?<= ))\S|[^\w\s]|_")
"""A character at which a word may begin: after a space, or punctuation."""
_LOOKED_AT = 1000
"""Number of entities of a dictionary in which keys of a vocabulary with languages are looked for."""
_KEPT = 2048
"""Number of texts and pages whose entities are kept; questions of an article usually stand together."""


class MentionEntities:
    """Finds the entities of question records; a `FindEntities`.

    Args:
        folder: a mention dictionary with the links of pages (`loreweave build mentions --page-links`).
        vocabulary: entities that the model knows; others are left out.
        scope: `page`: names that the record's article links; `dictionary`: any name, as its most frequent entity; `none`: no
            entities.
        reader: `documented`: what the paper says. `released_code`: as the released code of LUKE, which exchanges the name and
            the title of a link: it searches for titles, and takes the linked name as the title.
        min_link_probability: names that are linked more rarely are left out.
        language: language of the dictionary's titles, for a vocabulary of several languages.

    Attributes:
        counts: records whose links are not known.
    """

    def __init__(
        self,
        folder: Path,
        vocabulary: EntityVocabulary,
        scope: Scope = "page",
        reader: Reader = "documented",
        min_link_probability: float = 0.01,
        language: str | None = None,
    ) -> None:
        self.counts, self._language = Counter[str](), language
        self._folder, self._vocabulary = folder, vocabulary
        self._scope, self._reader, self._least = scope, reader, min_link_probability
        self._names_of = lru_cache(_KEPT)(self._names)
        self._entities_of = lru_cache(_KEPT)(self._entities)

    def __call__(self, record: QuestionRecord) -> tuple[tuple[EntitySpan, ...], tuple[EntitySpan, ...]]:
        """Entities in the question, and in the context.

        Raises:
            ConfigurationError: the dictionary is not there, or the language of its titles is not known.
        """
        if self._scope == "none":
            return (), ()
        title = None
        if self._scope == "page":
            given = record.metadata.get("title")
            title = None if given is None else unquote(str(given)).replace("_", " ")
            if title is None or self._names_of(title) is None:
                what = (
                    "without the title of their article" if title is None else "whose article is not in the mention dictionary"
                )
                self.counts[f"questions {what}, which get no entities"] += 1
                return (), ()
        return self._entities_of(title, record.question), self._entities_of(title, record.context)

    @cached_property
    def _dictionary(self) -> MentionDictionary:
        if not self._folder.is_dir():
            raise ConfigurationError(
                f"{self._folder}: found no such folder, but the model reads the entities of this mention dictionary; give its "
                "folder with mentions=DIR, or leave the entities out with mention_scope=none"
            )
        found = MentionDictionary.load(self._folder)
        self._vocabulary.check_language(self._language, "mention_language", keys=islice(found.entities(), _LOOKED_AT))
        return found

    def _entities(self, title: str | None, text: str) -> tuple[EntitySpan, ...]:
        return tuple(self._found(title, text))

    def _found(self, title: str | None, text: str) -> Iterator[EntitySpan]:
        if title is None:
            for mention in self._dictionary.detect(text, min_link_probability=self._least):
                (best,) = self._dictionary.candidates(mention.name, limit=1)
                yield from self._span(mention.start, mention.end, best.entity)
            return
        names = self._names_of(title) or {}
        by_first: dict[str, list[str]] = {}
        for name in sorted(names, key=len, reverse=True):
            by_first.setdefault(name[0], []).append(name)
        for piece in self._dictionary.normalisation.pieces(text):
            for start, end in _places(piece, by_first):
                yield from self._span(*piece.original(start, end), names[piece.text[start:end]])

    def _span(self, start: int, end: int, title: str) -> Iterator[EntitySpan]:
        found = self._vocabulary.find(self._dictionary.resolve(title), self._language)
        if found is not None:
            yield EntitySpan(start, end, found)

    def _names(self, title: str) -> dict[str, str] | None:
        """Normalised name -> title of the links of a page, without names with two titles; None if the page is unknown."""
        links = self._dictionary.page_links(title)
        links = self._dictionary.page_links(title.replace(" ", "_")) if links is None else links
        if links is None:
            return None
        titles: dict[str, set[str]] = {}
        for link in links:
            if link.link_probability >= self._least:
                name, linked = self._read(link)
                if name:
                    titles.setdefault(name, set()).add(linked)
        return {name: next(iter(linked)) for name, linked in titles.items() if len(linked) == 1}

    def _read(self, link: PageLink) -> tuple[str, str]:
        normalise = self._dictionary.normalisation.name
        if self._reader == "released_code":
            return normalise(link.entity), link.name
        return normalise(link.name), link.entity


def entity_finder(settings: QaSettings, vocabulary: EntityVocabulary) -> MentionEntities | None:
    """What finds the entities that the settings ask for; None if they name no mention dictionary.

    Raises:
        ConfigurationError: the model has no entities, or not in the given language.
    """
    if settings.mentions is None:
        return None
    if settings.mention_scope != "none" and len(vocabulary) <= len(SPECIAL_ENTITIES):
        raise ConfigurationError(
            "setting 'mentions': found a LUKE without embeddings of entities (a lite model, or one that was trained without "
            "mentions); leave it out, or train a whole LUKE with mentions=DIR"
        )
    if settings.mention_language is not None:
        vocabulary.check_language(settings.mention_language, "mention_language")
    return MentionEntities(
        Path(settings.mentions), vocabulary, settings.mention_scope, settings.mention_reader,
        settings.min_link_probability, settings.mention_language,
    )  # fmt: skip


def _places(piece: Piece, by_first: Mapping[str, list[str]]) -> Iterator[tuple[int, int]]:
    """Names in a text, from left to right; `by_first` has them by their first character, the longest first."""
    text, after = piece.text, 0
    for word in _WORD.finditer(text):
        start = word.start()
        if start < after or start in piece.inside or not (start == 0 or text[start - 1] == " " or _is_punctuation(word[0])):
            continue
        for name in by_first.get(text[start], ()):
            end = start + len(name)
            if text.startswith(name, start) and _ends_word(text, end) and end not in piece.inside:
                yield start, end
                after = end
                break


def _ends_word(text: str, end: int) -> bool:
    return end == len(text) or text[end] == " " or _is_punctuation(text[end])


def _is_punctuation(character: str) -> bool:
    """ASCII symbols, and what Unicode calls punctuation."""
    if character.isascii():
        return not (character.isalnum() or character.isspace())
    return category(character)[0] == "P"
