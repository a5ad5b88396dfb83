"""Attention of made inputs: random weights, tokens of every class, an entity."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from loreweave.attention.captured import CapturedAttention, EntityToken, LatentTypes, Prediction, Tokens

TEXT = "Ann lives."


def made_attention(layers: int = 2, heads: int = 3, seed: int = 0, **changes: Any) -> CapturedAttention:
    """`[CLS] Ann lives . [SEP]` and the entity of Ann."""
    tokens = Tokens(
        text=["[CLS]", "Ann", "lives", ".", "[SEP]", "[MASK]"],
        raw=["[CLS]", "ann", "lives", ".", "[SEP]", "[MASK]"],
        classes=["special", "mention", "word", "punctuation", "separator", "entity"],
        starts=[-1, 0, 4, 9, -1, 0],
        ends=[-1, 3, 9, 10, -1, 3],
        words=[-1, 0, 1, 2, -1, -1],
    )
    weights = np.random.default_rng(seed).dirichlet(np.ones(6), size=(layers, heads, 6)).astype(np.float32)
    made = CapturedAttention(
        id="1", model="tiny", text=TEXT, kind="self", queries=tokens, weights=weights, layers=list(range(layers)),
        heads=list(range(heads)), entities=[EntityToken(5, "[MASK]", 0, 3, [1])],
        prediction=Prediction(["person", "place"], [0.75, 0.25], ["person"]),
        relevance={"person": np.eye(6, dtype=np.float32)}, types=LatentTypes([0, 2, 0, 0, 0, 0], [1.0] * 6),
    )  # fmt: skip
    return replace(made, **changes)
