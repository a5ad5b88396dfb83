"""Latent types of the tokens of captured attention, for a model of sparse latent typing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from loreweave.attention.captured import CapturedAttention, LatentTypes
from loreweave.corpus.files.rows import trimmed
from loreweave.tasks.contract import Execution
from loreweave.tasks.latent_types.model import TypePredictor

_UNLIMITED = 2**20
"""Number of sub-words, so that only the encoder's own limit applies."""


def with_latent_types(model: str, examples: Iterable[CapturedAttention], device: str | None) -> Iterator[CapturedAttention]:
    """The examples with the type of each token that covers characters; other tokens are not selected.

    Args:
        model: model with a typer.
        examples: captured attention of its encoder.
        device: device of the typer.
    """
    predictor = TypePredictor(model, Execution(device=device), max_length=_UNLIMITED)
    for example in examples:
        (typed,) = predictor.predict([example.text])
        by_place = {trimmed(example.text, token.start, token.end): token for token in typed.words}
        spans = zip(example.queries.starts, example.queries.ends, strict=True)
        tokens = [by_place.get(span) for span in spans]
        types = [0 if token is None else token.type for token in tokens]
        yield replace(example, types=LatentTypes(types, [0.0 if token is None else token.probability for token in tokens]))
