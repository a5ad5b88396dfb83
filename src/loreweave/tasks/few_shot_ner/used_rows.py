"""Training on few words without gradients, moments and copies for a whole vocabulary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel


@contextmanager
def used_rows(model: PreTrainedModel, batches: Sequence[dict[str, Tensor]]) -> Iterator[list[dict[str, Tensor]]]:
    """Within this context, the model's word embeddings are only the rows used by the batches, which are then written back.

    Rows without a gradient do not change under Adam without weight decay, so the result is the same. The padding row
    keeps its number, because some encoders count positions by it.

    Args:
        model: model whose `get_input_embeddings` is a table.
        batches: batches with `input_ids`.

    Yields:
        The batches with the numbers of the rows as `input_ids`.
    """
    table = cast(nn.Embedding, model.get_input_embeddings())
    padding = int(model.config.pad_token_id or 0)
    first = torch.arange(padding + 1, device=table.weight.device)
    rows = torch.cat([first, *(batch["input_ids"].flatten() for batch in batches)]).unique()  # sorted
    # from_pretrained draws no random numbers, so dropout stays what it would be.
    small = nn.Embedding.from_pretrained(table.weight.detach()[rows], freeze=False, padding_idx=table.padding_idx)
    model.set_input_embeddings(small)
    try:
        yield [batch | {"input_ids": torch.searchsorted(rows, batch["input_ids"])} for batch in batches]
    finally:
        model.set_input_embeddings(table)
        with torch.no_grad():
            table.weight[rows] = small.weight
