"""Settings of our heads, without importing torch."""

from __future__ import annotations

from typing import Literal

Divergence = Literal["gaussian", "euclidean"]
"""Distance of CONTaiNER's embeddings: half the Jeffreys divergence of Gaussians, or the squared distance of their means."""

DecodingMethod = Literal["greedy", "beam", "sample"]
"""How sentences are rebuilt from their typed words."""

IGNORED = -100
"""Label of places that no loss counts; the `ignore_index` of torch."""

HEAD_SETTINGS: dict[str, object] = {"classifier_bias": False, "shared_words": False, "span_features": "all"}
"""Setting of `config.json` that plain transformers ignores -> the value that models of all other programs have. A new head
does not copy these from a checkpoint."""


def unknown_to_transformers(config: object) -> list[str]:
    """Names of the settings of a model that plain transformers ignores, so that its outputs differ."""
    return [name for name, usual in HEAD_SETTINGS.items() if getattr(config, name, usual) != usual]
