"""Objects of facts as entities of a vocabulary, by label, title, alias or id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from loreweave.corpus.counts import listed
from loreweave.corpus.entity_vocabulary import EntityVocabulary, spellings
from loreweave.errors import ConfigurationError


class EntityNames:
    """Finds the entities of a vocabulary that names of an object stand for.

    Args:
        vocabulary: entity vocabulary; its titles are those of Wikipedia, or ids.
        language: language of the names, for a vocabulary of several languages.

    Raises:
        ConfigurationError: the vocabulary has several languages, and not this one.
    """

    def __init__(self, vocabulary: EntityVocabulary, language: str | None = None) -> None:
        if len(vocabulary.languages) > 1 and language not in vocabulary.languages:
            expected = f"expected one of those of the entity vocabulary: {listed(vocabulary.languages, 30)}"
            raise ConfigurationError(f"language: found {'null' if language is None else language}, {expected}")
        self.vocabulary, self.language = vocabulary, language

    def id_of(self, name: str) -> int | None:
        """Id of the title that equals a name, except for underscores and the case of the first letter, as in Wikipedia."""
        name = name.strip()
        for written in dict.fromkeys((name, name[:1].upper() + name[1:])):
            for spelling in spellings(written):
                found = self.vocabulary.id_of(spelling, self.language)
                if found is not None and found not in self.vocabulary.special_ids:
                    return found
        return None

    def title_of(self, id: int) -> str:
        """Title of an entity, in the language of the names if it has one there."""
        return self._titles.get(id) or self.vocabulary.title_of(id)

    @cached_property
    def _titles(self) -> dict[int, str]:
        """Titles in the language, of a vocabulary of several languages."""
        if len(self.vocabulary.languages) < 2:
            return {}
        return {id: title for title, language, id in self.vocabulary.items() if language == self.language}

    def ids_of(self, names: Sequence[str], id: str = "") -> list[int]:
        """The entities of an object: by its id, then by its names; each once."""
        wanted: Iterable[str] = (id, *names) if id else names
        return list(dict.fromkeys(found for name in wanted if (found := self.id_of(name)) is not None))

    def way_of(self, names: Sequence[str], id: str = "") -> str | None:
        """How an object is found: `id`, `label` or `alias`; None if it is not."""
        if id and self.id_of(id) is not None:
            return "id"
        if names and self.id_of(names[0]) is not None:
            return "label"
        return "alias" if self.ids_of(names) else None
