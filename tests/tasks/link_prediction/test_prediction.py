"""The best answers to a question: those of all scores at once, with names, and clear words about what is unknown."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_graphs import Oracle

from loreweave import load
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.errors import CheckpointError, ConfigurationError, DataError
from loreweave.models.knowledge_scorers import SIMILARITIES, similarity_matrix
from loreweave.tasks.embedding_cache import Embeddings
from loreweave.tasks.jobs.predictor import Predictor
from loreweave.tasks.link_prediction import TASK
from loreweave.tasks.link_prediction.encoding import EntityVectors
from loreweave.tasks.link_prediction.prediction import read_query, top_answers


def predictor(model: Path, graph: Path, **settings: Any) -> Predictor:
    found = load(model, data=graph, device="cpu", settings=settings)
    assert isinstance(found, Predictor) and found.task is TASK
    return found


@pytest.mark.parametrize("variant", ["wiki", "cond", "contrastive", "table"])
def test_answers_equal_those_of_all_scores(
    variant: str, graph: KnowledgeGraph, graph_folder: Path, checkpoints: dict[str, Path]
) -> None:
    oracle = Oracle(checkpoints[variant], graph, variant)
    rows = [{"head": "Q5", "relation": "P0", "tail": None}, {"relation": "P1", "tail": "Q13"}, {"head": "Q5", "relation": "P2"}]
    answers = predictor(checkpoints[variant], graph_folder, top=6, block_size=8).predict_rows(rows)
    known = {tuple(row) for rows in graph.triples.values() for row in rows.tolist()}
    for answer, (side, entity, relation) in zip(answers, [("tail", 5, 0), ("head", 13, 1), ("tail", 5, 2)], strict=True):
        scores = oracle.scores(side, entity, relation)
        scores[entity] = -np.inf  # is no answer to a question about itself
        best = np.argsort(-scores)[:6]
        assert [item["id"] for item in answer["predicted"]] == [f"Q{row}" for row in best]
        assert [item["label"] for item in answer["predicted"]] == [graph.entities[int(row)].label for row in best]
        np.testing.assert_allclose([item["score"] for item in answer["predicted"]], scores[best], rtol=1e-4, atol=1e-4)
        triples = [(entity, relation, int(row)) if side == "tail" else (int(row), relation, entity) for row in best]
        assert [item["known"] for item in answer["predicted"]] == [triple in known for triple in triples]


def test_an_answer_says_what_was_asked(graph_folder: Path, checkpoints: dict[str, Path]) -> None:
    asked = {"id": 7, "head": None, "relation": "works at", "tail": "Q5"}
    (answer,) = predictor(checkpoints["wiki"], graph_folder, top=50).predict_rows([asked])
    assert answer["id"] == 7 and answer["head"] is None and answer["tail"]["id"] == "Q5"
    assert answer["relation"] == {"id": "P1", "label": "works at"} and len(answer["predicted"]) == 19
    assert {item["known"] for item in answer["predicted"]} == {True, False}


def test_white_space_at_the_edges_of_an_id_does_not_matter(graph_folder: Path, checkpoints: dict[str, Path]) -> None:
    """Graphs are built with ids trimmed; a question may have them as the user's files do."""
    rows = [{"head": "Q5", "relation": "P0"}, {"head": " Q5\u00a0", "relation": "P0 "}]
    first, second = predictor(checkpoints["table"], graph_folder).predict_rows(rows)
    assert first["predicted"] == second["predicted"] and second["head"]["id"] == "Q5"


@pytest.mark.parametrize("block_size", [8, 64])
def test_the_asked_entity_is_no_answer_unless_told(graph_folder: Path, checkpoints: dict[str, Path], block_size: int) -> None:
    rows = [{"head": f"Q{row}", "relation": "P0"} for row in range(20)] + [{"relation": "P1", "tail": "Q3"}]
    asked = [f"Q{row}" for row in range(20)] + ["Q3"]
    for variant in ("wiki", "contrastive", "table"):
        settings = {"top": 20, "block_size": block_size}
        without = predictor(checkpoints[variant], graph_folder, **settings).predict_rows(rows)
        told = predictor(checkpoints[variant], graph_folder, allow_self=True, **settings).predict_rows(rows)
        for some, everything, entity in zip(without, told, asked, strict=True):
            ids = [item["id"] for item in everything["predicted"]]
            assert entity in ids and len(ids) == 20
            assert [item["id"] for item in some["predicted"]] == [id for id in ids if id != entity]


def test_a_graph_of_one_entity_has_no_answer(checkpoints: dict[str, Path], graph: KnowledgeGraph, tmp_path: Path) -> None:
    alone = KnowledgeGraph.from_parts(graph.entities[:1], graph.relations, {"train": [[0, 0, 0]]})
    alone.save(tmp_path / "alone")
    (answer,) = predictor(checkpoints["wiki"], tmp_path / "alone").predict_rows([{"head": "Q0", "relation": "P0"}])
    assert answer["predicted"] == []


def damaged(source: Path, target: Path, name: str, row: int) -> Path:
    """A copy of a model with NaN in a row of a table of its head, or anywhere in the encoder."""
    shutil.copytree(source, target)
    for path in target.glob("*.safetensors"):
        tensors = load_file(path)
        if name in tensors:
            tensors[name][row, 1] = float("nan")
            save_file(tensors, path, metadata={"format": "pt"})
            return target
    raise AssertionError(name)


@pytest.mark.parametrize(
    ("variant", "table", "names"),
    [
        ("table", "entity_embeddings.weight", "the entity 'Q4'"),
        ("table", "relation_embeddings.weight", "relation"),
        ("wiki", "relation_embeddings.weight", "relation"),
        ("wiki", "embeddings.position_embeddings.weight", "the entity 'Q"),
        ("contrastive", "question_map.weight", "questions"),
    ],
)
def test_numbers_that_are_not_finite_are_no_answer(
    variant: str, table: str, names: str, graph_folder: Path, checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    """The entity whose vector was NaN stood first among the answers, with a score that is no JSON."""
    model = damaged(checkpoints[variant], tmp_path / "damaged", table, 4 if "entity" in table or "position" in table else 0)
    rows = [{"head": "Q1", "relation": "P0"}, {"head": "Q2", "relation": "P0"}]
    with pytest.raises(CheckpointError, match="NaN") as error:
        predictor(model, graph_folder).predict_rows(rows)
    assert names in str(error.value) and str(model) in str(error.value)


def test_labels_stand_for_ids(graph: KnowledgeGraph, graph_folder: Path, checkpoints: dict[str, Path]) -> None:
    answers = predictor(checkpoints["wiki"], graph_folder).predict_rows(
        [{"head": "Q5", "relation": "P0"}, {"head": graph.entities[5].label, "relation": "lives in"}]
    )
    assert [answer["id"] for answer in answers] == ["1", "2"] and "given" not in answers[0]
    assert answers[0]["predicted"] == answers[1]["predicted"] and answers[0]["head"] == answers[1]["head"]


@pytest.mark.parametrize("variant", ["wiki", "cond", "contrastive"])
def test_an_entity_that_the_graph_does_not_have_is_read(
    variant: str, graph: KnowledgeGraph, graph_folder: Path, checkpoints: dict[str, Path]
) -> None:
    """By its description; here that of an entity which it does have, so the scores must be the same."""
    description = graph.entities[5].description
    rows = [
        {"head": {"label": "New", "description": description}, "relation": "P0"},
        {"head": "Q5", "relation": "P0"},
        {"head": {"description": description}, "relation": "P0"},
    ]
    described, own, bare = predictor(checkpoints[variant], graph_folder, allow_self=True).predict_rows(rows)
    assert described["head"] == {"label": "New", "description": description}
    assert [item["id"] for item in described["predicted"]] == [item["id"] for item in own["predicted"]]
    assert [item["score"] for item in described["predicted"]] == pytest.approx([i["score"] for i in own["predicted"]], abs=1e-5)
    assert not any(item["known"] for item in described["predicted"]) and described["predicted"] == bare["predicted"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"head": "Q1", "relation": "P0", "tail": "Q2"}, "query 2: field 'head': found both ends given"),
        ({"relation": "P0"}, "query 2: field 'head': found neither end given"),
        ({"head": "Q1"}, "query 2: field 'relation': found null"),
        ({"head": "Q99", "relation": "P0"}, "query 2: found the entity 'Q99', which is neither an id nor a label"),
        ({"head": "Q1", "relation": "P7"}, "query 2: found the relation 'P7', which is neither an id nor a label"),
        ({"head": "SHARED", "relation": "P0"}, r"query 2: found the entity '.*', a label of 2: give an id \(Q6, Q7\)"),
        ({"head": "", "relation": "P0"}, "query 2: found the entity ''"),
        ({"head": 5, "relation": "P0"}, "query 2: field 'head': found 5, expected an id or a label"),
        ({"head": {"name": "x"}, "relation": "P0"}, 'query 2: field \'head\': found {"name": "x"}'),
        ({"head": {"label": ""}, "relation": "P0"}, "query 2: field 'head'"),
    ],
)
def test_a_bad_query_is_named(
    row: dict[str, Any], message: str, graph: KnowledgeGraph, graph_folder: Path, checkpoints: dict[str, Path]
) -> None:
    if row.get("head") == "SHARED":
        row = row | {"head": graph.entities[6].label}
    with pytest.raises(DataError, match=message):
        predictor(checkpoints["wiki"], graph_folder).predict_rows([{"head": "Q1", "relation": "P0"}, row])


def test_a_table_reads_no_texts(graph_folder: Path, checkpoints: dict[str, Path]) -> None:
    with pytest.raises(DataError, match="has a table of entities and no texts"):
        predictor(checkpoints["table"], graph_folder).predict_rows([{"head": {"label": "x"}, "relation": "P0"}])


def test_queries_are_answered_block_by_block(graph_folder: Path, checkpoints: dict[str, Path]) -> None:
    from loreweave.tasks.jobs.predict import open_task

    read: list[int] = []

    def queries() -> Any:
        for number in range(5):
            read.append(number)
            yield "here", {"head": f"Q{number}", "relation": "P0"}

    answers = open_task(TASK, checkpoints["table"], graph_folder, settings=["top=2"])(queries(), 2)
    next(answers)
    assert len(read) == 2 and len(list(answers)) == 4


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("block_size", [8, 16, 1000])
def test_blocks_do_not_change_the_best(similarity: Any, block_size: int) -> None:
    torch.manual_seed(0)
    queries, table = torch.randn(3, 6), torch.randn(41, 6)
    candidates = EntityVectors(Embeddings([table[:10], table[10:]]), np.arange(41), 41)
    scores, rows = top_answers(queries, candidates, similarity, 9, block_size=block_size)
    wanted, places = similarity_matrix(similarity, queries, table).topk(9, dim=1)
    assert torch.equal(rows, places)
    torch.testing.assert_close(scores, wanted)


def test_the_end_that_is_not_given_is_asked_for() -> None:
    assert read_query({"head": "a", "relation": "r", "id": "x"}).side == "tail"
    assert read_query({"tail": "a", "relation": "r", "head": None}).side == "head"


def test_loading_needs_to_know_what_about(graph_folder: Path, checkpoints: dict[str, Path]) -> None:
    with pytest.raises(ConfigurationError, match="link-prediction needs data=, the folder of the graph"):
        load(checkpoints["wiki"])
    with pytest.raises(ConfigurationError, match="needs data="):
        load(checkpoints["wiki"], settings={"top": 3})
    with pytest.raises(CheckpointError, match="no such file or folder"):
        load(checkpoints["wiki"] / "none", data=graph_folder)
    with pytest.raises(ConfigurationError, match="unknown setting 'tpo'.*did you mean 'top'"):
        load(checkpoints["wiki"], data=graph_folder, settings={"tpo": 3})
