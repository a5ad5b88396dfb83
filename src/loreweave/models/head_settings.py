"""Settings of our heads in `config.json` that plain transformers ignores."""

from __future__ import annotations

HEAD_SETTINGS: dict[str, object] = {"classifier_bias": False, "shared_words": False, "span_features": "all"}
"""Setting -> the value that models of all other programs have. A new head does not copy these from a checkpoint."""
