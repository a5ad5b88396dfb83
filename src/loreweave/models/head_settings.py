"""Settings of `config.json` that a head of ours has and that plain transformers passes over."""

from __future__ import annotations

HEAD_SETTINGS: dict[str, object] = {"classifier_bias": False, "shared_words": False, "span_features": "all"}
"""Name of a setting -> its value in every other program's models. A new head does not take them over from a checkpoint."""
