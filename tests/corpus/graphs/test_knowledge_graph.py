"""KnowledgeGraph: parts, folder, rows of ids, fingerprint."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from loreweave.corpus.graphs import entities as graph_entities
from loreweave.corpus.graphs.entities import EntityWriter, GraphEntities
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.errors import ConfigurationError, DataError

ENTITIES = [
    GraphEntity("Q1", "Oslo", "a city", ("Kristiania", "Christiania"), ("city",)),
    GraphEntity("Q2", description="with\ttab"),
    GraphEntity("Q3"),
    GraphEntity("Q4", aliases=("Bjørgvin",)),
    GraphEntity("Q5", types=("city",)),
]
RELATIONS = [GraphRelation("P1", "capital of", "seat of government"), GraphRelation("P2")]
TRIPLES = {"train": [[0, 0, 1], [1, 1, 2]], "test": np.array([[3, 1, 0]], np.uint8), "valid": []}


@pytest.fixture(params=[2, 5, 100])
def graph(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> KnowledgeGraph:
    """In batches of 2, of 5 and of more rows than there are."""
    monkeypatch.setattr(graph_entities, "ROWS_PER_BATCH", request.param)
    return KnowledgeGraph.from_parts(ENTITIES, RELATIONS, TRIPLES, {"source": "made up"})


def assert_is_the_graph(graph: KnowledgeGraph) -> None:
    assert (graph.num_entities, graph.num_relations) == (5, 2)
    assert list(graph.entities) == ENTITIES == [graph.entities[row] for row in range(5)]
    assert graph.entities[1:4] == ENTITIES[1:4]
    assert graph.entities.take(np.array([4, 0])) == [ENTITIES[4], ENTITIES[0]]
    assert graph.relations == tuple(RELATIONS)
    assert graph.relation_ids == ["P1", "P2"]
    assert {split: rows.tolist() for split, rows in graph.triples.items()} == {
        "train": [[0, 0, 1], [1, 1, 2]],
        "test": [[3, 1, 0]],
        "valid": [],
    }
    assert all(rows.dtype == np.int32 and rows.shape[1] == 3 for rows in graph.triples.values())


def test_a_graph_of_parts(graph: KnowledgeGraph) -> None:
    assert_is_the_graph(graph)
    assert repr(graph) == "<KnowledgeGraph: 5 entities, 2 relations, triples: 2 train, 1 test, 0 valid>"


def test_texts_are_reached_without_records(graph: KnowledgeGraph) -> None:
    assert list(graph.entity_ids) == ["Q1", "Q2", "Q3", "Q4", "Q5"]
    assert graph.entity_ids[-1] == "Q5" and graph.entity_ids[1:3] == ["Q2", "Q3"] and len(graph.entity_ids) == 5
    assert graph.entity_labels.take([3, 0]) == ["", "Oslo"]
    assert graph.entity_descriptions.take(np.array([1])) == ["with\ttab"]
    assert graph.entities.column("aliases").to_pylist() == [["Kristiania", "Christiania"], [], [], ["Bjørgvin"], []]
    assert graph.entities.given("label").tolist() == [True, False, False, False, False]
    assert graph.entities.given("types").tolist() == [True, False, False, False, True]
    assert graph.entities.have_text().tolist() == [True, True, False, True, False]
    with pytest.raises(IndexError):
        _ = graph.entities[5]


def test_rows_of_ids(graph: KnowledgeGraph) -> None:
    rows = graph.entity_rows(["Q4", "Q1", "Q4"])
    assert rows.tolist() == [3, 0, 3] and rows.dtype == np.int32
    assert graph.entity_rows(iter([])).tolist() == []
    assert graph.relation_rows(["P2"]).tolist() == [1]
    with pytest.raises(DataError, match="found 'Q9', 'Q8', expected ids of entities of the graph"):
        graph.entity_rows(["Q1", "Q9", "Q8"])
    with pytest.raises(DataError, match="found 'Q1', expected ids of relations of the graph"):
        graph.relation_rows(["Q1"])


def test_the_fingerprint_is_that_of_the_ids_in_order(graph: KnowledgeGraph) -> None:
    expected = hashlib.sha256(b"Q1\nQ2\nQ3\nQ4\nQ5\n\nP1\nP2\n\n").hexdigest()
    assert graph.fingerprint == expected
    bare = [GraphEntity(entity.id) for entity in ENTITIES]
    assert KnowledgeGraph.from_parts(bare, [GraphRelation("P1"), GraphRelation("P2")], {}).fingerprint == expected
    others = [
        (bare[::-1], RELATIONS),
        (bare, RELATIONS[::-1]),
        (bare[:4], [GraphRelation("Q5"), *RELATIONS]),
        ([*bare, GraphEntity("P1")], RELATIONS[1:]),
    ]
    assert len({expected} | {KnowledgeGraph.from_parts(*parts, {}).fingerprint for parts in others}) == 5


def test_a_graph_of_parts_does_not_take_over_a_fingerprint(graph: KnowledgeGraph, tmp_path: Path) -> None:
    graph.save(tmp_path / "graph")
    manifest = KnowledgeGraph.load(tmp_path / "graph").manifest
    smaller = KnowledgeGraph.from_parts(ENTITIES[:2], RELATIONS, {}, manifest)
    assert smaller.fingerprint != graph.fingerprint
    assert smaller.manifest == {"source": "made up"}


def test_save_and_load(graph: KnowledgeGraph, tmp_path: Path) -> None:
    graph.save(tmp_path / "graph")
    again = KnowledgeGraph.load(tmp_path / "graph", verify=True)
    assert_is_the_graph(again)
    assert again.fingerprint == again.manifest["fingerprint"] == graph.fingerprint
    assert again.manifest["source"] == "made up"
    assert again.manifest["triples"] == {"train": 2, "test": 1, "valid": 0}
    assert isinstance(again.triples["train"], np.memmap)
    with pytest.raises(ConfigurationError, match="not empty"):
        graph.save(tmp_path / "graph")
    again.save(tmp_path / "graph", overwrite=True)
    assert_is_the_graph(KnowledgeGraph.load(tmp_path / "graph", verify=True))


def test_workers_get_the_folder_not_a_copy(graph: KnowledgeGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_is_the_graph(pickle.loads(pickle.dumps(graph)))
    monkeypatch.chdir(tmp_path)
    graph.save("graph")
    pickled = pickle.dumps(KnowledgeGraph.load("graph"))
    assert len(pickled) < 500
    monkeypatch.chdir("/")
    assert_is_the_graph(pickle.loads(pickled))


@pytest.mark.parametrize(
    ("entities", "relations", "triples", "message"),
    [
        (["Q1", "Q2", "Q1"], ["P1"], {}, "entity id 'Q1' 2 times"),
        (["Q1"], ["P1", "P1"], {}, "relation id 'P1' 2 times"),
        (["Q1", ""], ["P1"], {}, "entity id '', expected a non-empty id"),
        (["Q\n1"], ["P1"], {}, "without tabs and line breaks"),
        (["Q1"], ["P\t1"], {}, "without tabs and line breaks"),
        (["Q1"], ["P1"], {"train": [[0, 0, 1]]}, "field 'train': found the tail row 1, expected a row from 0 to 0"),
        (["Q1"], ["P1"], {"train": [[0, 2, 0]]}, "found the relation row 2"),
        (["Q1"], ["P1"], {"train": [[-1, 0, 0]]}, "found the head row -1"),
        (["Q1"], ["P1"], {"train": [[0, 0]]}, r"shape \(1, 2\)"),
        (["Q1"], ["P1"], {"train": [[0.0, 0.0, 0.0]]}, "type float64, expected integers"),
        (["Q1"], ["P1"], {"../train": [[0, 0, 0]]}, "split named '../train'"),
    ],
)
def test_parts_that_do_not_fit(
    entities: list[str], relations: list[str], triples: dict[str, list[list[int]]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        KnowledgeGraph.from_parts(map(GraphEntity, entities), map(GraphRelation, relations), triples)


def test_row_numbers_that_no_int32_holds_are_refused_not_wrapped() -> None:
    with pytest.raises(DataError, match="found the head row 4294967296"):
        KnowledgeGraph.from_parts([GraphEntity("Q1")], [GraphRelation("P1")], {"train": [[2**32, 0, 0]]})


def test_folders_that_are_no_graph(graph: KnowledgeGraph, tmp_path: Path) -> None:
    folder = tmp_path / "graph"
    with pytest.raises(DataError, match=r"found no manifest.json, expected the folder of a knowledge graph"):
        KnowledgeGraph.load(folder)
    graph.save(folder)
    whole = json.loads((folder / "manifest.json").read_text())
    for changed, message in (
        ({"format": "other"}, "expected 'loreweave knowledge graph'"),
        ({"version": 2}, "field .version.: found 2, expected 1"),
        ({"entities": 4}, "found 5 entities, the manifest says 4"),
        ({"relations": 1}, "found 2 relations, the manifest says 1"),
        ({"triples": {"train": 3}}, "found 2 triples of train, the manifest says 3"),
        ({"triples": {"dev": 0}}, r"dev.npy: file not found"),
    ):
        (folder / "manifest.json").write_text(json.dumps(whole | changed))
        with pytest.raises(DataError, match=message):
            KnowledgeGraph.load(folder)


def test_damaged_files(graph: KnowledgeGraph, tmp_path: Path) -> None:
    folder = tmp_path / "graph"
    graph.save(folder)
    triples, entities = (folder / "triples" / "train.npy"), folder / "entities.arrow"
    kept = triples.read_bytes()
    np.save(triples, np.array([[0, 0, 1], [1, 1, 3]], np.int32))
    KnowledgeGraph.load(folder)
    with pytest.raises(DataError, match=r"train.npy: missing, or not the file .* differs"):
        KnowledgeGraph.load(folder, verify=True)
    np.save(triples, np.zeros((2, 3), np.int64))
    with pytest.raises(DataError, match=r"train.npy: found .* type int64, expected int32"):
        KnowledgeGraph.load(folder)
    triples.write_bytes(b"no array")
    with pytest.raises(DataError, match=r"train.npy: not a NumPy array"):
        KnowledgeGraph.load(folder)
    triples.write_bytes(kept)
    entities.write_bytes(entities.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"entities.arrow: not an Arrow file"):
        KnowledgeGraph.load(folder)
    entities.unlink()
    with pytest.raises(DataError, match=r"entities.arrow: file not found"):
        KnowledgeGraph.load(folder)


def test_an_array_of_objects_is_not_unpickled(graph: KnowledgeGraph, tmp_path: Path) -> None:
    graph.save(tmp_path / "graph")
    np.save(tmp_path / "graph" / "triples" / "train.npy", np.array([print, None], object), allow_pickle=True)
    with pytest.raises(DataError, match=r"train.npy: not a NumPy array"):
        KnowledgeGraph.load(tmp_path / "graph")


@pytest.mark.parametrize("count", [0, 1, 3, 4, 7])
def test_the_writer_loses_no_row(count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_entities, "ROWS_PER_BATCH", 3)
    entities = [GraphEntity(f"Q{row}", aliases=(str(row),) * row) for row in range(count)]
    with EntityWriter(tmp_path / "entities.arrow") as writer:
        for entity in entities:
            writer.add(entity)
    assert writer.rows == count
    assert list(GraphEntities.open(tmp_path / "entities.arrow")) == entities


def test_other_columns_are_refused(tmp_path: Path) -> None:
    import pyarrow as pa

    path = tmp_path / "entities.arrow"
    table = pa.table({"id": ["Q1"]})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(DataError, match="found the columns id, expected id, label, description, aliases, types"):
        GraphEntities.open(path)
