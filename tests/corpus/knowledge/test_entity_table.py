"""Tables of described entities."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.corpus.knowledge.entity_table import DescribedEntity, EntityTable, described, read_entities
from loreweave.errors import DataError

BERLIN = {"id": "Q64", "label": "Berlin", "description": " capital\nof Germany ", "aliases": ["Berlin, DE", "Berlin, DE"]}


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_entities_of_json_lines(tmp_path: Path) -> None:
    (berlin, other) = read_entities(write(tmp_path / "e.jsonl", BERLIN, {"id": "Berlin_(band)", "wikidata": "Q821291"}))
    assert berlin.text == "Berlin: capital of Germany" and berlin.names == ("Berlin", "Berlin, DE") and berlin.qid == "Q64"
    assert other.text == other.name == "Berlin (band)" and other.qid == "Q821291"


def test_a_title_is_also_a_name_without_its_brackets() -> None:
    assert DescribedEntity("Q1", "Mercury", title="Mercury_(planet)").names == ("Mercury", "Mercury (planet)")
    assert DescribedEntity("Q1", "Hg", title="Mercury_(element)").names == ("Hg", "Mercury (element)", "Mercury")


def test_a_saved_table_is_the_same(tmp_path: Path) -> None:
    table = EntityTable([DescribedEntity("Q64", "Berlin", "a city", ("B",), ("Q515",), "Berlin"), DescribedEntity("x")])
    table.save(tmp_path / "e.jsonl")
    assert read_entities(tmp_path / "e.jsonl") == list(table)


def test_entities_of_a_graph(tmp_path: Path) -> None:
    entities = [GraphEntity("/m/1", "Berlin", "a city", ("B",), (), "Berlin"), GraphEntity("Q2")]
    KnowledgeGraph.from_parts(entities, [GraphRelation("P1")], {"train": [[0, 0, 1]]}).save(tmp_path / "graph")
    (first, second) = read_entities(tmp_path / "graph")
    assert (first.id, first.title, first.aliases, second.qid) == ("/m/1", "Berlin", ("B",), "Q2")


def test_rows_by_id_title_and_qid() -> None:
    table = EntityTable(
        [DescribedEntity("Q64", title="Berlin"), DescribedEntity("e2", wikidata="Q821291", title="Berlin_(band)")]
    )
    names = ["Q64", "berlin", "http://www.wikidata.org/entity/Q821291", "Berlin (band)", "e2", "Bonn"]
    assert [table.row_of(name) for name in names] == [0, 0, 1, 1, 1, None]


def test_equal_titles_are_counted() -> None:
    entities = [DescribedEntity(name, title=title) for name, title in (("a", "Oslo"), ("b", "oslo"), ("c", "A"), ("d", ""))]
    table = EntityTable([replace(entity, description="x") for entity in entities])
    assert table.shared_titles == 2  # of b, and of c, whose title is the id of a
    assert described(table) == "4 entities, 2 of them with a title that leads to another entity"
    assert EntityTable([DescribedEntity("Oslo", title="Oslo")]).shared_titles == 0


def test_nil_is_no_id(tmp_path: Path) -> None:
    path = write(tmp_path / "e.jsonl", BERLIN, {"id": "NIL", "label": "Nothing"})
    with pytest.raises(DataError, match="e.jsonl, line 2, field 'id': found 'NIL', which stands for no entity"):
        read_entities(path)


def test_an_id_is_never_another_entitys_title() -> None:
    table = EntityTable([DescribedEntity("a", title="B"), DescribedEntity("B")])
    assert table.row_of("B") == 1 and table.row_of("b") == 1


def test_two_entities_of_one_id_are_refused() -> None:
    with pytest.raises(DataError, match="found the id 'a' twice"):
        EntityTable([DescribedEntity("a"), DescribedEntity("a")])


def test_empty_descriptions_are_counted() -> None:
    assert described(EntityTable([DescribedEntity("a", description=" "), DescribedEntity("b", description="x")])) == (
        "2 entities, 1 of them without a description (their name is read)"
    )
    assert described(EntityTable([DescribedEntity("b", description="x")])) == "1 entity"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"label": "Berlin"}, "line 2, field 'id': found nothing, expected the id of an entity"),
        ({"id": " ", "label": "Berlin"}, "line 2, field 'id': found ' ', expected the id of an entity"),
        ({"id": " "}, "line 2, field 'id': found ' ', expected the id"),
        ({"id": "Q64"}, r"line 2, field 'id': found the id 'Q64' again \(first in line 1\)"),
        ({"id": "Q1", "descripton": "x"}, "line 2: found the unknown key 'descripton'; did you mean 'description'"),
        ({"id": "Q1", "aliases": "x"}, "line 2, field 'aliases': found 'x', expected a list of strings"),
        ({"id": "Q1", "label": 3}, "line 2, field 'label': found 3, expected a string"),
        ({"id": "x", "wikidata": "64"}, "line 2, field 'wikidata': found '64', expected an id of Wikidata"),
    ],
)
def test_bad_lines(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_entities(write(tmp_path / "e.jsonl", BERLIN, row))


def test_a_file_without_entities(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found no entity, expected lines such as"):
        read_entities(write(tmp_path / "e.jsonl"))
