"""Captures the attention of any encoder on texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import torch

from loreweave.attention.capture.cuts import cut_of
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
    cut: bool = False,
) -> Iterator[CapturedAttention]:
    """Attention of an encoder on each text, one text at a time. An encoder-decoder gives three kinds of attention for each.

    Args:
        encoder: the model, see `open_encoder`.
        texts: the texts.
        layers: layers to keep, from 0. None: all.
        heads: heads to keep, from 0. None: all.
        cut: read the beginning of a text that is too long; the captured attention says how much was read.

    Raises:
        ConfigurationError: the model returns no attention weights, or has other inputs.
        DataError: a text that the model cannot read, or no such layer or head.
    """
    reader = Reader(encoder.name, encoder.words, encoder.vocabulary, layers=layers, heads=heads)
    for given in texts:
        model, inputs, source = encode(encoder, given, cut=cut)
        with observed(model) as calls, torch.no_grad():
            model.base_model(**inputs_on(model.device, inputs))
        found = [each for call in calls for each in read_call(call, [source], reader)]
        whole = [each for each in found if each.kind in ("self", "encoder")]
        read = cut_of(source.text, encoder.words, whole) if cut and given.pair is None and whole else ""
        yield from (replace(each, cut=read) for each in found)
