"""A scorer that only counts, on the real graphs: filtered ranks must give the reference values to the last printed digit.

The score of (h, r, t) is the number of training triples with relation r and tail t (for heads: head h). So nearly everything
ties, and what is tested is the protocol: filtering, both sides, realistic ranks.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

from loreweave.metrics.known_answers import KnownAnswers, Questions, Side
from loreweave.metrics.ranking import rank, rank_scores
from loreweave.metrics.ranking_metrics import metrics_by_side
from loreweave.metrics.ranks import Ranks

REFERENCE = {  # MRR, Hits@1, Hits@3, Hits@10 of tail, head, both
    "kg_wn18rr/{}.tsv.gz": [
        (0.0346, 0.0204, 0.0329, 0.0609),
        (0.0166, 0.0105, 0.0172, 0.0271),
        (0.0256, 0.0155, 0.0250, 0.0440),
    ],
    "kg_fb15k237/{}.tsv.gz": [
        (0.3305, 0.2545, 0.3568, 0.4760),
        (0.1363, 0.0854, 0.1432, 0.2323),
        (0.2334, 0.1700, 0.2500, 0.3541),
    ],
    "kg_codex/codex-s/{}.txt.gz": [
        (0.3364, 0.1844, 0.4054, 0.6072),
        (0.0930, 0.0509, 0.0968, 0.1729),
        (0.2147, 0.1176, 0.2511, 0.3900),
    ],
}
NAMES = ("mrr", "hits_at_1", "hits_at_3", "hits_at_10")


class Graph:
    def __init__(self, pattern: str) -> None:
        rows: dict[str, int] = {}
        relations: dict[str, int] = {}
        self.splits = []
        for split in ("train", "valid", "test"):
            with gzip.open(pattern.format(split), "rt", encoding="utf-8") as file:
                fields = [line.rstrip("\n").split("\t") for line in file]
            ids = [
                (rows.setdefault(h, len(rows)), relations.setdefault(r, len(relations)), rows.setdefault(t, len(rows)))
                for h, r, t in fields
            ]
            self.splits.append(np.array(ids, dtype=np.int32))
        self.size = len(rows), len(relations)

    def counts(self, side: Side) -> torch.Tensor:
        """Training triples by relation and entity at the side [relations, entities]."""
        train, (entities, relations) = self.splits[0], self.size
        codes = train[:, 1].astype(np.int64) * entities + train[:, 0 if side == "head" else 2]
        return torch.from_numpy(np.bincount(codes, minlength=relations * entities).reshape(relations, entities))


def ranks_by_counts(graph: Graph, side: Side) -> Ranks:
    counts, questions = graph.counts(side), Questions.from_triples(side, graph.splits[2])
    known = KnownAnswers(side, *graph.splits).of(questions.entities, questions.relations)

    def scores(asked: np.ndarray) -> torch.Tensor:
        return counts[torch.from_numpy(questions.relations[asked])].float()

    return rank_scores(scores, questions.gold, graph.size[0], questions=questions.of, known=known)


@pytest.mark.parametrize("files", REFERENCE)
def test_reference_values(files: str, shared_data: Path) -> None:
    pattern = shared_data / files
    if not pattern.parent.is_dir():
        pytest.skip(f"no {pattern.parent}")
    graph = Graph(str(pattern))
    found = metrics_by_side({"tail": ranks_by_counts(graph, "tail"), "head": ranks_by_counts(graph, "head")})
    for side, expected in zip(("tail", "head", "both"), REFERENCE[files], strict=True):
        assert tuple(f"{found[side, 'realistic'][name]:.4f}" for name in NAMES) == tuple(f"{x:.4f}" for x in expected)


def test_vectors_give_the_ranks_of_scores(shared_data: Path) -> None:
    if not (shared_data / "kg_codex").is_dir():
        pytest.skip("no kg_codex")
    graph = Graph(str(shared_data / "kg_codex/codex-s/{}.txt.gz"))
    questions = Questions.from_triples("tail", graph.splits[2])
    known = KnownAnswers("tail", *graph.splits).of(questions.entities, questions.relations)
    one_hot = torch.eye(graph.size[1])[torch.from_numpy(questions.relations).long()]
    vectors = graph.counts("tail").T.float()
    by_vectors = rank(one_hot, questions.gold, vectors, "dot", questions=questions.of, known=known)
    by_scores = ranks_by_counts(graph, "tail")
    assert np.array_equal(by_vectors.greater, by_scores.greater)
    assert np.array_equal(by_vectors.ties, by_scores.ties)
    assert np.array_equal(by_vectors.candidates, by_scores.candidates)
