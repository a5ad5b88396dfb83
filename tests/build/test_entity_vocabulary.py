"""Counting links and building a vocabulary."""

from __future__ import annotations

from loreweave.build.entity_vocabulary import build_entity_vocabulary, count_entities
from loreweave.corpus.annotated_text import AnnotatedText, Mention

TEXTS = [
    AnnotatedText("a", "x y z v", (Mention(0, 1, "Tokyo"), Mention(2, 3, "Category:Cities"), Mention(4, 5))),
    AnnotatedText("b", "x y z v", (Mention(0, 1, "Tokyo"), Mention(2, 3, "Edo"), Mention(4, 5, "Gone"))),
]


def test_counting_resolves_redirects_and_leaves_out_pages_that_are_no_entities() -> None:
    assert count_entities(TEXTS) == {"Tokyo": 2, "Edo": 1, "Gone": 1}
    redirects = {"Edo": "Tokyo"}
    counts = count_entities(TEXTS, titles={"Tokyo"}, resolve=lambda title: redirects.get(title, title))
    assert counts == {"Tokyo": 3}


def test_the_vocabulary_is_ordered_and_cut() -> None:
    vocabulary = build_entity_vocabulary(TEXTS, size=5)
    assert list(vocabulary.to_hugging_face()) == ["[PAD]", "[UNK]", "[MASK]", "Tokyo", "Edo"]
    assert vocabulary.count_of(3) == 2
    assert len(build_entity_vocabulary(TEXTS, min_count=2)) == 4
    assert build_entity_vocabulary(TEXTS, allow=["Gone"], allow_only=True, language="en").id_of("Gone", "en") == 3
