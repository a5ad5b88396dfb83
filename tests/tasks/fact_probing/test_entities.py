"""Objects as entities of a vocabulary."""

from __future__ import annotations

import pytest

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.errors import ConfigurationError
from loreweave.tasks.fact_probing.entities import EntityNames

NAMES = EntityNames(EntityVocabulary.from_counts({"Oslo": 3, "New York City": 2, "Actor": 1, "Q64": 1}))


def test_a_title_is_found_by_names_as_wikipedia_writes_them() -> None:
    vocabulary = NAMES.vocabulary
    assert NAMES.id_of("Oslo") == vocabulary.id_of("Oslo") is not None
    assert NAMES.id_of("New_York_City") == NAMES.id_of(" New York City ") == vocabulary.id_of("New York City")
    assert NAMES.id_of("actor") == vocabulary.id_of("Actor"), "the first letter of a title is a capital one"
    assert NAMES.id_of("oSLO") is None and NAMES.id_of("[MASK]") is None and NAMES.id_of("") is None


def test_the_way_by_which_an_object_is_found() -> None:
    oslo, actor, berlin = (NAMES.vocabulary.id_of(title) for title in ("Oslo", "Actor", "Q64"))
    assert NAMES.find(["Berlin", "Oslo"], "Q64") == ("id", [berlin])
    assert NAMES.find(["Oslo", "Actor"]) == ("label", [oslo]), "the alias of one entity may be the title of another"
    assert NAMES.find(["Christiania", "Oslo", "actor", "Oslo"], "Q585") == ("alias", [oslo, actor])
    assert NAMES.find(["Bergen"]) == (None, []) and NAMES.find([]) == (None, [])


def test_a_vocabulary_of_several_languages_needs_the_language_of_the_names() -> None:
    ids = {"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "en:Vienna": 3, "de:Wien": 3, "de:Zug": 4}
    vocabulary = EntityVocabulary.from_hugging_face(ids)
    english, german = EntityNames(vocabulary, "en"), EntityNames(vocabulary, "de")
    assert english.id_of("Vienna") == german.id_of("Wien") == 3 and english.id_of("Wien") is None
    assert english.title_of(3) == "Vienna" and german.title_of(3) == "Wien" and english.title_of(4) == "de:Zug"
    with pytest.raises(
        ConfigurationError, match="language: found null, expected one of those of the entity vocabulary: de, en"
    ):
        EntityNames(vocabulary)
