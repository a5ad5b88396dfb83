"""Types of entities: their file, and those of the rows of a vocabulary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.knowledge.entity_types import VocabularyTypes, read_entity_types, write_entity_types
from loreweave.errors import DataError

TYPES = {"Great_tit": ("Birds", "Animals"), "Oslo": ("Cities",), "Nobody": ("Ghosts",)}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "types.jsonl"
    assert write_entity_types(path, TYPES) == 3
    assert read_entity_types(path) == TYPES


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"entity": "Oslo", "types": []}', "found [], expected a list of at least one name"),
        ('{"entity": "Oslo", "types": [" "]}', "found ' ', expected the name of a type"),
        ('{"entity": "Oslo", "types": "City"}', "found 'City', expected a list"),
        ('{"entity": "", "types": ["City"]}', "found '', expected a title"),
        ('{"title": "Oslo", "types": ["City"]}', "found the fields title, types, expected entity and types"),
        ('{"entity": "Bern", "types": ["City"]}', "found 'Bern' twice"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "types.jsonl"
    path.write_text('{"entity": "Bern", "types": ["City"]}\n' + line + "\n")
    with pytest.raises(DataError) as raised:
        read_entity_types(path)
    assert message in str(raised.value) and "line 2" in str(raised.value)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "types.jsonl").write_text("")
    with pytest.raises(DataError, match="found no entity"):
        read_entity_types(tmp_path / "types.jsonl")


def test_rows_of_a_vocabulary() -> None:
    """Special entities come first; Oslo has the most links. Titles may be written with spaces or underscores."""
    vocabulary = EntityVocabulary.from_counts({"Oslo": 6, "Great tit": 3, "Bern": 1})
    types = VocabularyTypes.of(TYPES, vocabulary)
    oslo, tit, bern = (vocabulary.id_of(title) for title in ("Oslo", "Great tit", "Bern"))
    assert types.names == ("Animals", "Birds", "Cities") and types.unknown == 1
    assert oslo is not None and tit is not None and bern is not None
    assert types.of_row(oslo).tolist() == [2]
    assert types.of_row(tit).tolist() == [1, 0]
    assert types.of_row(bern).tolist() == [] and types.counts.sum() == 3
    summary = types.summary(vocabulary)
    links = "90% of the links that the vocabulary counts"
    assert summary == f"2 of 3 entities have a type (3 types), {links}; 1 entity of the file is not in the vocabulary"


def test_a_special_entity_has_no_types() -> None:
    vocabulary = EntityVocabulary.from_counts({"Oslo": 6})
    types = VocabularyTypes.of({"[MASK]": ("Cities",), "Oslo": ("Towns",)}, vocabulary)
    assert types.names == ("Towns",) and types.unknown == 1


def test_titles_of_one_entity_have_the_types_of_all() -> None:
    ids = {"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "en:Vienna": 3, "de:Wien": 3}
    types = VocabularyTypes.of({"en:Vienna": ("City",), "de:Wien": ("Capital",)}, EntityVocabulary.from_hugging_face(ids))
    assert types.of_row(3).tolist() == [1, 0] and types.names == ("Capital", "City")


def test_types_numbered_as_elsewhere() -> None:
    vocabulary = EntityVocabulary.from_counts({"Oslo": 6, "Great tit": 3})
    types = VocabularyTypes.of(TYPES, vocabulary).numbered(["Ghosts", "Cities", "Birds", "Animals"])
    oslo, tit = (vocabulary.id_of(title) or -1 for title in ("Oslo", "Great tit"))
    assert types.of_row(oslo).tolist() == [1] and types.of_row(tit).tolist() == [2, 3]
    assert types.names == ("Ghosts", "Cities", "Birds", "Animals")


def test_shuffled_types_are_a_permutation() -> None:
    """The same sets of types among the same entities, in other places; the same for the same seed."""
    titles = [f"Entity {number}" for number in range(40)]
    given = {
        title: tuple(f"type {(number + step) % 7}" for step in range(1 + number % 3)) for number, title in enumerate(titles)
    }
    vocabulary = EntityVocabulary.from_counts(dict.fromkeys([*titles, "untyped"], 1))
    types = VocabularyTypes.of(given, vocabulary)
    shuffled, again = types.shuffled(5), types.shuffled(5)
    rows = [tuple(types.of_row(row)) for row in range(len(vocabulary))]
    others = [tuple(shuffled.of_row(row)) for row in range(len(vocabulary))]
    assert sorted(rows) == sorted(others) and rows != others
    assert [bool(row) for row in rows] == [bool(row) for row in others]
    assert np.array_equal(shuffled.types, again.types) and np.array_equal(shuffled.offsets, again.offsets)
    assert not np.array_equal(types.shuffled(6).types, shuffled.types)
