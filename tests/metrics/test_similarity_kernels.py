"""Fast scores lie within their bound of the exact ones; exact ones depend on the pair alone."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from loreweave.metrics import similarity_kernels
from loreweave.metrics.similarity_kernels import KERNELS, Similarity

NAMES: list[Similarity] = list(KERNELS)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("similarity", "score"),
    [
        ("dot", 1 * 3 - 2 * 5 + 4 * 1),
        ("l1", -(2 + 7 + 3 + 1)),
        ("l2", -(4 + 49 + 9 + 1)),
        ("modulus", -(math.hypot(2, 7) + math.hypot(3, 1))),
    ],
)
def test_exact_scores_by_hand(similarity: Similarity, score: float) -> None:
    found = KERNELS[similarity].exact(torch.tensor([[1.0, -2, 4, 0]]), torch.tensor([[3.0, 5, 1, 1]]))
    assert found.dtype == torch.float64 and found.tolist() == pytest.approx([score], rel=1e-15)


def pairs(similarity: Similarity, queries: Tensor, candidates: Tensor) -> Tensor:
    left, right = queries.repeat_interleave(len(candidates), 0), candidates.repeat(len(queries), 1)
    return KERNELS[similarity].exact(left, right).view(len(queries), len(candidates))


@pytest.mark.parametrize("similarity", NAMES)
@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (1e-3, 5.0), (1e3, 0.0), (1e-12, 0.0)])
@pytest.mark.parametrize("d", [2, 30, 768])
def test_fast_scores_keep_their_promise(similarity: Similarity, scale: float, offset: float, d: int) -> None:
    kernel = KERNELS[similarity]
    queries, candidates = (torch.randn(n, d) * scale + offset for n in (7, 300))
    candidates[3] = queries[2]
    fast = kernel.fast(queries, candidates, kernel.addends(candidates))
    away = (fast.double() - pairs(similarity, queries, candidates) - kernel.shift(queries)[:, None]).abs()
    bound = kernel.error(d, kernel.norms(queries), float(kernel.norms(candidates).max()))
    assert (away <= bound[:, None]).all()
    assert bound.max() <= 1e-3 * kernel.scale(kernel.norms(queries), float(kernel.norms(candidates).max())).max() + 1e-12


@pytest.mark.parametrize("similarity", NAMES)
def test_exact_scores_depend_on_the_pair_alone(similarity: Similarity) -> None:
    kernel, queries, candidates = KERNELS[similarity], torch.randn(64, 254), torch.randn(64, 254)
    together = kernel.exact(queries, candidates)
    alone = torch.cat([kernel.exact(queries[i : i + 1], candidates[i : i + 1]) for i in range(64)])
    assert torch.equal(together, alone)
    assert torch.equal(together[1::3], kernel.exact(queries[1::3], candidates[1::3]))


@pytest.mark.parametrize("similarity", ["l1", "modulus"])
def test_tiles_of_any_size_fit_together(similarity: Similarity, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel, queries, candidates = KERNELS[similarity], torch.randn(9, 6), torch.randn(50, 6)
    whole = kernel.fast(queries, candidates, kernel.addends(candidates))
    for numbers in (1, 40, 500):
        monkeypatch.setattr(similarity_kernels, "_TILE_NUMBERS", {"cpu": numbers})
        torch.testing.assert_close(kernel.fast(queries, candidates, kernel.addends(candidates)), whole)


def test_coarser_products_are_trusted_less() -> None:
    norms, kernel = torch.ones(1, dtype=torch.float64), KERNELS["dot"]
    fine = kernel.error(8, norms, 1.0)
    torch.set_float32_matmul_precision("high")
    try:
        assert kernel.error(8, norms, 1.0) > 100 * fine
    finally:
        torch.set_float32_matmul_precision("highest")
