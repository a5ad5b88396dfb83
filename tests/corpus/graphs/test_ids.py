"""Ids that differ by white space: cut, counted, or told."""

from __future__ import annotations

from pathlib import Path

import pytest
from graph_files import Build, write

from loreweave.corpus.graphs.ids import TrimmedIds, spaced_alike
from loreweave.corpus.graphs.tables import graph_tables
from loreweave.corpus.graphs.triple_files import triples
from loreweave.errors import DataError


def test_forms_of_one_id_are_counted_in_any_order() -> None:
    for forms in (["Paris", " Paris", "Paris\u00a0"], [" Paris", "Paris\u00a0", "Paris"]):
        ids, known = TrimmedIds(), set[str]()
        ids.known.append(known)
        for raw in [*forms, "Rome ", "Rome ", "Oslo"]:
            known.add(ids.trim(raw))
        assert known == {"Paris", "Rome", "Oslo"}
        facts = ids.facts()
        assert (facts["trimmed"], sorted(facts["first_trimmed"])) == (2, ["Paris", "Rome"])
        assert (facts["merged"], facts["first_merged"]) == (1, ["Paris"])


def test_white_space_inside_is_told() -> None:
    alike = ["New York", "New  York", "New\u00a0York"]
    assert spaced_alike([*alike, "Rome", "a b"]) == [alike]


def test_triples(build: Build, tmp_path: Path) -> None:
    train = "Paris\tin\tFrance\nParis\u00a0\tnear\tLyon\n Paris\tnear\tNew York\n"
    files = {"train.tsv": train, "test.tsv": "Lyon\tin\tNew  York\n"}
    graph = build(triples(write(tmp_path / "files", files)))
    assert list(graph.entity_ids) == ["Paris", "France", "Lyon", "New York", "New  York"]
    ids = graph.manifest["ids"]
    assert (ids["trimmed"], ids["merged"], ids["spaced_alike"]) == (1, 1, 1)
    assert ids["first_spaced_alike"] == [["New York", "New  York"]]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_end_of_a_line_is_no_white_space_of_an_id(end: str, build: Build, tmp_path: Path) -> None:
    """A line of names may be an id alone, as that of an entity of Wikidata5M without a name."""
    files = write(tmp_path / "files", {"train.tsv": f"Q1\tin\tQ2{end}", "names.tsv": f"Q1\tOslo{end}Q2{end}in{end}"})
    graph = build(triples(files, names=files / "names.tsv", relation_names=files / "names.tsv"))
    assert [entity.label for entity in graph.entities] == ["Oslo", ""]
    ids = graph.manifest["ids"]
    assert (ids["trimmed"], ids["merged"]) == (0, 0)


def test_a_listed_id_with_a_blank_is_the_one_of_the_triples(build: Build, tmp_path: Path) -> None:
    """The triple's id was trimmed and the listed one was not, so that the entity was unknown."""
    files = {
        "entities.jsonl": '{"id": "Paris ", "label": "Paris"}\n{"id": "France"}\n',
        "relations.jsonl": '{"id": "in"}\n',
        "triples/train.tsv": "Paris \tin\tFrance\n",
    }
    graph = build(graph_tables(write(tmp_path / "files", files)))
    assert list(graph.entity_ids) == ["Paris", "France"] and graph.manifest["ids"]["trimmed"] == 1
    (tmp_path / "files" / "entities.jsonl").write_text('{"id": "Paris "}\n{"id": "Paris"}\n{"id": "France"}\n')
    with pytest.raises(DataError, match="'Paris' a second time"):
        build(graph_tables(tmp_path / "files"))
    (tmp_path / "files" / "entities.jsonl").write_text('{"id": " "}\n')
    with pytest.raises(DataError, match='no "id"'):
        build(graph_tables(tmp_path / "files"))
