"""Ranked lists of any system: ranks by hand, the ranks of evaluation, and messages."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from loreweave.cli.main import app
from loreweave.corpus.graphs.entities import GraphEntity, GraphRelation
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.errors import DataError
from loreweave.tasks.contract import Execution
from loreweave.tasks.jobs.evaluate import evaluate_task, score_task
from loreweave.tasks.jobs.predict import open_task
from loreweave.tasks.registry import load_task
from loreweave.training.evaluation import Evaluation

TASK = load_task("link-prediction")


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def scored(graph: Path, predictions: Path, *settings: str) -> Evaluation:
    return score_task(TASK, graph, predictions, settings=settings, execution=Execution(report=lambda line: None))[0]


@pytest.fixture
def countries(tmp_path: Path) -> Path:
    """a and b are in c (train); d is in c, and a borders b (test)."""
    entities = [GraphEntity(id, id) for id in "abcd"]
    relations = [GraphRelation("in", "in"), GraphRelation("borders", "borders")]
    train = np.array([[0, 0, 2], [1, 0, 2]], np.int32)
    test = np.array([[3, 0, 2], [0, 1, 1]], np.int32)
    KnowledgeGraph.from_parts(entities, relations, {"train": train, "test": test}).save(tmp_path / "graph")
    return tmp_path / "graph"


def test_ranks_by_hand(countries: Path, tmp_path: Path) -> None:
    """Of heads in c, a and b are known and passed over; d is second, after c. The tail of a borders is not listed."""
    rows = [
        {"head": None, "relation": "in", "tail": "c", "predicted": ["a", "c", "b", "d"]},
        {"head": "d", "relation": {"id": "in"}, "tail": None, "predicted": [{"id": "c", "score": 1.0}]},
        {"head": {"id": "a"}, "relation": "borders", "tail": None, "predicted": ["d", "c"]},
    ]
    evaluation = scored(countries, write(tmp_path / "lists.jsonl", rows))
    assert evaluation.metrics == {"mrr": (0.5 + 1 + 0 + 0) / 4, "hits_at_1": 0.25, "hits_at_3": 0.5, "hits_at_10": 0.5}
    assert evaluation.tables["by_side"][0] == {
        "side": "head", "count": 2, "listed": 1, "mrr": 0.25, "hits_at_1": 0.0, "hits_at_3": 0.5, "hits_at_10": 0.5,
    }  # fmt: skip
    assert [row["head_rank"] for row in evaluation.predictions] == [2, None]
    assert "2 of 4 gold entities in no list: each counts as 0" in evaluation.notes[0]
    tails = scored(countries, tmp_path / "lists.jsonl", "side=tail")
    assert tails.metrics["mrr"] == 0.5


def test_lists_of_all_entities_have_the_ranks_of_the_evaluation(
    graph_folder: Path, checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    graph = KnowledgeGraph.load(graph_folder)
    how = Execution(device="cpu", report=lambda line: None)
    wanted = evaluate_task(TASK, checkpoints["wiki"], graph_folder, settings=["bootstrap=0"], execution=how)[0]
    test = np.asarray(graph.triples["test"])
    ids, relations = list(graph.entity_ids), graph.relation_ids
    asked = [{"head": ids[h], "relation": relations[r], "tail": None} for h, r in {(h, r) for h, r, _ in test.tolist()}]
    asked += [{"head": None, "relation": relations[r], "tail": ids[t]} for r, t in {(r, t) for _, r, t in test.tolist()}]
    answerer = open_task(
        TASK, checkpoints["wiki"], graph_folder, settings=[f"top={graph.num_entities}", "allow_self=true"], execution=how
    )
    rows = list(answerer((f"question {number}", row) for number, row in enumerate(asked)))
    found = scored(graph_folder, write(tmp_path / "lists.jsonl", rows))
    assert not found.notes
    for name, value in found.metrics.items():
        assert value == pytest.approx(wanted.metrics[name]), name


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"head": "a", "relation": "in", "tail": "c", "predicted": []}, "line 1, field 'head': neither end is null"),
        ({"head": "a", "relation": "in", "tail": "c", "head_rank": {}}, "asked for; this is a file of ranks from"),
        ({"head": None, "relation": "in", "tail": None, "predicted": []}, "both ends are null"),
        ({"head": "x", "relation": "in", "tail": None, "predicted": []}, "line 1: found the id 'x', which is no entity"),
        ({"head": "a", "relation": "on", "tail": None, "predicted": []}, "found the id 'on', which is no relation"),
        ({"head": "a", "relation": "in", "tail": None, "predicted": ["c", "c"]}, "found an entity twice in one list"),
        ({"head": "a", "relation": "in", "tail": None, "predicted": "c"}, "field 'predicted': found 'c', expected a list"),
        ({"head": "a", "relation": "in", "tail": None, "predicted": [3]}, "field 'predicted': found 3, expected an id"),
    ],
)
def test_bad_lines_are_named(countries: Path, tmp_path: Path, row: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        scored(countries, write(tmp_path / "lists.jsonl", [row]))


def test_the_ids_of_a_list_are_not_kept(tmp_path: Path) -> None:
    """Lists of all entities of a graph are long: four bytes for an entity, where an id takes more than 50."""
    ids = [f"entity {number}" for number in range(200)]
    entities, triples = [GraphEntity(id) for id in ids], {"test": np.array([[0, 0, 1]])}
    KnowledgeGraph.from_parts(entities, [GraphRelation("in")], triples).save(tmp_path / "graph")
    rows = [{"head": id, "relation": "in", "tail": None, "predicted": ids} for id in ids]
    lists = write(tmp_path / "lists.jsonl", rows)
    scored(tmp_path / "graph", lists, "side=tail")  # what is imported and cached does not count
    tracemalloc.start()
    try:
        found = scored(tmp_path / "graph", lists, "side=tail")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.metrics["mrr"] == 0.5 and peak < 25 * len(ids) ** 2


def test_a_second_list_and_a_split_that_is_not_there(countries: Path, tmp_path: Path) -> None:
    row = {"head": "a", "relation": "in", "tail": None, "predicted": ["c"]}
    lists = write(tmp_path / "lists.jsonl", [row, row])
    with pytest.raises(DataError, match="line 2: found a second list"):
        scored(countries, lists)
    with pytest.raises(DataError, match="found no split 'valid', expected one of train, test"):
        scored(countries, lists, "split=valid")


def test_lists_for_no_gold_triple_are_counted(countries: Path, tmp_path: Path) -> None:
    """Nothing of the split asks for the tail of b in, nor for the head with side=tail."""
    rows: list[dict[str, Any]] = [
        {"head": "b", "relation": "in", "tail": None, "predicted": ["c"]},
        {"head": None, "relation": "in", "tail": "c", "predicted": ["d"]},
        {"head": "d", "relation": "in", "tail": None, "predicted": ["c"]},
    ]
    lists = write(tmp_path / "lists.jsonl", rows)
    assert "1 of 3 lists answers no question of test and is not scored" in scored(countries, lists).notes
    assert "2 of 3 lists answer no question of test and are not scored" in scored(countries, lists, "side=tail").notes
    with pytest.raises(DataError, match=r"lists.jsonl: found no list for a question of test, .* head or tail of a triple"):
        scored(countries, write(tmp_path / "lists.jsonl", rows[:1]))


def test_a_split_without_triples_has_no_score(countries: Path, tmp_path: Path) -> None:
    graph = KnowledgeGraph.load(countries)
    none = np.zeros((0, 3), np.int32)
    entities, relations = [GraphEntity(id, id) for id in "abcd"], [GraphRelation("in", "in")]
    KnowledgeGraph.from_parts(entities, relations, {"train": graph.triples["train"], "test": none}).save(tmp_path / "none")
    lists = write(tmp_path / "lists.jsonl", [{"head": "d", "relation": "in", "tail": None, "predicted": ["c"]}])
    with pytest.raises(DataError, match="none: found no triple in the split 'test', nothing can be scored"):
        scored(tmp_path / "none", lists)


def test_the_command(countries: Path, tmp_path: Path) -> None:
    lists = write(tmp_path / "lists.jsonl", [{"head": "d", "relation": "in", "tail": None, "predicted": ["c"]}])
    command = ["score", "link-prediction", "--gold", str(countries), "--predictions", str(lists), "--json"]
    found = CliRunner().invoke(app, command)
    assert found.exit_code == 0 and json.loads(found.stdout)["mrr"] == 0.25
