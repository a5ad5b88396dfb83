"""Relations of pairs of entities, from triples and from types."""

from __future__ import annotations

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.graphs.entities import GraphEntity
from loreweave.corpus.graphs.knowledge_graph import GraphRelation, KnowledgeGraph
from loreweave.corpus.knowledge.entity_types import VocabularyTypes
from loreweave.corpus.knowledge.pair_relations import PairRelations

TITLES = ["Oslo", "Norway", "Bern", "Switzerland", "Alps"]
VOCABULARY = EntityVocabulary.from_counts(dict.fromkeys(TITLES, 2))
ROW = {title: VOCABULARY.id_of(title) or -1 for title in TITLES}


def graph() -> KnowledgeGraph:
    """Oslo: capital of and located in Norway; Bern: capital of Switzerland; the moon is in no text."""
    entities = [GraphEntity(f"Q{number}", label) for number, label in enumerate([*TITLES[:4], "moon"])]
    relations = [GraphRelation("P0", "capital of"), GraphRelation("P1", "located in")]
    return KnowledgeGraph.from_parts(entities, relations, {"train": [[0, 0, 1], [0, 1, 1], [2, 0, 3], [4, 1, 0], [0, 1, 0]]})


def test_triples_of_a_graph() -> None:
    """Only those whose two entities are linked and differ."""
    found = PairRelations.of_graph(graph(), graph().triples["train"], VOCABULARY)
    assert list(found.of(ROW["Oslo"], ROW["Norway"])) == [0, 1]
    assert list(found.of(ROW["Norway"], ROW["Oslo"])) == []
    assert list(found.of(ROW["Bern"], ROW["Switzerland"])) == [0]
    assert found.width == 2 and found.relations == 2 and found.known.sum() == 4 and not found.known[ROW["Alps"]]
    assert found.summary() == "2 pairs of 4 entities in 2 relations"


def test_pairs_of_types() -> None:
    types = VocabularyTypes.of({"Oslo": ("city",), "Norway": ("country", "state")}, VOCABULARY)
    found = PairRelations.of_types(types)  # city 0, country 1, state 2
    assert list(found.of(ROW["Oslo"], ROW["Norway"])) == [1, 2]
    assert list(found.of(ROW["Norway"], ROW["Oslo"])) == [3, 6]
    assert list(found.of(ROW["Oslo"], ROW["Oslo"])) == [0] and found.width == 4 and found.relations == 9


def test_shuffled_entities_keep_the_relations() -> None:
    found = PairRelations.of_graph(graph(), graph().triples["train"], VOCABULARY)
    moved = next(shuffled for seed in range(20) if (shuffled := found.shuffled(seed)).pairs != found.pairs)
    assert moved.pairs is not None and found.pairs is not None
    assert sorted(moved.pairs.values()) == sorted(found.pairs.values()) and (moved.known == found.known).all()
