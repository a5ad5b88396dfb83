"""The attention of one text in all layers and heads: a small matrix for each head."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from loreweave.attention.captured import CapturedAttention
from loreweave.attention.figures.style import shortened


def draw(example: CapturedAttention) -> Figure:
    """A row for each layer and a column for each head; queries go down, keys go to the right."""
    layers, heads, queries, keys = example.weights.shape
    gap = max(1, keys // 12)
    image = np.full((layers * (queries + gap), heads * (keys + gap)), np.nan)
    for layer, head in np.ndindex(layers, heads):
        top, left = layer * (queries + gap), head * (keys + gap)
        image[top : top + queries, left : left + keys] = np.sqrt(example.weights[layer, head])
    figure = Figure(figsize=(6.3, 0.6 + 5.7 * image.shape[0] / image.shape[1]), layout="constrained")
    axes = figure.subplots()
    axes.imshow(image, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation_stage="data")
    axes.set_xticks((np.arange(heads) + 0.5) * (keys + gap) - gap, map(str, example.heads))
    axes.set_yticks((np.arange(layers) + 0.5) * (queries + gap) - gap, map(str, example.layers))
    axes.set(xlabel="head", ylabel="layer")
    axes.grid(visible=False)
    axes.set_title(f"{shortened(example.model)}: {shortened(example.text, 60)}", parse_math=False)
    return figure
