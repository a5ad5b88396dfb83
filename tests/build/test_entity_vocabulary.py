"""Counting links and building a vocabulary."""

from __future__ import annotations

from collections import Counter

import pytest

from loreweave.build.entity_vocabulary import build_entity_vocabulary, count_entities
from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.errors import ConfigurationError, DataError

TEXTS = [
    AnnotatedText("a", "x y z v", (Mention(0, 1, "Tokyo"), Mention(2, 3, "Category:Cities"), Mention(4, 5))),
    AnnotatedText("b", "x y z v", (Mention(0, 1, "Tokyo"), Mention(2, 3, "Edo"), Mention(4, 5, "Gone"))),
]


def text(language: str | None, *titles: str) -> AnnotatedText:
    return AnnotatedText("t", "x" * len(titles), tuple(Mention(i, i + 1, t) for i, t in enumerate(titles)), language)


def test_counting_resolves_redirects_and_leaves_out_pages_that_are_no_entities() -> None:
    assert count_entities(TEXTS) == {None: {"Tokyo": 2, "Edo": 1, "Gone": 1}}
    redirects = {"Edo": "Tokyo"}
    counts = count_entities(TEXTS, titles={"Tokyo"}, resolve=lambda title: redirects.get(title, title))
    assert counts == {None: {"Tokyo": 3}}


def test_links_that_are_not_counted_are_counted_apart() -> None:
    skipped: Counter[str] = Counter()
    count_entities([*TEXTS, TEXTS[0]], titles={"Tokyo", "Edo"}, skipped=skipped)
    assert skipped == {"links_skipped_by_prefix": 2, "links_skipped_outside_titles": 1}


def test_a_title_with_spaces_and_with_underscores_is_one_entity() -> None:
    """The more frequent spelling is kept; "A_b c" belongs to the two others, and other languages are apart."""
    titles = ["New York", "New_York", "New_York", "A_b c", "A b c", "A b c", "Oslo", "El Paso", "El_Paso"]
    skipped: Counter[str] = Counter()
    counts = count_entities([text("en", *titles), text("de", "New York")], skipped=skipped)
    assert counts == {"en": {"New_York": 3, "A b c": 3, "Oslo": 1, "El_Paso": 2}, "de": {"New York": 1}}
    assert skipped == {"spellings_merged": 3}


def test_the_vocabulary_is_ordered_and_cut() -> None:
    vocabulary = build_entity_vocabulary(TEXTS, size=5)
    assert list(vocabulary.to_hugging_face()) == ["[PAD]", "[UNK]", "[MASK]", "Tokyo", "Edo"]
    assert vocabulary.count_of(3) == 2
    assert len(build_entity_vocabulary(TEXTS, min_count=2)) == 4
    assert build_entity_vocabulary(TEXTS, allow=["Gone"], allow_only=True, language="en").id_of("Gone", "en") == 3


def test_equal_titles_of_several_languages_are_several_entities() -> None:
    """`Gift` is a present in English and poison in German."""
    texts = [text("en", "Gift", "Oslo"), text("de", "Gift", "Gift", "Bonn"), text("de", "Gift")]
    assert count_entities(texts) == {"en": {"Gift": 1, "Oslo": 1}, "de": {"Gift": 3, "Bonn": 1}}
    vocabulary = build_entity_vocabulary(texts)
    titles = ["de:Gift", "de:Bonn", "en:Gift", "en:Oslo"]
    assert list(vocabulary.to_hugging_face()) == ["[PAD]", "[UNK]", "[MASK]", *titles]
    assert vocabulary.languages == ("de", "en")
    assert [vocabulary.count_of(id) for id in range(3, 7)] == [3, 1, 1, 1]
    assert list(build_entity_vocabulary(texts, min_count=2).to_hugging_face())[3:] == ["de:Gift"]
    assert list(build_entity_vocabulary(texts, size=5).to_hugging_face())[3:] == titles[:2]


def test_one_language_needs_no_prefix_and_one_for_all_merges() -> None:
    assert "Oslo" in build_entity_vocabulary([text("en", "Oslo"), text(None, "Oslo")]).to_hugging_face()
    texts = [text("en", "Oslo"), text("de", "Oslo")]
    assert list(build_entity_vocabulary(texts, language="no").to_hugging_face())[3:] == ["no:Oslo"]
    assert count_entities(texts, language="no") == {"no": {"Oslo": 2}}


def test_texts_of_several_languages_must_all_say_theirs() -> None:
    texts = [text("en", "Oslo"), text("de", "Oslo"), text(None, "Oslo")]
    with pytest.raises(DataError, match="found texts in de, en and texts without a language"):
        build_entity_vocabulary(texts)


def test_a_list_of_titles_is_of_one_language() -> None:
    with pytest.raises(ConfigurationError, match="allow"):
        build_entity_vocabulary([text("en", "Oslo"), text("de", "Oslo")], allow=["Oslo"])
