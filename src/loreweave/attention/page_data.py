"""Captured attention as the data of the page: a JSON header, and one block of compressed weights for each layer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from numpy.typing import NDArray

from loreweave import __version__
from loreweave.attention.captured import CLASSES, CapturedAttention, Tokens
from loreweave.attention.measures import reach
from loreweave.attention.packing import packed, row_differences
from loreweave.attention.quantization import Quantization, quantize

FORMAT = "attention-explorer/1"
_ESCAPES = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"})
"""Characters of JSON that HTML or JavaScript would interpret."""


def page_data(examples: Sequence[CapturedAttention], quantization: Quantization, view: dict[str, Any] | None = None) -> str:
    """Elements of the page that hold the examples.

    Args:
        examples: the examples.
        quantization: how weights are rounded.
        view: state of the page when it opens.
    """
    blocks: list[str] = []
    models: dict[tuple[str, int, int], int] = {}
    rows = []
    for example in examples:
        model = (example.model, max(example.layers) + 1, max(example.heads) + 1)
        rows.append(_example(example, models.setdefault(model, len(models)), quantization, blocks))
    header = {
        "format": FORMAT,
        "generator": f"loreweave {__version__}",
        "models": [_model(name, layers, heads, examples) for name, layers, heads in models],
        "classes": list(CLASSES),
        "examples": rows,
        "view": view or {},
    }
    text = json.dumps(header, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_ESCAPES)
    parts = [f'<script type="application/json" id="attention-data">{text}</script>']
    parts += [f'<script type="text/plain" id="block-{number}">{block}</script>' for number, block in enumerate(blocks)]
    return "\n".join(parts)


def _model(name: str, layers: int, heads: int, examples: Sequence[CapturedAttention]) -> dict[str, Any]:
    aware = any(example.entities for example in examples if example.model == name)
    return {"name": name, "layers": layers, "heads": heads, "entity_aware": aware}


def _example(example: CapturedAttention, model: int, quantization: Quantization, blocks: list[str]) -> dict[str, Any]:
    """Header of an example; its blocks are added to `blocks`."""
    codes = [quantize(layer, quantization) for layer in example.weights]
    predicted = quantization == "u8-sqrt" and _predictable(codes[len(codes) // 2])
    numbers = [_added(blocks, packed((row_differences(layer) if predicted else layer).tobytes())) for layer in codes]
    relevance = [
        {"label": label, "shape": list(matrix.shape), "block": _added(blocks, packed(matrix.astype("<f4").tobytes()))}
        for label, matrix in example.relevance.items()
    ]
    types = example.types
    return {
        "id": example.id,
        "model": model,
        "text": example.text,
        "kind": example.kind,
        "queries": _tokens(example.queries),
        "keys": None if example.keys is None else _tokens(example.keys),
        "entities": [asdict(entity) for entity in example.entities],
        "sentence": example.sentences or None,
        "prediction": None if example.prediction is None else asdict(example.prediction),
        "attention": {
            "shape": list(example.weights.shape),
            "quantization": quantization,
            "layers": example.layers,
            "heads": example.heads,
            "encoding": "rows" if predicted else "deflate",
            "blocks": numbers,
            "reach": _reach(example),
        },
        "cut": example.cut,
        "relevance": relevance,
        "types": None if types is None else {"of": types.of, "score": types.scores},
    }


def _reach(example: CapturedAttention) -> list[list[int]] | None:
    """How many tokens before and after its place a token sees, for each layer. None: every token sees all of them."""
    found = reach(example)
    return None if (found >= len(example.looked_at) - 1).all() else found.tolist()


def _predictable(layer: NDArray[Any]) -> bool:
    """Whether a layer is smaller as differences of its rows; those of trained models are."""
    return len(packed(row_differences(layer).tobytes())) < len(packed(layer.tobytes()))


def _tokens(tokens: Tokens) -> dict[str, Any]:
    return {
        "text": tokens.text,
        "raw": tokens.raw,
        "class": [CLASSES.index(name) for name in tokens.classes],
        "start": tokens.starts,
        "end": tokens.ends,
        "word": tokens.words,
    }


def _added(blocks: list[str], block: str) -> int:
    """Number of a new block."""
    blocks.append(block)
    return len(blocks) - 1
