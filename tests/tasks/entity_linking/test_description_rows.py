"""Entities of a table in a LUKE's entity vocabulary, with and without languages."""

from __future__ import annotations

import pytest

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.knowledge.entity_table import DescribedEntity, EntityTable
from loreweave.errors import ConfigurationError
from loreweave.tasks.entity_linking.description_rows import ids_of

SPECIAL = {"[PAD]": 0, "[UNK]": 1, "[MASK]": 2}
TABLE = EntityTable([
    DescribedEntity("Q1741", "Wien", title="wien"),
    DescribedEntity("Q585", "Oslo"),  # a QID alone: by its label
    DescribedEntity("bergen", "Oslo"),
])  # fmt: skip


def test_entities_are_found_in_a_vocabulary_without_languages() -> None:
    vocabulary = EntityVocabulary({**SPECIAL, "Wien": 3, "Oslo": 4})
    assert ids_of(TABLE, vocabulary).tolist() == ids_of(TABLE, vocabulary, "de").tolist() == [3, 4, -1]


def test_entities_are_found_in_their_language() -> None:
    vocabulary = EntityVocabulary.from_hugging_face({**SPECIAL, "en:Vienna": 3, "de:Wien": 3, "en:Oslo": 4, "en:Wien": 5})
    assert ids_of(TABLE, vocabulary, "de").tolist() == [3, -1, -1]
    assert ids_of(TABLE, vocabulary, "en").tolist() == [5, 4, -1]


def test_a_language_that_is_missing_or_unknown_is_named() -> None:
    vocabulary = EntityVocabulary.from_hugging_face({**SPECIAL, "de:Wien": 3, "en:Oslo": 4})
    expected = "expected one of those of the entity vocabulary: de, en"
    with pytest.raises(ConfigurationError, match=f"language: found null, {expected}"):
        ids_of(TABLE, vocabulary)
    with pytest.raises(ConfigurationError, match=f"language: found fr, {expected}"):
        ids_of(TABLE, vocabulary, "fr")
    one = EntityVocabulary.from_hugging_face({**SPECIAL, "en:Oslo": 3})
    assert ids_of(TABLE, one).tolist() == ids_of(TABLE, one, "en").tolist() == [-1, 3, -1]
    with pytest.raises(ConfigurationError, match="language: found de, expected one of those of the entity vocabulary: en"):
        ids_of(TABLE, one, "de")


def test_titles_may_have_their_language_in_front() -> None:
    vocabulary = EntityVocabulary.from_hugging_face({**SPECIAL, "de:Wien": 3, "en:Oslo": 4})
    table = EntityTable([DescribedEntity("a", "Wien", title="de:Wien"), DescribedEntity("en:Oslo", "Oslo")])
    assert ids_of(table, vocabulary).tolist() == [3, 4]
