"""The best answers to a question: those of all scores at once, with names, and clear words about what is unknown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_graphs import Oracle

from loreweave import load
from loreweave.corpus.knowledge_graph import KnowledgeGraph
from loreweave.errors import CheckpointError, ConfigurationError, DataError
from loreweave.models.knowledge_scorers import SIMILARITIES, similarity_matrix
from loreweave.tasks.embedding_cache import Embeddings
from loreweave.tasks.link_prediction import TASK
from loreweave.tasks.link_prediction.answers import read_query, top_answers
from loreweave.tasks.link_prediction.encoding import EntityVectors
from loreweave.tasks.predictor import PretrainedPredictor


def predictor(model: Path, graph: Path, **settings: Any) -> PretrainedPredictor:
    found = load(model, data=graph, device="cpu", settings=settings)
    assert isinstance(found, PretrainedPredictor) and found.task is TASK
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
    assert answer["relation"] == {"id": "P1", "label": "works at"} and len(answer["predicted"]) == 20
    assert {item["known"] for item in answer["predicted"]} == {True, False}


def test_labels_stand_for_ids(graph: KnowledgeGraph, graph_folder: Path, checkpoints: dict[str, Path]) -> None:
    answers = predictor(checkpoints["wiki"], graph_folder).predict_rows(
        [{"head": "Q5", "relation": "P0"}, {"head": graph.entities[5].label, "relation": "lives in"}]
    )
    assert answers[0] == answers[1]


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
    described, own, bare = predictor(checkpoints[variant], graph_folder).predict_rows(rows)
    assert described["head"] == {"label": "New", "description": description}
    assert [item["id"] for item in described["predicted"]] == [item["id"] for item in own["predicted"]]
    assert [item["score"] for item in described["predicted"]] == pytest.approx([i["score"] for i in own["predicted"]], abs=1e-5)
    assert not any(item["known"] for item in described["predicted"]) and described["predicted"] == bare["predicted"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"head": "Q1", "relation": "P0", "tail": "Q2"}, "query 2: field 'head': found both ends given"),
        ({"relation": "P0"}, "query 2: field 'head': found neither end given"),
        ({"head": "Q1"}, "query 2: field 'relation': found None"),
        ({"head": "Q99", "relation": "P0"}, "query 2: found the entity 'Q99', which is neither an id nor a label"),
        ({"head": "Q1", "relation": "P7"}, "query 2: found the relation 'P7', which is neither an id nor a label"),
        ({"head": "SHARED", "relation": "P0"}, r"query 2: found the entity '.*', a label of 2: give an id \(Q6, Q7\)"),
        ({"head": "", "relation": "P0"}, "query 2: found the entity ''"),
        ({"head": 5, "relation": "P0"}, "query 2: field 'head': found 5, expected an id or a label"),
        ({"head": {"name": "x"}, "relation": "P0"}, "query 2: field 'head': found {'name': 'x'}"),
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
    with pytest.raises(DataError, match="has a table and reads no text"):
        predictor(checkpoints["table"], graph_folder).predict_rows([{"head": {"label": "x"}, "relation": "P0"}])


def test_queries_are_answered_block_by_block(graph_folder: Path, checkpoints: dict[str, Path]) -> None:
    from loreweave.tasks.pretrained import open_pretrained

    read: list[int] = []

    def queries() -> Any:
        for number in range(5):
            read.append(number)
            yield "here", {"head": f"Q{number}", "relation": "P0"}

    answers = open_pretrained(TASK, checkpoints["table"], graph_folder, ["top=2"])(queries(), 2)
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


def test_a_query_keeps_its_own_id() -> None:
    assert read_query({"head": "a", "relation": "r", "id": "x"}).id == "x"
    assert read_query({"tail": "a", "relation": "r", "head": None}).side == "head"


def test_loading_needs_to_know_what_about(graph_folder: Path, checkpoints: dict[str, Path]) -> None:
    with pytest.raises(ConfigurationError, match="link-prediction needs data="):
        load(checkpoints["wiki"])
    with pytest.raises(ConfigurationError, match="settings are for"):
        load(checkpoints["wiki"], settings={"top": 3})
    with pytest.raises(CheckpointError, match="no such file or folder"):
        load(checkpoints["wiki"] / "none", data=graph_folder)
    with pytest.raises(ConfigurationError, match="unknown setting 'tpo'.*did you mean 'top'"):
        load(checkpoints["wiki"], data=graph_folder, settings={"tpo": 3})
