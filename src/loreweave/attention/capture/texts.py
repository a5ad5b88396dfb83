"""Captures the attention of any encoder on texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch

from loreweave.attention.capture.encoders import Encoder, TextInput, encode, inputs_on
from loreweave.attention.capture.observation import observed
from loreweave.attention.capture.reading import Reader, read_call
from loreweave.attention.captured import CapturedAttention


def capture(
    encoder: Encoder,
    texts: Iterable[TextInput],
    *,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
) -> Iterator[CapturedAttention]:
    """Attention of an encoder on each text, one text at a time. An encoder-decoder gives three kinds of attention for each.

    Args:
        encoder: the model, see `open_encoder`.
        texts: the texts.
        layers: layers to keep, from 0. None: all.
        heads: heads to keep, from 0. None: all.

    Raises:
        ConfigurationError: the model returns no attention weights, or has other inputs.
        DataError: a text that the model cannot read, or no such layer or head.
    """
    reader = Reader(encoder.name, encoder.words, encoder.vocabulary, layers=layers, heads=heads)
    for given in texts:
        model, inputs, source = encode(encoder, given)
        with observed(model) as calls, torch.no_grad():
            model.base_model(**inputs_on(model.device, inputs))
        for call in calls:
            yield from read_call(call, [source], reader)
