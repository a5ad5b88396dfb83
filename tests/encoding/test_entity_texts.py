from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.encoding.entity_texts import (
    EntityTextConfig,
    counts_of,
    coverage_lines,
    entity_texts,
    relation_texts,
    require_texts,
    text_hashes,
)
from loreweave.errors import DataError

ENTITIES = [
    GraphEntity("Q1", "Paris", "Paris, capital of France"),
    GraphEntity("Q2", "Par", "Parisian quarter "),
    GraphEntity("Q3", "Oslo", "  "),
    GraphEntity("Q4", "", "", ("", " Kristiania ", "Christiania")),
    GraphEntity("Q5", "", "a description alone"),
    GraphEntity("Q6", "Bergen", "Bergen", ("Bjørgvin",)),
    GraphEntity("Q7"),
]
RELATIONS = [
    GraphRelation("P1", "capital of", "the first is capital of the second"),
    GraphRelation("P2", "in"),
    GraphRelation("P3"),
]


def graph_of(entities: list[GraphEntity], relations: list[GraphRelation] = RELATIONS) -> KnowledgeGraph:
    return KnowledgeGraph.from_parts(entities, relations, {})


def texts_of(entities: list[GraphEntity] = ENTITIES, rows: int = 2, **settings: Any) -> list[tuple[str, int]]:
    parts = list(entity_texts(graph_of(entities), EntityTextConfig(**settings), rows))
    assert all(len(texts) == len(sources) <= rows for texts, sources in parts)
    return [(text, int(source)) for texts, sources in parts for text, source in zip(texts, sources, strict=True)]


def test_descriptions_with_stand_ins() -> None:
    assert texts_of() == [
        ("Paris, capital of France", 1), ("Parisian quarter", 1), ("Oslo", 2), ("Kristiania", 3),
        ("a description alone", 1), ("Bergen", 1), ("", 0),
    ]  # fmt: skip


def test_the_label_before_the_description_only_once() -> None:
    assert texts_of(text="label_description") == [
        ("Paris: capital of France", 1), ("Par: Parisian quarter", 1), ("Oslo", 2), ("Kristiania", 3),
        ("a description alone", 1), ("Bergen", 1), ("", 0),
    ]  # fmt: skip


def test_labels() -> None:
    found = texts_of(text="label")
    assert found == [("Paris", 2), ("Par", 2), ("Oslo", 2), ("Kristiania", 3), ("", 0), ("Bergen", 2), ("", 0)]


def test_an_alias_may_stand_in_before_the_label() -> None:
    entities = [GraphEntity("Q1", "Oslo", "", ("Kristiania",)), GraphEntity("Q2", "Bergen")]
    assert texts_of(entities, missing="alias") == [("Kristiania", 3), ("Bergen", 2)]
    assert texts_of(entities, missing="label") == [("Oslo", 2), ("Bergen", 2)]


@pytest.mark.parametrize(("text", "id", "lacking"), [("description", "Q3", "2 of 7"), ("label", "Q4", "3 of 7")])
def test_nothing_may_stand_in(text: str, id: str, lacking: str) -> None:
    column = "description" if text == "description" else "label"
    with pytest.raises(DataError, match=f"found no {column} of the entity '{id}' \\({lacking} entities have none\\)"):
        texts_of(text=text, missing="error")
    assert len(texts_of(ENTITIES[:2], text=text, missing="error")) == 2


def test_relation_texts() -> None:
    graph = graph_of(ENTITIES)
    texts, sources = relation_texts(graph, "description")
    assert texts == ["the first is capital of the second", "in", ""] and sources.tolist() == [1, 2, 0]
    assert relation_texts(graph, "label")[0] == ["capital of", "in", ""]
    assert relation_texts(graph, "label_description")[0][0] == "capital of: the first is capital of the second"
    assert counts_of(sources) == {"nothing": 1, "description": 1, "label": 1, "alias": 0}


def test_settings_out_of_range() -> None:
    with pytest.raises(ValueError, match="max_length: found 7"):
        EntityTextConfig(max_length=7)
    with pytest.raises(ValueError, match="relation_max_length: found 2"):
        EntityTextConfig(relation_max_length=2)


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


@given(st.lists(st.tuples(NAMES, NAMES, st.lists(NAMES, max_size=2)), min_size=1, max_size=5), st.data())
def test_hashes_see_every_text_and_not_how_arrow_cuts_them(rows: list[tuple[str, str, list[str]]], data: st.DataObject) -> None:
    entities = [GraphEntity(str(i), label, text, tuple(more)) for i, (label, text, more) in enumerate(rows)]
    graph = graph_of(entities)
    before = text_hashes(graph)
    cut = graph_of(entities)
    batches = cut.entities.table.to_batches(max_chunksize=2)
    cut.entities.table = type(cut.entities.table).from_batches(batches)
    assert text_hashes(cut) == before
    place = data.draw(st.integers(0, len(entities) - 1))
    old = entities[place]
    changed = data.draw(
        st.sampled_from(
            [
                GraphEntity(old.id, old.label + "x", old.description, old.aliases),
                GraphEntity(old.id, old.label, old.description + "x", old.aliases),
                GraphEntity(old.id, old.label, old.description, (*old.aliases, "")),
                GraphEntity(old.id, old.label + "x", old.description, (*old.aliases, "x")),
            ]
        )
    )
    after = text_hashes(graph_of([*entities[:place], changed, *entities[place + 1 :]]))
    assert after["entities"] != before["entities"] and after["relations"] == before["relations"]


def test_hashes_tell_where_one_text_ends_and_ignore_ids_and_types() -> None:
    pairs = [("ab", "c"), ("a", "bc")]
    first, second = (text_hashes(graph_of([GraphEntity("Q1", a, ""), GraphEntity("Q2", b, "")])) for a, b in pairs)
    assert first["entities"] != second["entities"]
    renamed = text_hashes(graph_of([GraphEntity("X1", "ab", types=("t",)), GraphEntity("X2", "c")]))
    assert renamed == first
    other = text_hashes(graph_of([GraphEntity("Q1", "ab"), GraphEntity("Q2", "c")], [GraphRelation("P1", "of")]))
    assert other["relations"] != first["relations"] and other["entities"] == first["entities"]


def test_sources_are_small_numbers() -> None:
    parts = list(entity_texts(graph_of(ENTITIES), EntityTextConfig(), 100))
    assert [sources.dtype for _, sources in parts] == [np.uint8]


def counts(nothing: int, description: int = 0, label: int = 0, alias: int = 0, cut: int = 0) -> dict[str, int]:
    return {"nothing": nothing, "description": description, "label": label, "alias": alias, "cut": cut}


def test_lines_say_how_many_have_which_text() -> None:
    assert coverage_lines({"entities": counts(2, 1900, 30, cut=7), "relations": counts(0, label=3)}) == [
        "texts of entities: 1,900 descriptions, 30 labels, 2 without any text (all of these are equal); 7 are truncated",
        "texts of relations: 3 labels",
    ]
    assert coverage_lines({"entities": counts(0, 1, alias=2, cut=1), "relations": None}) == [
        "texts of entities: 1 description, 2 aliases; 1 is truncated"
    ]
    assert coverage_lines({"entities": counts(1, 1), "relations": None}) == [
        "texts of entities: 1 description, 1 without any text"
    ]


def test_a_graph_without_any_text_is_refused() -> None:
    some, none = counts(3, label=1), counts(4)
    require_texts({"entities": some, "relations": none}, relations=False)
    require_texts({"entities": some, "relations": None}, relations=True)
    require_texts({"entities": some, "relations": counts(1)}, relations=True)  # one relation is told from no other
    with pytest.raises(DataError, match="g: none of the 4 entities has a description.*--descriptions.*--labels ids"):
        require_texts({"entities": none, "relations": some}, relations=False, graph="g")
    with pytest.raises(DataError, match="none of the 4 relations has .*--relation-names"):
        require_texts({"entities": some, "relations": none}, relations=True)
