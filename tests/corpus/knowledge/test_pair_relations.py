"""Relations of pairs of entities, from triples and from types."""

from __future__ import annotations

import numpy as np

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


def of(relations: PairRelations, head: str, tail: str) -> list[int]:
    """Relations of one pair, without the padding."""
    (found,) = relations.of(np.array([ROW[head]]), np.array([ROW[tail]]))
    assert len(found) >= 1
    return [int(number) for number in found if number >= 0]


def test_triples_of_a_graph() -> None:
    """Only those whose two entities are linked and differ."""
    found = PairRelations.of_graph(graph(), graph().triples["train"], VOCABULARY)
    assert of(found, "Oslo", "Norway") == [0, 1] and of(found, "Norway", "Oslo") == []
    assert of(found, "Bern", "Switzerland") == [0] and of(found, "Alps", "Alps") == []
    assert found.relations == 2 and found.known.sum() == 4 and not found.known[ROW["Alps"]]
    assert found.summary() == "2 pairs of 4 entities in 2 relations"


def test_a_triple_that_is_there_twice_counts_once() -> None:
    triples = np.array([[2, 0, 3], [0, 1, 1], [2, 0, 3], [0, 0, 1], [0, 1, 1]])
    found = PairRelations.of_graph(graph(), triples, VOCABULARY)
    assert of(found, "Oslo", "Norway") == [0, 1] and of(found, "Bern", "Switzerland") == [0]


def test_several_pairs_at_once() -> None:
    found = PairRelations.of_graph(graph(), graph().triples["train"], VOCABULARY)
    heads, tails = (np.array([ROW[name] for name in names]) for names in (("Alps", "Bern", "Oslo"), TITLES[3:2:-1] * 3))
    assert found.of(heads, tails).tolist() == [[-1], [0], [-1]] and found.related(heads, tails).tolist() == [False, True, False]
    assert found.of(heads[:0], tails[:0]).shape == (0, 1)
    both = found.of(np.array([ROW["Oslo"], ROW["Bern"]]), np.array([ROW["Norway"], ROW["Switzerland"]]))
    assert both.tolist() == [[0, 1], [0, -1]]


def test_relations_of_no_triples() -> None:
    found = PairRelations.of_graph(graph(), np.empty((0, 3), np.int64), VOCABULARY)
    assert of(found, "Oslo", "Norway") == [] and found.relations == 0


def test_an_entity_with_many_types_widens_its_own_pairs_alone() -> None:
    """100 types of the Alps make 10,000 pairs of types with themselves, and two with Norway."""
    given = {"Oslo": ("city",), "Norway": ("country", "state"), "Alps": tuple(f"kind {number}" for number in range(100))}
    found = PairRelations.of_types(VocabularyTypes.of(given, VOCABULARY))
    oslo, norway, alps = (np.array([ROW[title]]) for title in given)
    assert found.of(oslo, norway).shape == (1, 2) and found.of(norway, alps).shape == (1, 200)


def test_pairs_of_types() -> None:
    """An entity has no relation to itself, also where a text links it twice."""
    types = VocabularyTypes.of({"Oslo": ("city",), "Norway": ("country", "state")}, VOCABULARY)
    found = PairRelations.of_types(types)  # city 0, country 1, state 2
    assert of(found, "Oslo", "Norway") == [1, 2] and of(found, "Norway", "Oslo") == [3, 6]
    assert of(found, "Oslo", "Oslo") == [] and of(found, "Oslo", "Alps") == []
    assert found.relations == 9


def test_shuffled_relations_are_those_of_other_pairs() -> None:
    """The control has targets wherever the knowledge has them: the same pairs of entities, which texts name together."""
    found = PairRelations.of_graph(graph(), graph().triples["train"], VOCABULARY)
    moved = [found.shuffled(seed) for seed in range(20)]
    oslo = {tuple(of(each, "Oslo", "Norway")) for each in moved}
    assert oslo == {(0, 1), (0,)}
    for each in moved:
        assert sorted((of(each, "Oslo", "Norway"), of(each, "Bern", "Switzerland"))) == [[0], [0, 1]]
        assert (each.known == found.known).all() and of(each, "Norway", "Oslo") == []


def test_shuffled_types_give_as_many_pairs() -> None:
    types = VocabularyTypes.of({"Oslo": ("city",), "Norway": ("country",), "Alps": ("range",)}, VOCABULARY)
    found = PairRelations.of_types(types)
    moved = {tuple(of(found.shuffled(seed), "Oslo", "Norway")) for seed in range(20)}
    assert len(moved) > 1 and all(len(relations) == 1 for relations in moved)
