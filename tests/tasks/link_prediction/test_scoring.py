"""Ranks to numbers and tables, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.metrics.ranks import Ranks
from loreweave.metrics.resampling import INTERVALS
from loreweave.tasks.link_prediction.reader import LinkPredictionData, read
from loreweave.tasks.link_prediction.scoring import METRICS, RankedSides, score

TRAIN = [[0, 0, 1], [0, 0, 2], [0, 1, 3], [0, 1, 1]]
TEST = [[0, 0, 3], [1, 1, 2], [4, 0, 1]]


@pytest.fixture
def data() -> LinkPredictionData:
    relations = [GraphRelation("P0", "of"), GraphRelation("P1")]
    entities = [GraphEntity(f"Q{row}") for row in range(5)]
    return read(KnowledgeGraph.from_parts(entities, relations, {"train": TRAIN, "test": TEST}), "blp")


def counts(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


HEAD = Ranks(counts(0, 3, 1), counts(0, 0, 2), counts(5, 5, 4))  # ranks 1, 4, 2 to 4
TAIL = Ranks(counts(1, 0, 0), counts(0, 0, 0), counts(3, 5, 5))  # ranks 2, 1, 1


def test_numbers_are_of_realistic_ranks_over_both_sides(data: LinkPredictionData) -> None:
    evaluation = score(data, RankedSides(np.arange(3), {"head": HEAD, "tail": TAIL}), bootstrap=0)
    assert tuple(evaluation.metrics) == METRICS
    assert evaluation.metrics["mr"] == pytest.approx((1 + 4 + 3 + 2 + 1 + 1) / 6)
    assert evaluation.metrics["mrr"] == pytest.approx((1 + 1 / 4 + 1 / 3 + 1 / 2 + 1 + 1) / 6)
    assert evaluation.metrics["hits_at_1"] == pytest.approx(3 / 6)
    assert evaluation.metrics["hits_at_3"] == pytest.approx(5 / 6)
    assert evaluation.metrics["amr"] == pytest.approx(2 / ((3 + 3 + 2.5 + 2 + 3 + 3) / 6))
    by_side = {(row["side"], row["ranks"]): row for row in evaluation.tables["by_side"]}
    assert len(by_side) == 9 and by_side["both", "realistic"]["mr"] == evaluation.metrics["mr"]
    assert by_side["head", "optimistic"]["mr"] == pytest.approx((1 + 4 + 2) / 3)
    assert by_side["head", "pessimistic"]["mr"] == pytest.approx((1 + 4 + 4) / 3)
    assert by_side["tail", "pessimistic"]["hits_at_1"] == pytest.approx(2 / 3)
    assert [row["side"] for row in evaluation.tables["adjusted"]] == ["head", "tail", "both"]
    assert INTERVALS not in evaluation.tables and "sampled" not in evaluation.tables


def test_tables_by_relation_degree_and_newness(data: LinkPredictionData) -> None:
    tables = score(data, RankedSides(np.arange(3), {"head": HEAD, "tail": TAIL}), bootstrap=0).tables
    relation = tables["per_relation"]
    assert [(row["relation"], row["label"], row["count"]) for row in relation] == [("P0", "of", 4), ("P1", "", 2)]
    assert relation[0]["mr"] == pytest.approx((1 + 3 + 2 + 1) / 4) and relation[1]["mr"] == pytest.approx((4 + 1) / 2)
    # Degrees in train: Q0 4, Q1 2, Q2 1, Q3 1, Q4 0. Answers: heads Q0 Q1 Q4, tails Q3 Q2 Q1.
    degrees = {row["degree"]: (row["count"], row["mr"]) for row in tables["per_degree"]}
    assert degrees == {"0": (1, 3), "1": (2, 1.5), "2-3": (2, 2.5), "4-7": (1, 1)}
    assert {row["new"]: (row["count"], row["mr"]) for row in tables["by_new_ends"]} == {"none": (4, 2), "head": (2, 2)}


def test_some_triples_alone(data: LinkPredictionData) -> None:
    """What a policy left out is in no table."""
    rows = np.array([0, 2])
    evaluation = score(data, RankedSides(rows, {"tail": TAIL[rows]}), bootstrap=0)
    assert [row["head"] for row in evaluation.predictions] == ["Q0", "Q4"]
    assert [row["relation"] for row in evaluation.tables["per_relation"]] == ["P0"]
    assert evaluation.metrics["mr"] == 1.5 and {row["side"] for row in evaluation.tables["by_side"]} == {"tail"}
    assert evaluation.arrays["triples"].tolist() == [TEST[0], TEST[2]]


def test_predictions_have_ids_and_all_ranks(data: LinkPredictionData) -> None:
    evaluation = score(data, RankedSides(np.arange(3), {"head": HEAD, "tail": TAIL}), bootstrap=0)
    assert evaluation.predictions[2] == {
        "head": "Q4",
        "relation": "P0",
        "tail": "Q1",
        "head_rank": {"optimistic": 2.0, "realistic": 3.0, "pessimistic": 4.0, "candidates": 4},
        "tail_rank": {"optimistic": 1.0, "realistic": 1.0, "pessimistic": 1.0, "candidates": 5},
    }
    assert evaluation.arrays["head_ties"].tolist() == [0, 0, 2]


def test_intervals_hold_the_number_and_depend_on_the_seed(data: LinkPredictionData) -> None:
    ranked = RankedSides(np.arange(3), {"head": HEAD, "tail": TAIL})
    first, again, other = (score(data, ranked, bootstrap=3, seed=seed).tables[INTERVALS] for seed in (0, 0, 1))
    assert first == again != other
    many = score(data, ranked, bootstrap=200)
    for row in many.tables[INTERVALS]:
        assert row["low"] <= many.metrics[row["metric"]] <= row["high"]


def test_repetitions_have_mean_and_deviation(data: LinkPredictionData) -> None:
    sampled = [{"head": HEAD, "tail": TAIL}, {"head": TAIL, "tail": TAIL}]
    evaluation = score(data, RankedSides(np.arange(3), {"head": HEAD, "tail": TAIL}, sampled), bootstrap=0)
    first, second, mean, deviation = evaluation.tables["sampled"]
    assert (first["mr"], second["mr"]) == (2, pytest.approx(4 / 3))
    assert mean["mr"] == pytest.approx(5 / 3) == evaluation.metrics["sampled_mr"]
    assert deviation["mr"] == pytest.approx(1 / 3)
