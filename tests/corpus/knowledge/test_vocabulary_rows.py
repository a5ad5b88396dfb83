"""Entities of a graph found in an entity vocabulary, by id and by title."""

from __future__ import annotations

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.graphs.entities import GraphEntity, GraphRelation
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.corpus.knowledge.vocabulary_rows import NONE, SHARED, ids_of_graph, vocabulary_ids


def test_ids_are_found_by_id_then_by_label() -> None:
    vocabulary = EntityVocabulary.from_counts({"Oslo": 3, "Q64": 2, "Bern": 1})
    entities = [
        GraphEntity("Q585", "Oslo"),
        GraphEntity("Q64", "Oslo of the south"),
        GraphEntity("Q1", "Paris"),
        GraphEntity("Q2"),
    ]
    assert vocabulary_ids(entities, vocabulary).tolist() == [vocabulary.id_of("Oslo"), vocabulary.id_of("Q64"), NONE, NONE]


def test_a_title_of_several_entities_is_nobodys() -> None:
    vocabulary = EntityVocabulary.from_counts({"Georgia": 3, "Bern": 1})
    entities = [GraphEntity("Q230", "Georgia"), GraphEntity("Q70", "Bern"), GraphEntity("Q1428", "Georgia")]
    assert vocabulary_ids(entities, vocabulary).tolist() == [SHARED, vocabulary.id_of("Bern"), SHARED]


def test_a_space_is_an_underscore() -> None:
    vocabulary = EntityVocabulary.from_counts({"New_York_City": 3, "El Paso": 1})
    found = vocabulary_ids([GraphEntity("Q60", "New York City"), GraphEntity("Q16562", "El Paso")], vocabulary)
    assert found.tolist() == [vocabulary.id_of("New_York_City"), vocabulary.id_of("El Paso")]


def test_an_underscore_is_a_space() -> None:
    """Also where the graph has the underscore and the vocabulary the space."""
    vocabulary = EntityVocabulary.from_counts({"Great tit": 3})
    assert vocabulary_ids([GraphEntity("Q25485", "Great_tit")], vocabulary).tolist() == [vocabulary.id_of("Great tit")]


def test_special_entities_are_no_titles() -> None:
    vocabulary = EntityVocabulary.from_counts({"Oslo": 3})
    assert vocabulary_ids([GraphEntity("Q1", "[MASK]"), GraphEntity("[PAD]")], vocabulary).tolist() == [NONE, NONE]
    assert vocabulary_ids([], vocabulary).tolist() == []


def test_a_title_wins_over_labels() -> None:
    """The city's label is a state's title, so only the state, which has that title, is it; a label alone still finds."""
    vocabulary = EntityVocabulary.from_counts({"New York": 3, "New_York_City": 2, "Bern": 1})
    entities = [
        GraphEntity("Q60", "New York", title="New York City"),
        GraphEntity("Q1384", "State of New York", title="New York"),
        GraphEntity("Q99", "New York"),
        GraphEntity("Q70", "Bern", title="Bern, Switzerland"),
    ]
    found = vocabulary_ids(entities, vocabulary).tolist()
    assert found == [vocabulary.id_of("New_York_City"), vocabulary.id_of("New York"), NONE, vocabulary.id_of("Bern")]


def test_labels_of_another_language_are_not_found() -> None:
    """*Gift* is a present in English and poison in German."""
    counts = {"Gift": 3, "Q40867": 2}
    english, both = (
        EntityVocabulary.from_counts(counts, language="en"),
        EntityVocabulary({"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "en:Gift": 3, "de:Gift": 4}, languages=("de", "en")),
    )
    entities = [GraphEntity("Q1", "Gift"), GraphEntity("Q2", title="Gift"), GraphEntity("Q40867", "Gift")]
    for entity in entities[:2]:
        assert vocabulary_ids([entity], english, "de").tolist() == [NONE]
        assert vocabulary_ids([entity], english, "en").tolist() == vocabulary_ids([entity], english).tolist() == [3]
        assert vocabulary_ids([entity], both, "de").tolist() == [4] and vocabulary_ids([entity], both).tolist() == [NONE]
        assert vocabulary_ids([entity], EntityVocabulary.from_counts(counts), "de").tolist() == [3]  # it has no languages
    assert vocabulary_ids(entities[2:], english, "de").tolist() == [4]  # an id has no language


def test_a_graph_gives_the_language_of_its_labels() -> None:
    english = EntityVocabulary.from_counts({"Gift": 3}, language="en")
    for details, expected in (({"source": {"language": "de"}}, NONE), ({"source": {"language": "en"}}, 3), ({}, 3)):
        graph = KnowledgeGraph.from_parts([GraphEntity("Q1", "Gift")], [GraphRelation("P1")], {}, details=details)
        assert ids_of_graph(graph, english).tolist() == [expected]
