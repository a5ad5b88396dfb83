"""Spellings of the same entity."""

from __future__ import annotations

import pytest

from loreweave.corpus.knowledge.entity_names import canonical_entity, is_qid, without_qualifier


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Acetic_acid", "Acetic acid"),
        ("acetic  acid", "Acetic acid"),
        ("https://en.wikipedia.org/wiki/Acetic_acid", "Acetic acid"),
        ("http://de.m.wikipedia.org/wiki/K%C3%B6ln", "Köln"),
        ("http://dbpedia.org/resource/AC/DC", "AC/DC"),
        ("http://de.dbpedia.org/resource/Bonn", "Bonn"),
        ("https://en.wikipedia.org/wiki/C%23#History", "C#"),  # a section of the article
        ("Ko\u0308ln", "Köln"),
        ("https://de.wikipedia.org/wiki/Ko%CC%88ln", "Köln"),
        ("http://www.wikidata.org/entity/Q64", "Q64"),
        ("https://www.wikidata.org/wiki/Q64", "Q64"),
        ("Jos\\u00e9_Mourinho", "José Mourinho"),
        ("/m/0bm9", "/m/0bm9"),
        ("50%_off", "50% off"),  # only addresses have escapes
        ("", ""),
    ],
)
def test_one_spelling(name: str, expected: str) -> None:
    assert canonical_entity(name) == expected


def test_ids_of_wikidata() -> None:
    assert is_qid("Q64") and not any(map(is_qid, ("Q0", "Q", "P31", "Q64a", "q64")))


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Mercury (planet)", "Mercury"),
        ("Mercury  (planet)", "Mercury"),
        ("Iron(III)", "Iron(III)"),  # the brackets are part of the name
        ("f(x) (band)", "f(x)"),
        ("(Untitled)", "(Untitled)"),
        ("(500) Days of Summer", "(500) Days of Summer"),
        ("Oslo", "Oslo"),
        ("", ""),
    ],
)
def test_what_tells_a_title_from_others_is_left_out(title: str, expected: str) -> None:
    assert without_qualifier(title) == expected
