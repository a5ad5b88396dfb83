"""Objects of facts as entities of a vocabulary, by label, title, alias or id."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from loreweave.corpus.entity_vocabulary import EntityVocabulary


class EntityNames:
    """Finds the entities of a vocabulary that names of an object stand for.

    Args:
        vocabulary: entity vocabulary; its titles are those of Wikipedia, or ids.
        language: language of the names, for a vocabulary of several languages.

    Raises:
        ConfigurationError: the vocabulary has languages, and not this one.
    """

    def __init__(self, vocabulary: EntityVocabulary, language: str | None = None) -> None:
        vocabulary.check_language(language)
        self.vocabulary, self.language = vocabulary, language

    def id_of(self, name: str) -> int | None:
        """Id of the title that equals a name, except for underscores and the case of the first letter, as in Wikipedia."""
        return self.vocabulary.find(name, self.language)

    def title_of(self, id: int) -> str:
        """Title of an entity, in the language of the names if it has one there."""
        return self._titles.get(id) or self.vocabulary.title_of(id)

    @cached_property
    def _titles(self) -> dict[int, str]:
        """Titles in the language, of a vocabulary of several languages."""
        if len(self.vocabulary.languages) < 2:
            return {}
        return {id: title for title, language, id in self.vocabulary.items() if language == self.language}

    def find(self, names: Sequence[str], id: str = "") -> tuple[str | None, list[int]]:
        """How an object is found (`id`, `label` or `alias`; None if it is not), and its entities.

        Aliases are tried only if neither the id nor the label is a title, because an alias may be the title of another entity
        (`Georgia`).
        """
        tried = {"id": (id,) if id else (), "label": names[:1], "alias": names[1:]}
        for way, given in tried.items():
            if found := list(dict.fromkeys(row for name in given if (row := self.id_of(name)) is not None)):
                return way, found
        return None, []
