"""Typed texts written by hand."""

from __future__ import annotations

import numpy as np

from loreweave.tasks.latent_types.record import Details, TypedText, TypedToken

TYPES = 4


def typed(text: str, *tokens: tuple[str, int], rebuilt: list[int] | None = None, cut: int = 0) -> TypedText:
    """Sub-words in order of the text with their types, and [CLS] and [SEP] of type 0; ids count from 0.

    Each has probability 0.7 for its type and 0.1 for each other; the states are one-hot of the type.
    """
    found = [TypedToken("[CLS]", 0, 0, 0, -1.0, 0.7, True)]
    place = 0
    for surface, kind in tokens:
        start = text.index(surface, place)
        place = start + len(surface)
        found.append(TypedToken(surface, start, place, kind, 1.0 if kind else -1.0, 0.7, False))
    found.append(TypedToken("[SEP]", 0, 0, 0, -1.0, 0.7, True))
    kinds = np.eye(TYPES)[[token.type for token in found]]
    details = Details(kinds, 0.1 + 0.6 * kinds, list(range(len(found))), rebuilt)
    if rebuilt is not None:
        right = np.arange(len(found) - 1) % 2 == 0
        details = Details(kinds, details.probabilities, details.ids, rebuilt, right, np.full(len(found) - 1, -np.log(4.0)))
    return TypedText(text, found, cut, None, details)
