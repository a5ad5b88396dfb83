"""Formats by name, and the staged graphs: their counts are those that were published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from loreweave.corpus.graphs.building import build_graph, differences_from_published
from loreweave.corpus.graphs.formats import FORMATS, find_graph, reader_of
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.corpus.graphs.source import with_texts_of
from loreweave.errors import ConfigurationError

Build = Callable[..., KnowledgeGraph]


def test_formats_and_options_by_name(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("a\tr\tb\n")
    assert find_graph("triples", tmp_path, {"names": tmp_path / "n"}).text_files == (tmp_path / "n",)
    with pytest.raises(ConfigurationError, match="found the format 'fb15k', expected one of triples, jsonl, fb15k237"):
        find_graph("fb15k", tmp_path)
    with pytest.raises(ConfigurationError, match="the format wn18rr does not read names; it has no options"):
        find_graph("wn18rr", tmp_path, {"names": tmp_path})
    with pytest.raises(ConfigurationError, match="the format codex does not read names; its options are language"):
        find_graph("codex", tmp_path, {"names": tmp_path})


def test_a_new_row_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train.tsv").write_text("a\tr\tb\n")
    monkeypatch.setitem(FORMATS, "mine", "triple_files:triples")
    assert find_graph("mine", tmp_path).triples == {"train": tmp_path / "train.tsv"}
    assert all(callable(reader_of(format)) for format in FORMATS)


def counts(graph: KnowledgeGraph) -> tuple[int, int, list[int]]:
    return graph.num_entities, graph.num_relations, [len(rows) for rows in graph.triples.values()]


def unseen(graph: KnowledgeGraph) -> int:
    return int(graph.manifest["splits"]["test"]["with_unseen_entity"])


def test_real_wn18rr_and_its_inductive_parts(shared_data: Path, tmp_path: Path, build: Build) -> None:
    build_graph(find_graph("wn18rr", shared_data / "kg_wn18rr"), tmp_path / "wn18rr")
    graph = KnowledgeGraph.load(tmp_path / "wn18rr")
    assert counts(graph) == (40_943, 11, [86_835, 3_034, 3_134])
    assert differences_from_published(graph.manifest) == {} and graph.manifest["left_out"] == {}
    assert unseen(graph) == 210
    text = graph.manifest["text"]["entities"]
    assert (text["label"], text["description"], text["types"]) == (40_943, 40_943, 40_943)
    assert graph.entities[0].description == "solid excretory product evacuated from the bowels"
    for name, sizes, entities in (
        ("WN18RR_v1", [5_410, 630, 638, 1_618, 185, 188], (2_746, 922)),
        ("WN18RR_v2", [15_262, 1_838, 1_868, 4_011, 411, 441], (6_954, 2_757)),
    ):
        part = build(with_texts_of(find_graph("grail", shared_data / "kg_inductive_grail" / name), graph))
        check_inductive(part, sizes, entities)


def test_real_fb15k237_and_its_inductive_parts(shared_data: Path, tmp_path: Path, build: Build) -> None:
    build_graph(find_graph("fb15k237", shared_data / "kg_fb15k237"), tmp_path / "fb15k237")
    graph = KnowledgeGraph.load(tmp_path / "fb15k237")
    assert counts(graph) == (14_541, 237, [272_115, 17_535, 20_466])
    assert differences_from_published(graph.manifest) == {} and graph.manifest["left_out"] == {}
    assert unseen(graph) == 28
    text = graph.manifest["text"]["entities"]
    assert (text["label"], text["description"], text["without_text"]) == (14_541, 13_666, 0)
    assert all(relation.label for relation in graph.relations)
    for name, sizes, entities in (
        ("fb237_v1", [4_245, 489, 492, 1_993, 206, 205], (1_594, 1_093)),
        ("fb237_v2", [9_739, 1_166, 1_180, 4_145, 469, 478], (2_608, 1_660)),
    ):
        part = build(with_texts_of(find_graph("grail", shared_data / "kg_inductive_grail" / name), graph))
        check_inductive(part, sizes, entities)


def check_inductive(graph: KnowledgeGraph, sizes: list[int], entities: tuple[int, int]) -> None:
    splits = graph.manifest["splits"]
    assert [len(rows) for rows in graph.triples.values()] == sizes
    assert (splits["train"]["entities"], splits["inductive_train"]["entities"]) == entities
    assert graph.num_entities == sum(entities)
    assert graph.entities.have_text().all() and all(relation.label for relation in graph.relations)
    for split in ("inductive_train", "inductive_valid", "inductive_test"):
        assert splits[split]["with_unseen_entity"] == splits[split]["triples"]
    assert not any(counts["with_unseen_relation"] for counts in splits.values())


def test_real_codex(shared_data: Path, build: Build) -> None:
    folder = shared_data / "kg_codex"
    small = build(find_graph("codex", folder / "codex-s"))
    assert counts(small) == (2_034, 42, [32_888, 1_827, 1_828])
    assert differences_from_published(small.manifest) == {}
    assert unseen(small) == 0
    assert int(small.entities.have_text().sum()) == small.manifest["text"]["entities"]["label"] == 1_210
    assert all(relation.description for relation in small.relations)
    labelled = build(find_graph("codex", folder / "codex-s"), without_text="leave-out")
    assert labelled.num_entities == 1_210
    assert sum(len(rows) for rows in labelled.triples.values()) == 19_867
    medium = build(find_graph("codex", folder / "codex-m"))
    assert counts(medium) == (17_050, 51, [185_584, 10_310])
    assert differences_from_published(medium.manifest) == {"test": (0, 10_311)}  # the staged copy has no test files
    assert int(medium.entities.have_text().sum()) == 4_790
    labelled = build(find_graph("codex", folder / "codex-m"), without_text="leave-out")
    assert sum(len(rows) for rows in labelled.triples.values()) <= 50_576


def test_the_mini_world(build: Build) -> None:
    import loreweave.miniworld

    folder = Path(loreweave.miniworld.__path__[0]) / "data" / "graph"
    graph = build(find_graph("jsonl", folder))
    assert graph.manifest["left_out"] == {} and graph.manifest["text"]["entities"]["without_text"] == 0
    assert not any(counts["with_unseen_entity"] for counts in graph.manifest["splits"].values())


def test_csv_and_tsv_are_triples_and_the_error_lists_every_name(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("subject,predicate,object\na,r,b\n")
    for name in ("csv", "tsv", "triples"):
        assert find_graph(name, tmp_path).format == "triples"
    with pytest.raises(ConfigurationError) as caught:
        find_graph("CSVs", tmp_path)
    assert f"expected one of {', '.join(FORMATS)}, csv (as triples), tsv (as triples)" in str(caught.value)
