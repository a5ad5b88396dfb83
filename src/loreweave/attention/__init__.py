"""Attention of encoders: captured from any model and task, measured, and shown on one page without a network."""

from __future__ import annotations

from loreweave.lazy_names import names_on_first_use

_PUBLIC = {
    "CapturedAttention": "loreweave.attention.captured",
    "Explorer": "loreweave.attention.explorer",
    "TaskCapture": "loreweave.attention.task_capture",
    "explore": "loreweave.attention.explorer",
    "from_arrays": "loreweave.attention.arrays",
    "from_cache": "loreweave.attention.arrays",
    "head_view": "loreweave.attention.bertviz",
    "model_view": "loreweave.attention.bertviz",
    "read_attention": "loreweave.attention.files",
    "read_thesis": "loreweave.attention.thesis",
    "write_attention": "loreweave.attention.files",
    "write_thesis": "loreweave.attention.thesis",
}

__all__ = list(_PUBLIC)

__getattr__ = names_on_first_use(__name__, _PUBLIC)
