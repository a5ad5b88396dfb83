"""Attention of encoders: captured from any model and task, measured, and shown on one page without a network."""

from __future__ import annotations

from loreweave.attention.notebooks import import_bars
from loreweave.lazy_names import names_on_first_use

_PUBLIC = {
    "CapturedAttention": "loreweave.attention.captured",
    "Explorer": "loreweave.attention.explorer",
    "TaskCapture": "loreweave.attention.capture.tasks",
    "explore": "loreweave.attention.explorer",
    "from_arrays": "loreweave.attention.formats.arrays",
    "from_cache": "loreweave.attention.formats.arrays",
    "head_view": "loreweave.attention.formats.bertviz",
    "model_view": "loreweave.attention.formats.bertviz",
    "probe_bias": "loreweave.attention.bias.run",
    "read_attention": "loreweave.attention.formats.files",
    "read_thesis": "loreweave.attention.formats.thesis",
    "write_attention": "loreweave.attention.formats.files",
    "write_thesis": "loreweave.attention.formats.thesis",
}

import_bars()

__all__ = list(_PUBLIC)

__getattr__ = names_on_first_use(__name__, _PUBLIC)
