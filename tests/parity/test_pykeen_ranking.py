"""Agreement with PyKEEN 1.11's rank-based evaluator: every metric that both have, on the same embeddings.

Numbers are multiples of 1/4 and small, so that float32 is exact in both, equal scores are equal and ties are many. RotatE's
moduli are no such numbers: its embeddings are any, without ties. PyKEEN's RotatE takes the L2 norm of the difference; the
sum of moduli of the paper (Sun et al. 2019) is put in its place for "rotate".
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from loreweave.metrics.known_answers import SIDES, KnownAnswers, Questions, Side
from loreweave.metrics.ranking import rank
from loreweave.metrics.ranking_metrics import HITS, metrics_by_side
from loreweave.metrics.ranks import RANK_KINDS, Ranks
from loreweave.metrics.similarity_kernels import Similarity

ENTITIES, RELATIONS, SIZE = 150, 5, 8
THEIR_NAMES = {
    "count": "count",
    "mr": "arithmetic_mean_rank",
    "mrr": "inverse_harmonic_mean_rank",
    "amr": "adjusted_arithmetic_mean_rank",
    "amri": "adjusted_arithmetic_mean_rank_index",
    "adjusted_mrr": "adjusted_inverse_harmonic_mean_rank",
    "z_mr": "z_arithmetic_mean_rank",
    "z_mrr": "z_inverse_harmonic_mean_rank",
} | {f"hits_at_{k}": f"hits_at_{k}" for k in HITS}
THEIR_CLASSES = {  # of which their table keeps one k only
    f"{name}_hits_at_{k}": (class_name, k)
    for name, class_name in (("adjusted", "AdjustedHitsAtK"), ("z", "ZHitsAtK"))
    for k in HITS
}

Query = Callable[[Tensor, Tensor], Tensor]


def turned(vectors: Tensor, by: Tensor, back: bool) -> Tensor:
    """Complex product of interleaved numbers, with the conjugate if `back`."""
    left, right = (torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous()) for x in (vectors, by))
    return torch.view_as_real(left * (right.conj() if back else right)).flatten(-2)


MODELS: dict[str, tuple[str, dict[str, Any], Similarity, Query, Query]] = {
    # name: PyKEEN's model and settings, our similarity, query of (head, relation), query of (tail, relation)
    "transe_l1": ("TransE", {"scoring_fct_norm": 1}, "l1", lambda h, r: h + r, lambda t, r: t - r),
    "transe_l2": ("TransE", {"scoring_fct_norm": 2}, "l2", lambda h, r: h + r, lambda t, r: t - r),
    "distmult": ("DistMult", {}, "dot", lambda h, r: h * r, lambda t, r: t * r),
    "complex": ("ComplEx", {}, "dot", lambda h, r: turned(h, r, False), lambda t, r: turned(t, r, True)),
    "rotate": ("RotatE", {}, "modulus", lambda h, r: turned(h, r, False), lambda t, r: turned(t, r, True)),
    "rotate_l2": ("RotatE", {}, "l2", lambda h, r: turned(h, r, False), lambda t, r: turned(t, r, True)),
}


@pytest.fixture(scope="module")
def pykeen(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """PyKEEN, with a home of its own: it makes folders when it is imported."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setenv("PYSTOW_HOME", str(tmp_path_factory.mktemp("pystow")))
        warnings.simplefilter("ignore")
        import pykeen.evaluation
        import pykeen.metrics.ranking
        import pykeen.models
        import pykeen.nn
        import pykeen.triples
    return pykeen


@pytest.fixture(scope="module")
def splits() -> list[np.ndarray]:
    """Training, validation and test triples: distinct, with many that share a question."""
    random = np.random.default_rng(0)
    skewed = np.minimum(random.geometric(0.05, size=(1500, 3)) - 1, ENTITIES - 1)
    skewed[:, 1] %= RELATIONS
    distinct = random.permutation(np.unique(skewed, axis=0)).astype(np.int32)
    return np.split(distinct, [len(distinct) - 250, len(distinct) - 150])


def their_model(pykeen: Any, name: str, seed: int) -> Any:
    triples = pykeen.triples.CoreTriplesFactory(
        torch.zeros(1, 3, dtype=torch.long), num_entities=ENTITIES, num_relations=RELATIONS
    )
    class_name, settings, *_ = MODELS[name]
    size = SIZE // 2 if class_name in ("ComplEx", "RotatE") else SIZE  # of complex numbers there
    model = getattr(pykeen.models, class_name)(triples_factory=triples, embedding_dim=size, random_seed=0, **settings)
    random = torch.Generator().manual_seed(seed)
    for weight in model.parameters():
        values = torch.randn(weight.shape, generator=random)
        weight.data = values if class_name == "RotatE" else (values * 4).round() / 4
    if class_name == "RotatE":  # relations turn without stretching
        numbers = model.relation_representations[0]._embeddings.weight.data.unflatten(-1, (-1, 2))
        numbers /= numbers.norm(dim=-1, keepdim=True)
    if name == "rotate":

        class SumOfModuli(pykeen.nn.modules.RotatEInteraction):  # type: ignore[misc]
            def forward(self, h: Tensor, r: Tensor, t: Tensor) -> Tensor:
                return -(h * r - t).abs().sum(-1)

        model.interaction = SumOfModuli()
    return model


def our_ranks(model: Any, name: str, splits: list[np.ndarray], side: Side, subset: np.ndarray | None = None) -> Ranks:
    entities, relations = (
        part[0]._embeddings.weight.detach() for part in (model.entity_representations, model.relation_representations)
    )
    _, _, similarity, tail_query, head_query = MODELS[name]
    questions = Questions.from_triples(side, splits[-1])
    given, relation = entities[torch.from_numpy(questions.entities)], relations[torch.from_numpy(questions.relations)]
    queries = (tail_query if side == "tail" else head_query)(given, relation)
    known = KnownAnswers(side, *splits).of(questions.entities, questions.relations)
    return rank(
        queries, questions.gold, entities, similarity, questions=questions.of, known=known, subset=subset, block_size=64
    )


def evaluated(pykeen: Any, model: Any, splits: list[np.ndarray], **options: Any) -> Any:
    evaluator = pykeen.evaluation.RankBasedEvaluator(clear_on_finalize=False)
    train, valid, test = (torch.from_numpy(split).long() for split in splits)
    evaluator.evaluate(
        model,
        test,
        additional_filter_triples=[train, valid],
        batch_size=64,
        use_tqdm=False,
        device=torch.device("cpu"),
        **options,
    )
    return evaluator


@pytest.mark.parametrize("name", MODELS)
def test_ranks_and_metrics(pykeen: Any, splits: list[np.ndarray], name: str) -> None:
    model = their_model(pykeen, name, seed=1)
    theirs = evaluated(pykeen, model, splits)
    ours = {side: our_ranks(model, name, splits, side) for side in SIDES}
    for side, ranks in ours.items():
        for kind in RANK_KINDS:
            assert np.array_equal(np.concatenate(theirs.ranks[side, kind]), ranks.of_kind(kind)), (side, kind)
        assert np.array_equal(np.concatenate(theirs.num_candidates[side]), ranks.candidates)
    if not name.startswith("rotate"):
        assert sum(int((ranks.ties > 0).sum()) for ranks in ours.values()) > 20
    table, found = theirs.finalize().to_flat_dict(), metrics_by_side(ours)
    names = [*THEIR_NAMES, *THEIR_CLASSES]
    assert found["both", "realistic"].keys() == set(names)
    pooled: dict[str, Ranks] = {**ours, "both": Ranks.concatenate(ours.values())}
    for (side, kind), metric, value in ((of, metric, value) for of, each in found.items() for metric, value in each.items()):
        if metric in THEIR_NAMES:
            expected = table[f"{side}.{kind}.{THEIR_NAMES[metric]}"]
        else:
            class_name, k = THEIR_CLASSES[metric]
            ranks = pooled[side]
            expected = getattr(pykeen.metrics.ranking, class_name)(k=k)(ranks.realistic, ranks.candidates)
        assert value == pytest.approx(expected, rel=1e-5, abs=1e-5), (side, kind, metric)  # means of float32 there


@pytest.mark.parametrize("name", ["transe_l1", "distmult"])
def test_a_subset_of_the_entities(pykeen: Any, splits: list[np.ndarray], name: str) -> None:
    subset = np.arange(0, ENTITIES, 2)
    kept = [*splits[:2], splits[2][(splits[2][:, [0, 2]] % 2 == 0).all(axis=1)]]
    assert len(kept[2]) > 20
    model = their_model(pykeen, name, seed=2)
    theirs = evaluated(pykeen, model, kept, restrict_entities_to=subset.tolist())
    for side in SIDES:
        ranks = our_ranks(model, name, kept, side, subset)
        for kind in RANK_KINDS:
            assert np.array_equal(np.concatenate(theirs.ranks[side, kind]), ranks.of_kind(kind))
        assert np.array_equal(np.concatenate(theirs.num_candidates[side]), ranks.candidates)
