"""Types of entities from categories, from labels of mentions, and from a graph."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from loreweave.build.entity_types import (
    EntityTypesReport,
    check_types,
    keep_frequent,
    types_of_categories,
    types_of_graph,
    types_of_labels,
    types_of_vocabulary,
)
from loreweave.build.entity_vocabulary import build_entity_vocabulary
from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.graphs.entities import GraphEntity
from loreweave.corpus.graphs.knowledge_graph import GraphRelation, KnowledgeGraph
from loreweave.corpus.knowledge.entity_types import VocabularyTypes, write_entity_types
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


def in_language(language: str | None, title: str, *labels: str) -> AnnotatedText:
    """A page of a title that links to it; its labels are also its categories."""
    mentions = (Mention(0, 1, title, labels=labels),)
    return AnnotatedText(title, "A text.", mentions, language, metadata={"categories": list(labels)})


@pytest.mark.parametrize("types_of", [types_of_labels, types_of_categories])
def test_equal_titles_of_several_languages_have_types_of_their_own(types_of: Callable[..., EntityTypesReport]) -> None:
    """The names are the keys of the vocabulary of the same texts, in which `Gift` is two entities."""
    texts = [in_language("en", "Gift", "present"), in_language("de", "Gift", "poison"), in_language("en", "Gift", "thing")]
    types = types_of(texts).types
    assert types == {"en:Gift": ("present", "thing"), "de:Gift": ("poison",)}
    vocabulary = build_entity_vocabulary(texts)
    found = VocabularyTypes.of(types, vocabulary)
    row = vocabulary.id_of("Gift", "de")
    assert row is not None and [found.names[name] for name in found.of_row(row)] == ["poison"]
    assert found.unknown == 0


@pytest.mark.parametrize("types_of", [types_of_labels, types_of_categories])
def test_languages_are_those_of_all_texts_and_one_needs_no_prefix(types_of: Callable[..., EntityTypesReport]) -> None:
    untyped = in_language("de", "Bonn")
    assert types_of([in_language("en", "Oslo", "city"), untyped]).types == {"en:Oslo": ("city",)}
    one = [in_language("en", "Oslo", "city"), in_language(None, "Oslo", "capital")]
    assert types_of(one).types == {"Oslo": ("city", "capital")}
    with pytest.raises(DataError, match="found texts in de, en and texts without a language, expected one for every text"):
        types_of([*one, untyped])
    assert types_of([*one, untyped], language="no").types == {"no:Oslo": ("city", "capital")}
    assert types_of([], language="no").types == types_of([]).types == {}


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


def graph_with_types() -> KnowledgeGraph:
    """Oslo is a city and a capital, Bern a city; "Q5" has no label, and Norway no type."""
    labels = {"Q1": "Oslo", "Q2": "Bern", "Q3": "city", "Q4": "capital", "Q5": "", "Q6": "Norway", "Q7": "Elsewhere"}
    entities = [GraphEntity(id, label, types=("stored",)) for id, label in labels.items()]
    relations = [GraphRelation("P31", "instance of"), GraphRelation("P17", "country"), GraphRelation("P279", "subclass of")]
    triples = {"train": [[0, 0, 2], [0, 0, 3], [0, 0, 2], [0, 1, 5], [6, 0, 2]], "test": [[1, 0, 2], [1, 2, 4]]}
    return KnowledgeGraph.from_parts(entities, relations, triples)


@pytest.mark.parametrize("name", ["P31", "instance of"])
def test_types_from_the_tails_of_a_relation(name: str) -> None:
    vocabulary = EntityVocabulary.from_counts({"Oslo": 3, "Bern": 2, "Norway": 1})
    report = types_of_graph(graph_with_types(), vocabulary, [name])
    assert report.types == {"Oslo": ("city", "capital"), "Bern": ("city",)}
    assert report.counts["triples_with_a_type"] == 5 and report.counts["types_without_a_label"] == 0
    assert report.counts["entities_without_types"] == 1, "Norway"
    assert report.counts["entities_outside_vocabulary"] == 4


def test_types_from_several_relations_and_a_type_without_a_label() -> None:
    report = types_of_graph(graph_with_types(), EntityVocabulary.from_counts({"Oslo": 3, "Bern": 2}), ["P31", "subclass of"])
    assert report.types == {"Oslo": ("city", "capital"), "Bern": ("city", "Q5")}
    assert report.counts["types_without_a_label"] == 1


def test_an_unknown_relation_is_an_error_with_a_suggestion() -> None:
    vocabulary = EntityVocabulary.from_counts({"Oslo": 3})
    with pytest.raises(DataError, match="found no relation 'instanceof'; did you mean 'instance of'?"):
        types_of_graph(graph_with_types(), vocabulary, ["instanceof"])
    with pytest.raises(DataError, match="found no relation 'xyz', expected the id or the label of one: P31, instance of, P17"):
        types_of_graph(graph_with_types(), vocabulary, ["xyz"])


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


def test_a_file_about_other_entities_is_told_from_one_without_types(tmp_path: Path) -> None:
    """The message shows how the file and the links write their entities."""
    path = tmp_path / "types.jsonl"
    write_entity_types(path, {"oslo": ("town",), "bern": ("city",)})
    vocabulary = EntityVocabulary.from_counts({"Oslo": 2, "Bern": 1})
    with pytest.raises(DataError, match=re.escape("found no entity with a type, expected at least two types among")) as error:
        types_of_vocabulary(path, vocabulary)
    expected = "the linked entities of the data; 2 entities of the file are not among them (the file has 'oslo', the links have"
    assert f"{expected} 'Oslo')" in str(error.value)
    write_entity_types(path, {"Oslo": ("town",)})
    with pytest.raises(DataError, match="found the type 'town' alone, .* among the linked entities of the data$"):
        types_of_vocabulary(path, vocabulary)
    write_entity_types(path, {"Oslo": ("town",), "Bern": ("city",)})
    assert types_of_vocabulary(path, vocabulary).names == ("city", "town")


def test_white_space_around_a_type_is_no_other_type() -> None:
    """Training reads the names without it; before, such types were counted, and dropped as rare, apart."""
    categories = types_of_categories([page("Oslo", "town ", "town"), page("Bern", " town", "city")])
    assert categories.types == {"Oslo": ("town",), "Bern": ("town", "city")}
    keep_frequent(categories, 2)
    assert categories.types == {"Oslo": ("town",), "Bern": ("town",)}
    labels = types_of_labels([AnnotatedText("1", "Oslo", (Mention(0, 4, "Oslo", labels=("town ", "town")),))])
    assert labels.types == {"Oslo": ("town",)}
