"""Types of entities from categories, from labels of mentions, and from a graph."""

from __future__ import annotations

import pytest

from loreweave.build.entity_types import check_types, keep_frequent, types_of_categories, types_of_graph, types_of_labels
from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.graphs.entities import GraphEntity
from loreweave.corpus.graphs.knowledge_graph import GraphRelation, KnowledgeGraph
from loreweave.corpus.wikispeedia import category_name
from loreweave.errors import DataError


def page(title: str, *categories: object) -> AnnotatedText:
    return AnnotatedText(title, "A text.", metadata={"categories": list(categories)} if categories else {})


def test_categories_of_pages() -> None:
    texts = [page("Great_tit", "subject.Science.Biology.Birds", "subject.Animals_of_Europe"), page("Oslo")]
    report = types_of_categories(texts, category_name)
    assert report.types == {"Great_tit": ("Birds", "Animals of Europe")}
    assert report.counts == {"texts": 2, "texts_without_categories": 1}


def test_categories_of_another_form_are_refused() -> None:
    with pytest.raises(DataError, match=r'found \["a", 3\] in the text .Oslo., expected a list of names'):
        types_of_categories([page("Oslo", "a", 3)])


def test_labels_of_mentions() -> None:
    """All labels of an entity's mentions; what lacks one of the two is counted."""
    mentions = (
        Mention(0, 2, "Oslo", "city"),
        Mention(0, 2, "Oslo", labels=("capital", "city")),
        Mention(0, 2, None, "city"),
        Mention(0, 2, "Bern"),
    )
    report = types_of_labels([AnnotatedText("1", "A text.", mentions)])
    assert report.types == {"Oslo": ("city", "capital")}
    assert report.counts == {"texts": 1, "mentions": 4, "mentions_without_entity": 1, "mentions_without_label": 1}


def test_types_of_a_graph() -> None:
    """Found by the label; a label that two entities have is left out."""
    entities = [
        GraphEntity("Q1", "Oslo", types=("city",)),
        GraphEntity("Q2", "Bern"),
        GraphEntity("Q3", "Paris", types=("city",)),
        GraphEntity("Q4", "Paris", types=("god",)),
        GraphEntity("Q5", "Atlantis", types=("island",)),
    ]
    graph = KnowledgeGraph.from_parts(entities, [GraphRelation("P1", "near")], {"train": [[0, 0, 1]]})
    report = types_of_graph(graph, EntityVocabulary.from_counts({"Oslo": 3, "Bern": 2, "Paris": 1}))
    assert report.types == {"Oslo": ("city",)}
    assert report.counts["entities_without_types"] == 1 and report.counts["entities_outside_vocabulary"] == 1
    assert report.counts["entities"] == 5 and report.counts["entities_with_an_ambiguous_label"] == 2


def test_rare_types_are_dropped_and_counted() -> None:
    report = types_of_categories([page("a", "x", "y"), page("b", "x"), page("c", "z")])
    keep_frequent(report, 2)
    assert report.types == {"a": ("x",), "b": ("x",)}
    assert report.counts["types_dropped_rare"] == 2 and report.counts["entities_dropped_with_them"] == 1


def test_one_type_for_all_is_refused() -> None:
    with pytest.raises(DataError, match="found the type 'x' alone, expected at least two types"):
        check_types({"a": ("x",), "b": ("x",)}, "types.jsonl")
    with pytest.raises(DataError, match="found no entity with a type"):
        check_types({}, "types.jsonl")
