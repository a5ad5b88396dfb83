"""Numbers that are not finite are refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from loreweave.errors import CheckpointError
from loreweave.training.finite import require_finite

NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize("kind", [np.array, torch.tensor])
def test_numbers_that_are_not_finite_are_counted(kind: type) -> None:
    require_finite(kind([[1.0, -2.5e30], [0.0, 3.0]]), "vectors")
    require_finite(kind([1, 2]), "classes")
    with pytest.raises(CheckpointError, match="found 2 NaN and 1 infinite among the 4 numbers of the logits, expected finite"):
        require_finite(kind([[NAN, 1.0], [-INFINITY, NAN]]), "the logits")
    with pytest.raises(CheckpointError, match="found 1 infinite among the 2 numbers"):
        require_finite(kind([INFINITY, 0.0]), "the logits")


def test_nothing_is_finite() -> None:
    require_finite(np.zeros((0, 3)), "the logits")
    require_finite(torch.zeros(0, 3), "the logits")
