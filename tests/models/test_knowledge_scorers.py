"""Scorers: hand-computed values, the promise that a score is a query's similarity, gradients and precision."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from loreweave.errors import ConfigurationError
from loreweave.models.knowledge_scorers import (
    SCORERS,
    SIMILARITIES,
    Similarity,
    scorer_named,
    similarity,
    similarity_matrix,
)

HEAD, TAIL = torch.tensor([1.0, 2.0, -1.0, 0.5]), torch.tensor([0.5, 1.0, 2.0, -1.0])
RELATION = torch.tensor([2.0, -1.0, 0.0, 3.0])
QUARTER_TURN_THEN_NONE = torch.tensor([math.pi / 2, 0.0])


def test_scores_by_hand() -> None:
    """h + r - t = (2.5, 0, -3, 4.5).

    ComplEx: h = (1 + 2i, -1 + 0.5i), r = (2 - i, 3i), so h r = (4 + 3i, -1.5 - 3i), and with t = (0.5 + i, 2 - i) the
    real part of h r conj(t) is 4 * 0.5 + 3 * 1 - 1.5 * 2 + 3 * 1 = 5. RotatE: h exp(i r) = (-2 + i, -1 + 0.5i), the
    differences (-2.5, -3 + 1.5i).
    """
    found = {name: scorer.score(HEAD, RELATION, TAIL).item() for name, scorer in SCORERS.items() if name != "rotate"}
    found["rotate"] = SCORERS["rotate"].score(HEAD, QUARTER_TURN_THEN_NONE, TAIL).item()
    assert found == pytest.approx(
        {
            "transe_l1": -10.0,
            "transe_l2": -math.sqrt(6.25 + 9 + 20.25),
            "distmult": 1.0 * 2 * 0.5 - 2.0 * 1 * 1 + 0.0 - 0.5 * 3 * 1,
            "complex": 5.0,
            "simple": 1.0 * 2 * 1 - 2.0 * 1 * 0.5 + 0.0 + 0.5 * 3 * 2,
            "rotate": -(2.5 + math.hypot(3, 1.5)),
        },
        abs=1e-5,
    )


def vectors(name: str, d: int, *shapes: tuple[int, ...], seed: int = 0, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """Head, relation and tail of random numbers, with these leading shapes."""
    generator = torch.Generator().manual_seed(seed)
    widths = (d, SCORERS[name].relation_size(d), d)
    return [torch.randn(*shape, width, generator=generator, dtype=dtype) for shape, width in zip(shapes, widths, strict=True)]


@pytest.mark.parametrize("name", SCORERS)
@settings(max_examples=25, deadline=None)
@given(half=st.integers(1, 9), seed=st.integers(0, 2**31))
def test_the_score_is_the_similarity_of_either_query(name: str, half: int, seed: int) -> None:
    scorer = SCORERS[name]
    head, relation, tail = vectors(name, 2 * half, (3, 1), (1, 1), (3, 5), seed=seed, dtype=torch.float64)
    expected = scorer.score(head, relation, tail)
    assert expected.shape == (3, 5)
    torch.testing.assert_close(similarity(scorer.similarity, scorer.tail_query(head, relation), tail), expected)
    torch.testing.assert_close(similarity(scorer.similarity, scorer.head_query(relation, tail), head), expected)


@pytest.mark.parametrize("at_once", [1, 100, 2**25])
@pytest.mark.parametrize("kind", SIMILARITIES)
def test_the_matrix_equals_pairwise_similarity_with_its_gradient(
    kind: Similarity, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loreweave.models.knowledge_scorers._NUMBERS_AT_ONCE", at_once)
    generator = torch.Generator().manual_seed(0)
    queries, candidates = (torch.randn(rows, 6, generator=generator, requires_grad=True) for rows in (4, 7))
    matrix, pairwise = similarity_matrix(kind, queries, candidates), similarity(kind, queries[:, None], candidates)
    torch.testing.assert_close(matrix, pairwise)
    with torch.inference_mode():
        assert torch.equal(similarity_matrix(kind, queries, candidates), matrix)
    weights = torch.randn(4, 7, generator=generator)
    for found, expected in zip(
        torch.autograd.grad((matrix * weights).sum(), (queries, candidates)),
        torch.autograd.grad((pairwise * weights).sum(), (queries, candidates)),
        strict=True,
    ):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("name", SCORERS)
def test_gradients(name: str) -> None:
    inputs = vectors(name, 6, (2, 1), (1, 1), (2, 3), dtype=torch.float64)
    assert torch.autograd.gradcheck(SCORERS[name].score, [item.requires_grad_() for item in inputs])


@pytest.mark.parametrize("kind", SIMILARITIES)
def test_the_gradient_at_distance_zero_is_zero(kind: Similarity) -> None:
    point = torch.randn(2, 4)
    for of in (similarity, similarity_matrix):
        query, candidate = point.clone().requires_grad_(), point.clone().requires_grad_()
        scores = of(kind, query, candidate)
        gradients = torch.autograd.grad(scores.diagonal().sum() if scores.ndim == 2 else scores.sum(), (query, candidate))
        if kind == "dot":
            assert torch.equal(gradients[0], point)
        else:
            assert all(torch.equal(gradient, torch.zeros(2, 4)) for gradient in gradients)


def test_transe_l2_trains_from_a_triple_that_holds_exactly() -> None:
    head, relation = torch.randn(3), torch.randn(3)
    inputs = [item.requires_grad_() for item in (head, relation, head + relation)]
    SCORERS["transe_l2"].score(*inputs).backward()
    assert all(item.grad is not None and torch.isfinite(item.grad).all() for item in inputs)


@pytest.mark.parametrize("name", SCORERS)
def test_scores_are_float32_under_autocast_and_for_half_precision(name: str) -> None:
    scorer = SCORERS[name]
    head, relation, tail = vectors(name, 64, (5,), (5,), (5,))
    expected = scorer.score(head, relation, tail)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(scorer.score(head, relation, tail), expected)
        query = scorer.tail_query(head, relation)
        matrix = similarity_matrix(scorer.similarity, query, tail)
    assert matrix.dtype == torch.float32
    torch.testing.assert_close(matrix.diagonal(), expected)
    half = scorer.score(head.bfloat16(), relation.bfloat16(), tail.bfloat16())
    assert half.dtype == torch.float32
    rounded = scorer.score(*(item.bfloat16().float() for item in (head, relation, tail)))
    assert torch.equal(half, rounded)


def test_sizes_and_names() -> None:
    assert {name: scorer.relation_size(8) for name, scorer in SCORERS.items()} == dict.fromkeys(SCORERS, 8) | {"rotate": 4}
    assert [name for name, scorer in SCORERS.items() if scorer.has_margin] == ["transe_l1", "transe_l2", "rotate"]
    for name in ("complex", "simple", "rotate"):
        with pytest.raises(ConfigurationError, match=f"{name}: found vectors of size 7"):
            SCORERS[name].relation_size(7)
    with pytest.raises(ConfigurationError, match="'transe', expected one of transe_l1"):
        scorer_named("transe")


def test_rotate_takes_the_first_half_of_a_text_vector_as_phases() -> None:
    head, relation, tail = vectors("distmult", 8, (2,), (2,), (2,))
    scorer = SCORERS["rotate"]
    assert torch.equal(scorer.score(head, relation, tail), scorer.score(head, relation[:, :4], tail))
