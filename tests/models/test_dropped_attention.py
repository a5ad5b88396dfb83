"""Attention with dropout in blocks against the plain formula with the same masks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from loreweave.models import dropped_attention
from loreweave.models.dropped_attention import (
    attention_by_key_type_with_dropout,
    attention_to_words_and_self_with_dropout,
    attention_with_dropout,
)

TEXTS, HEADS, WORDS, ENTITIES, SIZE, RATE = 3, 2, 7, 4, 8, 0.25
TOTAL = WORDS + ENTITIES
KEEPING = 1.0 - RATE  # a multiple of 1/65536, so it is used exactly

Kernel = Callable[[dict[str, Tensor], Tensor | None, float], Tensor]


def inputs(dtype: torch.dtype, kind: str) -> dict[str, Tensor]:
    torch.manual_seed(0)
    names = {"query": TOTAL, "key": TOTAL, "value": TOTAL}
    if kind == "types":
        names["other"] = TOTAL
    elif kind == "self":
        names["other"] = ENTITIES
    # as a model's: cut from [batch, position, heads, size]
    made = {name: torch.randn(TEXTS, length, HEADS, SIZE, dtype=dtype).transpose(1, 2) for name, length in names.items()}
    return {name: tensor.requires_grad_() for name, tensor in made.items()}


def kernel(given: dict[str, Tensor], bias: Tensor | None, rate: float, kind: str) -> Tensor:
    if kind == "types":
        return attention_by_key_type_with_dropout(
            given["query"], given["other"], given["key"], given["value"], WORDS, bias, rate
        )
    if kind == "self":
        return attention_to_words_and_self_with_dropout(
            given["query"], given["other"], given["key"], given["value"], bias, rate
        )
    return attention_with_dropout(given["query"], given["key"], given["value"], bias, rate)


def plain_weights(given: dict[str, Tensor], bias: Tensor | None, kind: str) -> Tensor:
    """Attention weights without dropout [batch, heads, query, key], by the formula."""
    scale = SIZE**-0.5
    scores = given["query"] @ given["key"].mT * scale
    if kind == "types":
        of_entities = given["other"] @ given["key"][:, :, WORDS:].mT * scale
        scores = torch.cat([scores[..., :WORDS], of_entities], dim=-1)
    elif kind == "self":
        own = (given["other"] * given["key"][:, :, WORDS:]).sum(-1) * scale
        hidden = torch.full((TEXTS, HEADS, WORDS, ENTITIES), float("-inf"), dtype=scores.dtype)
        diagonal = torch.diag_embed(own).masked_fill(~torch.eye(ENTITIES, dtype=torch.bool), float("-inf"))
        scores = torch.cat([scores[..., :WORDS], torch.cat([hidden, diagonal], dim=2)], dim=-1)
        bias = None if bias is None else torch.cat([bias[..., :WORDS], torch.zeros(TEXTS, 1, 1, ENTITIES)], dim=-1)
    return torch.softmax(scores if bias is None else scores + bias, dim=-1)


def padding(dtype: torch.dtype) -> Tensor:
    """The last words of the second text, and the last entity of the third, hidden."""
    bias = torch.zeros(TEXTS, 1, 1, TOTAL, dtype=dtype)
    bias[1, ..., WORDS - 3 : WORDS] = torch.finfo(dtype).min
    bias[2, ..., -1] = torch.finfo(dtype).min
    return bias


def dropped_weights(given: dict[str, Tensor], bias: Tensor | None, kind: str, seed: int) -> Tensor:
    """The weights after dropout: the answer where the values are the rows of an identity matrix."""
    torch.manual_seed(seed)
    identity = torch.eye(TOTAL, dtype=given["query"].dtype).expand(TEXTS, HEADS, TOTAL, TOTAL)
    return kernel({**given, "value": identity}, bias, RATE, kind).detach()


@pytest.fixture(params=[1, 200, 1 << 18], ids=["a head a block", "some heads", "all in one block"])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dropped_attention, "_BLOCK", request.param)


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("kind", ["one", "types", "self"])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-12), (torch.float32, 2e-6)])
def test_values_and_gradients_equal_the_formula_with_the_same_mask(
    kind: str, padded: bool, dtype: torch.dtype, bound: float
) -> None:
    given = inputs(dtype, kind)
    bias = padding(dtype) if padded else None
    mask = dropped_weights(given, bias, kind, seed=5) != 0
    torch.manual_seed(5)
    found = kernel(given, bias, RATE, kind)
    expected = (plain_weights(given, bias, kind) * mask / KEEPING) @ given["value"]
    assert torch.allclose(found, expected, rtol=bound, atol=bound)
    of_out = torch.randn(found.shape, dtype=dtype, generator=torch.Generator().manual_seed(1))
    names = list(given)
    ours = torch.autograd.grad(found, list(given.values()), of_out)
    theirs = torch.autograd.grad(expected, list(given.values()), of_out)
    for name, mine, right in zip(names, ours, theirs, strict=True):
        assert torch.allclose(mine, right, rtol=10 * bound, atol=10 * bound), name


@pytest.mark.parametrize("kind", ["one", "types", "self"])
def test_what_is_kept_is_the_weight_over_the_probability_of_keeping(kind: str) -> None:
    given = inputs(torch.float64, kind)
    dropped = dropped_weights(given, None, kind, seed=2)
    weights = plain_weights(given, None, kind).detach()
    kept = dropped != 0
    assert torch.allclose(dropped[kept], weights[kept] / KEEPING)
    possible = int((weights > 0).sum())
    assert 0.6 * possible < int(kept.sum()) < 0.9 * possible  # .75 expected; a fixed seed


def many_masks(kind: str, bias: Tensor | None, repeats: int) -> tuple[Tensor, Tensor]:
    """The weights of the same inputs, and what many draws of masks leave of them [repeats, text, head, query, key]."""
    given = inputs(torch.float64, kind)
    weights = plain_weights(given, bias, kind).detach()
    repeated = {name: tensor.detach().repeat(repeats, 1, 1, 1) for name, tensor in given.items()}
    repeated["value"] = torch.eye(TOTAL, dtype=torch.float64).expand(repeats * TEXTS, HEADS, TOTAL, TOTAL)
    torch.manual_seed(0)
    dropped = kernel(repeated, None if bias is None else bias.repeat(repeats, 1, 1, 1), RATE, kind)
    return weights, dropped.unflatten(0, (repeats, TEXTS))


@pytest.mark.parametrize("kind", ["one", "types", "self"])
def test_means_and_variances_are_those_of_plain_dropout(kind: str) -> None:
    weights, draws = many_masks(kind, padding(torch.float64), repeats := 4000)
    seen = weights > 1e-12
    shares = draws[:, seen] / weights[seen]  # of each weight: mean 1, variance RATE / KEEPING
    deviation = (RATE / KEEPING / repeats) ** 0.5
    assert shares.mean(0).sub(1).abs().max() < 4.5 * deviation
    assert shares.mean().sub(1).abs() < 4 * deviation / int(seen.sum()) ** 0.5
    assert shares.var(0).sub(RATE / KEEPING).abs().max() < 0.03
    assert not draws[:, ~seen].any()  # hidden keys, and other entities where words are shared


def test_masks_of_weights_are_independent() -> None:
    _, draws = many_masks("one", None, repeats := 2000)
    kept = (draws[:, 0] != 0).flatten(1).double()
    correlation = torch.corrcoef(kept.T) - torch.eye(kept.shape[1], dtype=torch.float64)
    assert correlation.abs().max() < 6 / repeats**0.5
    assert abs(float(correlation.mean())) < 1e-3
    assert abs(float(torch.corrcoef(torch.stack([kept[:-1].flatten(), kept[1:].flatten()]))[0, 1])) < 0.005


def test_two_calls_have_different_masks_and_the_seed_brings_them_back() -> None:
    given = inputs(torch.float32, "types")
    torch.manual_seed(3)
    first, second = (kernel(given, None, RATE, "types") for _ in range(2))
    torch.manual_seed(3)
    again = [kernel(given, None, RATE, "types") for _ in range(2)]
    assert torch.equal(first, again[0])
    assert torch.equal(second, again[1])
    assert not torch.equal(first, second)


def test_a_bias_of_any_shape_is_added() -> None:
    given = inputs(torch.float64, "one")
    for shape in (
        (1, 1, TOTAL, TOTAL), (TEXTS, HEADS, TOTAL, TOTAL), (TEXTS, 1, TOTAL, TOTAL), (1, HEADS, 1, TOTAL),
        (TEXTS, 1, TOTAL, 1), (TOTAL, TOTAL),
    ):  # fmt: skip
        bias = torch.randn(shape, dtype=torch.float64)
        dropped = dropped_weights(given, bias, "one", seed=1)
        weights = plain_weights(given, bias, "one")
        assert torch.allclose(dropped[dropped != 0] * KEEPING, weights[dropped != 0])


def test_a_bias_may_say_what_is_seen() -> None:
    given = inputs(torch.float64, "one")
    seen = torch.rand(TEXTS, 1, TOTAL, TOTAL) < 0.6
    seen[..., 0] = True
    dropped = dropped_weights(given, seen, "one", seed=1)
    weights = plain_weights(given, torch.zeros(seen.shape).masked_fill(~seen, float("-inf")), "one")
    assert torch.allclose(dropped[dropped != 0] * KEEPING, weights[dropped != 0])
    assert not dropped[~seen.expand(dropped.shape)].any()


def test_queries_may_be_fewer_than_keys_and_values_of_another_size() -> None:
    torch.manual_seed(0)
    query, key, value = (
        torch.randn(2, 3, length, size, dtype=torch.float64, requires_grad=True) for length, size in ((4, 8), (6, 8), (6, 5))
    )
    torch.manual_seed(1)
    mask = attention_with_dropout(query, key, torch.eye(6, dtype=torch.float64).expand(2, 3, 6, 6), None, RATE, 0.5) != 0
    torch.manual_seed(1)
    found = attention_with_dropout(query, key, value, None, RATE, 0.5)
    expected = (torch.softmax(query @ key.mT * 0.5, dim=-1) * mask / KEEPING) @ value
    assert torch.allclose(found, expected)
    for mine, right in zip(
        torch.autograd.grad(found.sum(), (query, key, value)),
        torch.autograd.grad(expected.sum(), (query, key, value)),
        strict=True,
    ):
        assert torch.allclose(mine, right)


@pytest.mark.parametrize("kind", ["one", "types", "self"])
def test_bf16_is_near_float32(kind: str) -> None:
    given = inputs(torch.float32, kind)
    narrow = {name: tensor.detach().bfloat16().requires_grad_() for name, tensor in given.items()}
    torch.manual_seed(4)
    exact = kernel(given, None, RATE, kind)
    torch.manual_seed(4)
    found = kernel(narrow, None, RATE, kind)
    assert found.dtype == torch.bfloat16
    assert torch.allclose(found.float(), exact, atol=0.05)
    of_out = torch.randn(exact.shape, generator=torch.Generator().manual_seed(1))
    for mine, right in zip(
        torch.autograd.grad(found, list(narrow.values()), of_out.bfloat16()),
        torch.autograd.grad(exact, list(given.values()), of_out),
        strict=True,
    ):
        assert torch.allclose(mine.float(), right, atol=0.15)


def test_the_backward_pass_takes_the_blocks_of_the_forward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """The size of a block depends on the number of threads, which may change in between."""
    given = inputs(torch.float64, "one")
    gradients = []
    for changed in (False, True):
        monkeypatch.setattr(dropped_attention, "_BLOCK", 1)
        torch.manual_seed(1)
        found = kernel(given, None, RATE, "one")
        if changed:
            monkeypatch.setattr(dropped_attention, "_BLOCK", 1 << 18)
        gradients.append(torch.autograd.grad(found.square().sum(), list(given.values())))
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))


@pytest.mark.parametrize(
    ("threads", "heads", "words", "expected"),
    [
        (1, 12, 570, [(1, 1)] * 48),  # a head has more scores than a block: one each
        (2, 12, 570, [(1, 2)] * 24),  # and one for each thread
        (5, 12, 570, [(1, 5), (1, 5), (1, 2)] * 4),
        (16, 12, 570, [(1, 12)] * 4),
        (2, 12, 128, [(2, 12)] * 2),  # 16 heads a thread
        (4, 4, 128, [(4, 4)]),
    ],
)
def test_a_block_has_work_for_every_thread(
    threads: int, heads: int, words: int, expected: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    states = torch.empty(4, heads, words, 8)
    plan = dropped_attention._Plan(RATE, words, False, 1.0)
    blocks = list(dropped_attention._blocks(plan, states, states))
    found = [(len(range(4)[texts]), len(range(heads)[some])) for texts, some in blocks]
    assert found == expected
    assert sum(texts * some for texts, some in found) == 4 * heads


@pytest.mark.parametrize("kind", ["one", "types", "self"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("hidden", [torch.finfo(torch.float32).min, float("-inf")])
def test_a_text_of_padding_alone_gets_numbers(kind: str, dtype: torch.dtype, hidden: float) -> None:
    """The least float32 is minus infinity in bfloat16, in which autocast asks with a float32 bias."""
    given = inputs(dtype, kind)
    bias = torch.zeros(TEXTS, 1, 1, TOTAL)
    bias[0] = hidden
    bias[1, ..., 3:] = hidden
    found = kernel(given, bias, RATE, kind)
    assert found.isfinite().all()
    assert all(gradient.isfinite().all() for gradient in torch.autograd.grad(found.sum(), list(given.values())))


def test_everything_dropped_is_zero() -> None:
    given = inputs(torch.float32, "one")
    found = kernel(given, None, 1.0, "one")
    assert not found.any()
    assert all(not gradient.any() for gradient in torch.autograd.grad(found.sum(), list(given.values())))
