"""Refuses numbers of a model that are not finite (NaN, infinity), since no score or rank can be computed from them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from loreweave.corpus.counts import counted, listed
from loreweave.errors import CheckpointError

_SHOWN = 3


def require_finite(numbers: np.ndarray | Tensor, what: str) -> None:
    """Refuse logits, vectors or scores that are not finite, before anything is computed from them.

    Args:
        numbers: any shape, on any device; integers and booleans always pass.
        what: name of the numbers in the message, plural: "the logits of batch 3".

    Raises:
        CheckpointError: the number of NaN and infinite values.
    """
    if isinstance(numbers, Tensor):
        if not numbers.is_floating_point() or torch.isfinite(numbers).all():
            return
        nan, infinite, count = int(numbers.isnan().sum()), int(numbers.isinf().sum()), numbers.numel()
    else:
        if numbers.dtype.kind != "f" or np.isfinite(numbers).all():
            return
        nan, infinite, count = int(np.isnan(numbers).sum()), int(np.isinf(numbers).sum()), numbers.size
    kinds = [f"{found} {name}" for found, name in ((nan, "NaN"), (infinite, "infinite")) if found]
    raise CheckpointError(
        f"found {' and '.join(kinds)} among the {counted(count, 'number')} of {what}, expected finite numbers: the weights are "
        "damaged, as after a training run that diverged, or the range of fp16 is too small for this model; use fp32 or bf16"
    )


def require_finite_rows(vectors: Tensor, what: str, name_of: Callable[[int], str]) -> None:
    """As `require_finite`, for a table with named rows: the message names the first wrong rows.

    Args:
        vectors: [rows, d], on any device.
        what: name of the vectors, plural: "the embeddings of texts".
        name_of: row -> its name: "the entity 'Q1'".

    Raises:
        CheckpointError: a number is NaN or infinite.
    """
    if not vectors.is_floating_point() or torch.isfinite(vectors).all():
        return
    wrong = (~torch.isfinite(vectors)).any(1).nonzero()[:, 0].tolist()
    names = listed(map(name_of, wrong[:_SHOWN]), total=len(wrong))
    require_finite(vectors, f"{what} (wrong: {names})")
