"""KEPLER's shards as a graph: entities by their texts, parts aligned, everything counted."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import tiny_fairseq as tiny
from token_sequences import write_token_sequences

from loreweave.corpus.graphs.building import build_graph
from loreweave.corpus.graphs.formats import find_graph
from loreweave.corpus.graphs.kepler_shards import ID_NOTE, find_shards, kepler_shards
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.errors import DataError

OSLO, NORWAY, BERGEN, PARIS = "Oslo is a city.", "Norway is a country.", "Bergen: a çity", "Paris is a city of France."
TRAIN = [(OSLO, 0, NORWAY), (BERGEN, 0, NORWAY), (OSLO, 2, BERGEN)]
NEGATIVES = [([PARIS, BERGEN], [OSLO, OSLO]), ([PARIS, PARIS], [OSLO, BERGEN]), ([NORWAY, NORWAY], [OSLO, PARIS])]
VALID = [(BERGEN, 1, OSLO)]
RELATIONS = ["capital of", "near", "larger than"]


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """Two shards of a dump, each with the whole of `valid`."""
    for name, part in (("KE1_0", slice(0, 2)), ("KE1_1", slice(2, 3))):
        folder = tmp_path / "dump" / name
        tiny.write_shard(folder, TRAIN[part], NEGATIVES[part], relation_texts=RELATIONS)
        tiny.write_shard(folder, VALID, [([PARIS, PARIS], [NORWAY, PARIS])], "valid", relation_texts=RELATIONS)
        tiny.write_count_json(folder, [*TRAIN, *VALID])
    tiny.write_gpt2(tmp_path / "dump")
    return tmp_path / "dump"


def read(folder: Any, **options: Any) -> KnowledgeGraph:
    """The graph of shards, built beside them."""
    with TemporaryDirectory() as output:
        build_graph(kepler_shards(folder, **options), output, overwrite=True)
        graph = KnowledgeGraph.load(output)
        return KnowledgeGraph.from_parts(list(graph.entities), graph.relations, dict(graph.triples), graph.manifest)


def described(graph: KnowledgeGraph, split: str) -> list[tuple[str, int, str]]:
    texts = graph.entity_descriptions
    return [(texts[head], relation, texts[tail]) for head, relation, tail in graph.triples[split].tolist()]


def test_shards_become_one_graph(dump: Path) -> None:
    build_graph(find_graph("kepler-shards", dump), dump / "graph")
    graph = KnowledgeGraph.load(dump / "graph")
    assert described(graph, "train") == TRAIN and described(graph, "valid") == VALID
    assert sorted(graph.entity_descriptions) == sorted([OSLO, NORWAY, BERGEN])
    assert [(relation.id, relation.description) for relation in graph.relations] == [
        ("relation-0", "capital of"),
        ("relation-1", "near"),
        ("relation-2", "larger than"),
    ]
    source = graph.manifest["source"]
    assert (source["format"], source["ids"], source["folders"]) == ("kepler-shards", ID_NOTE, ["KE1_0", "KE1_1"])
    assert {name: count for name, count in source["counts"].items() if count} == {
        "triples_read": 5,
        "triples_in_count_json": 4,
        "negatives_read": 20,
        "texts": 3,
    }
    # valid is in both shards; Paris is in no triple
    assert graph.manifest["left_out"] == {"triples that were read before": 1, "texts of negatives alone": 1}
    assert graph.manifest["splits"]["valid"]["triples"] == 1
    assert "KE1_0/relation/train.npy" in source["files"]


def test_ids_depend_on_the_texts_alone(dump: Path) -> None:
    both, one = read(dump), read(dump / "KE1_1")
    ids = dict(zip(both.entity_descriptions, both.entity_ids, strict=True))
    assert all(ids[text] == id for text, id in zip(one.entity_descriptions, one.entity_ids, strict=True))
    assert one.num_relations == 3  # count.json names all of the dump
    assert described(one, "train") == TRAIN[2:]


def test_the_type_of_the_ids_does_not_matter(dump: Path) -> None:
    texts = [tiny.encode(text) for text in (NORWAY, NORWAY)]
    write_token_sequences(dump / "KE1_0" / "tail" / "train", texts, np.int64)
    graph = read([dump / "KE1_0", str(dump / "KE1_1")])
    assert described(graph, "train") == TRAIN


def test_shards_are_found_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        (tmp_path / f"KE1_{number}" / "head").mkdir(parents=True)
    assert [place.name for place in find_shards(tmp_path)] == ["KE1_1", "KE1_2", "KE1_10"]
    with pytest.raises(DataError, match="found no KEPLER shard"):
        find_shards(tmp_path / "KE1_1" / "head")


@pytest.mark.parametrize(
    ("side", "count", "message"),
    [
        ("tail", 3, r"tail/train\.idx: found 3 sequences, expected 2, as in head"),
        ("negHead", 3, r"negHead/train\.idx: found 3 sequences, expected a multiple of 2 triples"),
        ("negHead", 0, r"negHead/train\.idx: found 0 sequences, expected a multiple of 2 triples"),
        ("negTail", 2, r"negTail/train\.idx: found 2 sequences, expected 4, as in negHead"),
        ("relation_desc", 1, r"relation_desc/train\.idx: found 1 sequence, expected 2"),
    ],
)
def test_parts_that_are_not_aligned_are_named(dump: Path, side: str, count: int, message: str) -> None:
    write_token_sequences(dump / "KE1_0" / side / "train", [[4, 2]] * count)
    with pytest.raises(DataError, match=message):
        read(dump)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([0]), r"shape \[1\] and type int64, expected integers \[2\]"),
        (np.array([0.5, 1]), "type float64, expected integers"),
        (np.array([0, -1]), "found the relation -1 in row 1"),
        (np.array([None, 1]), "not a NumPy array of numbers"),
    ],
)
def test_wrong_relations_are_named(dump: Path, values: np.ndarray, message: str) -> None:
    np.save(dump / "KE1_0" / "relation" / "train.npy", values)
    with pytest.raises(DataError, match=rf"relation/train\.npy: .*{message}"):
        read(dump)


def test_entries_of_sizes_that_differ_are_counted(dump: Path) -> None:
    np.save(dump / "KE1_0" / "sizes" / "train.npy", np.array([1, 2]))
    assert read(dump).manifest["source"]["counts"]["sizes_that_differ"] == 2


def test_ids_outside_the_dictionary_are_named(dump: Path) -> None:
    write_token_sequences(dump / "KE1_1" / "negTail" / "train", [[4, 2], [4, 5, 9999, 2]])
    with pytest.raises(DataError, match=r"negTail/train\.bin: found the id 9999 in sequence 1, byte 8"):
        read(dump)


def test_dictionaries_that_differ_are_named(dump: Path) -> None:
    (dump / "KE1_1" / "tail" / "dict.txt").write_text("1 1\n")
    with pytest.raises(DataError, match=r"KE1_1/tail/dict\.txt: found another dictionary"):
        read(dump)


def test_sub_words_may_lie_elsewhere(dump: Path, tmp_path: Path) -> None:
    for name in ("encoder.json", "vocab.bpe"):
        (dump / name).unlink()
    with pytest.raises(DataError, match=r"found no vocab\.bpe"):
        read(dump)
    tiny.write_gpt2(tmp_path / "gpt2")
    assert described(read(dump, sub_words=tmp_path / "gpt2"), "train") == TRAIN


def test_relations_with_two_texts_are_counted(dump: Path) -> None:
    texts = [tiny.encode("capital of"), tiny.encode("something else")]
    write_token_sequences(dump / "KE1_0" / "relation_desc" / "train", texts)
    graph = read(dump)
    assert graph.relations[0].description == "capital of"
    assert graph.manifest["source"]["counts"]["relation_texts_that_differ"] == 1


@pytest.mark.parametrize("content", ['{"0,1": 4, "a": 5}', "x" * 300, '{"0,1": 4'])
def test_broken_counts_are_named(dump: Path, content: str) -> None:
    (dump / "KE1_1" / "count.json").write_text(content)
    with pytest.raises(DataError, match=r"count\.json: found .* at byte"):
        read(dump)


def test_counts_are_read_in_pieces(dump: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loreweave.corpus.graphs.kepler_shards._CHUNK", 3)
    assert read(dump).manifest["source"]["counts"]["triples_in_count_json"] == 4
