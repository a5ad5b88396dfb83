"""FB15k-237, WN18RR, KG-BERT's layout, BLP and own files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from graph_files import BLP, FB15K237, WN18RR, write

from loreweave.corpus.graphs.building import differences_from_published
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.corpus.graphs.triple_files import blp, fb15k237, kg_bert, triples, wn18rr
from loreweave.errors import DataError

Build = Callable[..., KnowledgeGraph]


def test_wn18rr(tmp_path: Path, build: Build) -> None:
    graph = build(wn18rr(write(tmp_path / "files", WN18RR)))
    assert list(graph.entities) == [
        GraphEntity("00002325", "respire", 'take air; "in, and out"', (), ("verb",)),  # Respire is the same name
        GraphEntity("00001740", "take a breath", "draw air into, and expel out of, the lungs", ("breathe",), ("verb",)),
        GraphEntity("00004475"),  # a synset's name alone says nothing of it
    ]
    assert graph.relations[:2] == (GraphRelation("_hypernym", "hypernym"), GraphRelation("_also_see"))
    assert differences_from_published(graph.manifest)["entities"] == (3, 40_943)
    (tmp_path / "files" / "entity2synsetname.tsv").unlink()
    assert build(wn18rr(tmp_path / "files")).entities[1].aliases == ()


def test_fb15k237(tmp_path: Path, build: Build) -> None:
    files = write(tmp_path / "files", FB15K237)
    graph = build(fb15k237(files))
    assert list(graph.entities) == [
        GraphEntity("/m/03", "", "no label"),
        GraphEntity("/m/01", "Heat", "", ("Heat (film)",)),
        GraphEntity("/m/02"),
    ]
    assert graph.relations == (GraphRelation("/film/film/genre", "film film genre"),)
    (files / "entity2text.tsv").unlink()
    again = build(fb15k237(files))
    assert again.entities[:2] == [
        GraphEntity("/m/01", "Heat", "", ("Heat (film)",)),
        GraphEntity("/m/02", "drama", "a genre"),
    ]
    (files / "entity2wikidata.json").unlink()
    with pytest.raises(DataError, match="found neither entity2text.tsv nor entity2wikidata.json"):
        fb15k237(files)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "found a JSON list, expected an object"),
        ('{"/m/01": "Heat"}', "found 'Heat' for '/m/01', expected an object"),
        ('{"/m/01": {"label": 3}}', "found values that are not strings for '/m/01'"),
        ('{"/m/01": {"alternatives": "Heat"}}', "found values that are not strings for '/m/01'"),
        ('{"/m/01": ', "broken JSON"),
    ],
)
def test_json_texts_of_another_form(tmp_path: Path, build: Build, text: str, message: str) -> None:
    files = write(tmp_path / "files", FB15K237 | {"entity2wikidata.json": text})
    with pytest.raises(DataError, match=f"entity2wikidata.json.*{message}"):
        build(fb15k237(files))


def test_blp(tmp_path: Path, build: Build) -> None:
    graph = build(blp(write(tmp_path / "files", BLP)))
    assert list(graph.entities) == [
        GraphEntity("Q2", "two", "the second\tone"),
        GraphEntity("Q1", "one, of two", "the first"),
        GraphEntity("Q3", "three"),
        GraphEntity("Q4"),
        GraphEntity("Q0"),  # listed, in no triple
    ]
    assert graph.relations == (GraphRelation("P2"), GraphRelation("P1", "follows"))  # in the order of the list
    assert {split: rows.tolist() for split, rows in graph.triples.items()} == {
        "train": [[1, 1, 0]],
        "valid": [[2, 1, 1]],
        "test": [[3, 0, 1], [3, 1, 2]],
    }
    splits = graph.manifest["splits"]
    assert (splits["test"]["with_unseen_entity"], splits["test"]["unseen_relations"]) == (2, ["P2"])
    assert graph.manifest["source"]["format"] == "blp"
    assert {"files/entities.txt", "files/relations.txt"} <= set(graph.manifest["source"]["files"])


def test_blp_knows_its_entities(tmp_path: Path, build: Build) -> None:
    files = write(tmp_path / "files", BLP | {"entities.txt": "Q1\nQ2\nQ4\n"})
    with pytest.raises(DataError, match=r"ind-dev.tsv, line 1: found the entity 'Q3', which is not listed"):
        build(blp(files))
    write(files, {"entities.txt": "Q1\nQ2\nQ3\nQ4\nQ1\n"})
    with pytest.raises(DataError, match=r"entities.txt, line 5: found the id 'Q1' a second time"):
        build(blp(files))
    graph = build(blp(files), skip_bad=True)
    assert graph.manifest["left_out"] == {"second listing of an id": 1} and graph.num_entities == 4


def test_kg_bert_without_long_texts(tmp_path: Path, build: Build) -> None:
    files = write(tmp_path / "files", {name: text for name, text in BLP.items() if name != "entity2textlong.txt"})
    graph = build(kg_bert(files))
    assert list(graph.entities) == [
        GraphEntity("Q1", "one", "one, of two"),
        GraphEntity("Q2", "two", "two"),
        GraphEntity("Q3", "three", "three"),
        GraphEntity("Q4"),
    ]
    assert {split: len(rows) for split, rows in graph.triples.items()} == {"train": 2, "valid": 1, "test": 1}


def test_own_files(tmp_path: Path, build: Build) -> None:
    files = write(
        tmp_path / "files",
        {
            "train.txt": "a\tr\tb\n",
            "names.tsv": "a\tA\tAy\n",
            "texts.tsv.gz": "b\tabout b\n",
            "relations.tsv": "r\tis\n",
            "more.tsv": "r\tabout r\n",
        },
    )
    source = triples(files, files / "texts.tsv.gz", files / "names.tsv", files / "more.tsv", files / "relations.tsv")
    graph = build(source)
    assert list(graph.entities) == [GraphEntity("b", "", "about b"), GraphEntity("a", "A", "", ("Ay",))]
    assert graph.relations == (GraphRelation("r", "is", "about r"),)
    assert list(build(triples(files)).entities) == [GraphEntity("a"), GraphEntity("b")]
