"""The entity table: its lookup's gradient, sparse or not."""

from __future__ import annotations

import pytest
import torch
from transformers import LukeConfig

from loreweave.models import LukeForMaskedLM

SIZES = {
    "vocab_size": 50,
    "entity_vocab_size": 12,
    "hidden_size": 16,
    "entity_emb_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 20,
    "use_entity_aware_attention": False,
}
BATCH = {
    "input_ids": torch.tensor([[0, 5, 6, 7, 2], [0, 8, 9, 2, 1]]),
    "attention_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]]),
    "entity_ids": torch.tensor([[3, 4], [4, 0]]),
    "entity_attention_mask": torch.tensor([[1, 1], [1, 0]]),
    "entity_position_ids": torch.tensor([[[1, 2], [3, -1]], [[1, -1], [-1, -1]]]),
}


def gradient(labels: torch.Tensor | None, *, backwards: int = 1) -> torch.Tensor:
    torch.manual_seed(0)
    model = LukeForMaskedLM(LukeConfig(**SIZES)).eval()
    for _ in range(backwards):
        output = model(**BATCH, entity_labels=labels, return_all_logits=True)
        (output.entity_logits.float().logsumexp(-1).sum() if labels is None else output.loss).backward()
    found = model.luke.entity_embeddings.entity_embeddings.weight.grad
    assert found is not None
    return found


@pytest.mark.parametrize("labels", [torch.tensor([[3, -100], [4, -100]]), torch.full((2, 2), -100)])
@pytest.mark.parametrize("backwards", [1, 3])
def test_the_tables_gradient_is_dense_and_the_same(
    labels: torch.Tensor, backwards: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sparse = gradient(labels, backwards=backwards)
    assert sparse.layout == torch.strided
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)  # then the lookup is dense
    torch.testing.assert_close(sparse, gradient(labels, backwards=backwards), rtol=1e-5, atol=1e-8)


def test_without_labels_the_lookup_is_dense() -> None:
    assert gradient(None).layout == torch.strided


def test_padding_gets_no_gradient_from_the_lookup() -> None:
    scored = gradient(torch.full((2, 2), -100))
    assert scored.abs().sum() == 0
