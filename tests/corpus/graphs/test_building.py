"""Building a graph: policies, exclusion, unknown ids, order, progress."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from graph_files import TABLES, write

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.graphs.building import GraphPolicy, build_graph
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.corpus.graphs.lines import LeftOut
from loreweave.corpus.graphs.source import with_texts_of
from loreweave.corpus.graphs.tables import graph_tables
from loreweave.corpus.graphs.texts import Located
from loreweave.corpus.graphs.triple_files import triples
from loreweave.errors import ConfigurationError, DataError

Build = Callable[..., KnowledgeGraph]

SPLITS = {
    "train.tsv": "b\tr\ta\nc\ts\tb\na\tr\td\n",
    "valid.tsv": "e\tr\ta\n",
    "test.tsv": "c\ts\tb\na\tt\td\n",
}
DESCRIPTIONS = {"texts.tsv": "d\tabout d\na\tabout a\nz\tabout z\nb\tabout b\n"}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return write(tmp_path / "files", SPLITS | DESCRIPTIONS)


def triples_by_id(graph: KnowledgeGraph) -> dict[str, list[str]]:
    ids, relations = list(graph.entity_ids), graph.relation_ids
    return {
        split: [f"{ids[head]} {relations[relation]} {ids[tail]}" for head, relation, tail in rows.tolist()]
        for split, rows in graph.triples.items()
    }


def test_rows_follow_the_texts_and_relations_their_first_triple(files: Path, build: Build) -> None:
    graph = build(triples(files, descriptions=files / "texts.tsv"))
    assert list(graph.entity_ids) == ["d", "a", "b", "c", "e"]
    assert graph.relation_ids == ["r", "s", "t"]
    assert triples_by_id(graph) == {"train": ["b r a", "c s b", "a r d"], "valid": ["e r a"], "test": ["c s b", "a t d"]}
    assert graph.manifest["left_out"] == {"texts and names of ids without triples": 1}
    assert not (files.parent / "built" / "left_out.jsonl").exists()
    test = graph.manifest["splits"]["test"]
    assert (test["unseen_relations"], test["with_unseen_relation"], test["also_in_train"]) == (["t"], 1, 1)


def test_entities_without_text(files: Path, build: Build) -> None:
    source = triples(files, descriptions=files / "texts.tsv")
    kept = build(source)
    assert kept.manifest["text"]["entities"]["first_without_text"] == ["c", "e"]
    assert kept.entities.have_text().tolist() == [True, True, True, False, False]
    smaller = build(source, without_text="leave-out")
    assert list(smaller.entity_ids) == ["d", "a", "b"]
    assert triples_by_id(smaller) == {"train": ["b r a", "a r d"], "valid": [], "test": ["a t d"]}
    assert smaller.relation_ids == ["r", "s", "t"]
    assert smaller.manifest["left_out"] == {
        "texts and names of ids without triples": 1, "entities without text": 2, "triples of an entity that is left out": 3,
    }  # fmt: skip
    with pytest.raises(DataError, match=r"found 2 entities without label, description and alias: c, e"):
        build(source, without_text="error")
    with pytest.raises(ConfigurationError, match="--without-text: found 'drop', expected one of keep, leave-out, error"):
        build(source, without_text="drop")


def test_excluded_triples_leave_train_and_nothing_else(files: Path, build: Build) -> None:
    # once there, once in test alone, once nowhere, once reversed, once a second time
    write(files, {"leak.tsv": "c\ts\tb\na\tt\td\nq\tr\ta\na\tr\tb\nc\ts\tb\n"})
    graph = build(triples(files), exclude_triples=files / "leak.tsv")
    assert triples_by_id(graph) == {"train": ["b r a", "a r d"], "valid": ["e r a"], "test": ["c s b", "a t d"]}
    assert graph.manifest["left_out"] == {"excluded triples of train": 1, "excluded triples that train does not have": 3}
    assert sorted(graph.entity_ids) == ["a", "b", "c", "d", "e"]
    assert graph.manifest["policy"]["exclude_triples"] == "leak.tsv"
    assert "files/leak.tsv" in graph.manifest["source"]["files"]
    write(files, {"leak.tsv": "c\ts\n"})
    with pytest.raises(DataError, match=r"leak.tsv, line 1"):
        build(triples(files), exclude_triples=files / "leak.tsv", skip_bad=True)


@pytest.mark.parametrize(
    ("columns", "train", "leak"),
    [
        ("head=from,relation=via,tail=to", "from,w,to,via\nb,1,a,r\nc,2,b,s\n", "leak.csv,from,w,to,via\nc,9,b,s\n"),
        ("head=from,relation=via,tail=to", "from,w,to,via\nb,1,a,r\nc,2,b,s\n", "leak.csv,To,From,Via\nb,c,s\n"),
        ("head=from,relation=via,tail=to", "from,w,to,via\nb,1,a,r\nc,2,b,s\n", "leak.tsv,c\ts\tb\n"),
        ("head=1,relation=4,tail=3", "b,1,a,r\nc,2,b,s\n", "leak.csv,c,2,b,s\n"),
        ("head=1,relation=4,tail=3", "b,1,a,r\nc,2,b,s\n", "leak.csv,c,s,b\n"),
        ("head=1,relation=3,tail=2", "b,a,r\nc,b,s\n", "leak.csv,c,b,s\n"),
    ],
)
def test_excluded_triples_may_have_the_columns_of_the_others(
    columns: str, train: str, leak: str, tmp_path: Path, build: Build
) -> None:
    name, _, content = leak.partition(",")
    folder = write(tmp_path / "tables", {"train.csv": train, name: content})
    graph = build(triples(folder / "train.csv", columns=columns), exclude_triples=folder / name)
    assert triples_by_id(graph) == {"train": ["b r a"]}
    assert graph.manifest["left_out"]["excluded triples of train"] == 1
    assert "excluded triples that train does not have" not in graph.manifest["left_out"]


def test_entities_outside_a_vocabulary_leave_with_their_triples(files: Path, build: Build) -> None:
    names = "a\tOslo\nb\tBern\nc\tOslo\nd\tParis\n"
    write(files, {"names.tsv": names, "train.tsv": SPLITS["train.tsv"] + "b\tr\td\n"})
    EntityVocabulary.from_counts({"Oslo": 1, "Bern": 2, "d": 1}).save(files / "vocabulary.jsonl")
    graph = build(triples(files, names=files / "names.tsv"), within_vocabulary=files / "vocabulary.jsonl")
    assert triples_by_id(graph) == {"train": ["b r d"], "valid": [], "test": []}
    assert sorted(graph.entity_ids) == ["b", "d"]  # a and c are both called Oslo; e has no name
    assert graph.manifest["left_out"] == {
        "entities that share a title of the vocabulary": 2,
        "entities outside the vocabulary": 1,
        "triples of an entity that is left out": 6,
    }
    assert graph.manifest["policy"]["within_vocabulary"] == "vocabulary.jsonl"
    assert "files/vocabulary.jsonl" in graph.manifest["source"]["files"]


def test_ids_that_the_format_does_not_list(tmp_path: Path) -> None:
    files = write(tmp_path / "files", TABLES)
    train = files / "triples" / "train.tsv"
    train.write_text("Q1\tP1\tQ2\nQ1\tP1\tQ7\nQ1\tP8\tQ2\nQ9\tP9\tQ9\n")
    with pytest.raises(DataError, match=r"train.tsv, line 2: found the entity 'Q7', which is not listed"):
        build_graph(graph_tables(files), tmp_path / "graph")
    manifest = build_graph(graph_tables(files), tmp_path / "graph", GraphPolicy(skip_bad=True))
    assert manifest["left_out"] == {"triples of an unknown entity": 2, "triples of an unknown relation": 1}
    assert manifest["triples"]["train"] == 1 and manifest["entities"] == 3
    listed = [json.loads(line) for line in (tmp_path / "graph" / "left_out.jsonl").read_text().splitlines()]
    assert [(row["file"], row["line"], row["message"]) for row in listed] == [
        ("train.tsv", 2, "found the entity 'Q7', which is not listed"),
        ("train.tsv", 3, "found the relation 'P8', which is not listed"),
        ("train.tsv", 4, "found the entity 'Q9', which is not listed"),
    ]


def test_the_order_head_tail_relation_is_a_warning(tmp_path: Path) -> None:
    rows = [(f"e{row}", f"e{row + 1}", f"r{row % 2}") for row in range(12)]
    for order, relations, warned in (((0, 1, 2), 12, True), ((0, 2, 1), 2, False)):
        text = "".join("\t".join(row[place] for place in order) + "\n" for row in rows)
        files = write(tmp_path / "files", {"train.tsv": text})
        manifest = build_graph(triples(files), tmp_path / "graph", overwrite=True)
        assert manifest["relations"] == relations and bool(manifest["warnings"]) == warned
    graph = build_graph(triples(files, columns="head=1,relation=3,tail=2"), tmp_path / "graph", overwrite=True)
    assert graph["relations"] == 12 and graph["entities"] == 14


def test_files_without_a_triple_are_refused_by_name(tmp_path: Path) -> None:
    files = write(tmp_path / "files", {"train.csv": "head,relation,tail\n"})
    with pytest.raises(DataError, match="train.csv: no triple is left, so nothing was written; the files have none"):
        build_graph(triples(files), tmp_path / "graph")


def test_texts_of_another_graph(files: Path, build: Build) -> None:
    entities = [GraphEntity("z"), GraphEntity("c", "C", "about c", ("see",), ("letter",)), GraphEntity("a", "A")]
    other = KnowledgeGraph.from_parts(entities, [GraphRelation("s", "S", "about s"), GraphRelation("x")], {})
    graph = build(with_texts_of(triples(files), other))
    assert graph.entities[:2] == [entities[1], entities[2]]
    assert graph.relations == (GraphRelation("r"), GraphRelation("s", "S", "about s"), GraphRelation("t"))
    assert graph.manifest["source"]["text_graph"] == other.fingerprint
    assert graph.manifest["left_out"] == {}


def test_steps_are_shown(files: Path, tmp_path: Path) -> None:
    seen: dict[str, int] = {}

    @contextmanager
    def progress(description: str) -> Iterator[Callable[..., None]]:
        seen[description] = 0

        def advance(steps: int = 1) -> None:
            seen[description] += steps

        yield advance

    build_graph(triples(files, descriptions=files / "texts.tsv"), tmp_path / "graph", progress=progress)
    assert seen == {
        "reading triples of train": 3,
        "reading triples of valid": 1,
        "reading triples of test": 2,
        "writing entities": 3,
        "counting triples": 6,
    }


def test_nothing_is_replaced_by_accident_or_left_half_done(files: Path, tmp_path: Path) -> None:
    build_graph(triples(files), tmp_path / "graph")
    with pytest.raises(ConfigurationError, match="not empty"):
        build_graph(triples(files), tmp_path / "graph")
    (files / "test.tsv").write_text("broken\n")
    with pytest.raises(DataError, match=r"test.tsv, line 1"):
        build_graph(triples(files), tmp_path / "graph", overwrite=True)
    assert len(KnowledgeGraph.load(tmp_path / "graph", verify=True).triples["test"]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["files", "graph"]


def test_a_graph_without_triples_is_not_written(files: Path, tmp_path: Path) -> None:
    write(files, {"leak.tsv": "b\tr\ta\nc\ts\tb\na\tr\td\n"})
    for name in ("valid.tsv", "test.tsv"):
        (files / name).unlink()
    message = r"no triple is left, so nothing was written; left out: excluded triples of train \(3\)"
    with pytest.raises(DataError, match=message):
        build_graph(triples(files), tmp_path / "graph", GraphPolicy(exclude_triples=files / "leak.tsv"))
    with pytest.raises(DataError, match="no triple is left"):
        build_graph(triples(write(tmp_path / "empty", {"train.txt": "\n"})), tmp_path / "graph")
    assert not (tmp_path / "graph").exists()


def test_descriptions_are_not_held_to_find_the_vocabulary(tmp_path: Path) -> None:
    names = [f"e{number}" for number in range(40)]
    rows = "".join(f"{name}\tr\tkept\n" for name in names) + "kept\tr\tkept\n"
    EntityVocabulary.from_counts({"Kept": 1}).save(tmp_path / "vocabulary.jsonl")

    def read_entities(ids: Mapping[str, int], left_out: LeftOut) -> Iterator[Located]:
        for id in ids:
            yield tmp_path, None, GraphEntity(id, id.title(), "x" * 100_000)

    source = replace(triples(write(tmp_path / "files", {"train.tsv": rows})), read_entities=read_entities)
    tracemalloc.start()
    build_graph(source, tmp_path / "graph", GraphPolicy(within_vocabulary=tmp_path / "vocabulary.jsonl"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert list(KnowledgeGraph.load(tmp_path / "graph").entity_ids) == ["kept"]
    assert peak < 2_000_000  # all descriptions are 4,100,000


def test_half_a_surrogate_pair_is_replaced_and_counted(tmp_path: Path, build: Build) -> None:
    entity = '{"id": "Q1", "label": "O\\ud83dslo", "description": "\\ude00", "aliases": ["\\ud83d\\ude00", "\\ud83d"]}\n'
    relation = '{"id": "P1", "label": "in", "description": "\\ud83dx"}\n'
    files = {"entities.jsonl": entity, "relations.jsonl": relation, "triples/train.tsv": "Q1\tP1\tQ1\n"}
    graph = build(graph_tables(write(tmp_path / "files", files)))
    assert list(graph.entities) == [GraphEntity("Q1", "O\ufffdslo", "\ufffd", ("\U0001f600", "\ufffd"))]
    assert graph.relations == (GraphRelation("P1", "in", "\ufffdx"),)
    assert graph.manifest["left_out"] == {"characters replaced": 4}
