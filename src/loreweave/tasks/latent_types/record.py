"""A sentence whose sub-words have latent types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class TypedToken:
    """A sub-word and its latent type.

    Attributes:
        text: characters of the sub-word.
        start, end: position of these characters, end exclusive.
        type: 0 means not selected.
        logit: largest logit of the types except type 0; above 0 if the sub-word is selected.
        probability: probability of the type, in the softmax over all types.
        special: whether it is a start or end token, which covers no characters; `text` is its name.
    """

    text: str
    start: int
    end: int
    type: int
    logit: float
    probability: float
    special: bool


@dataclass(frozen=True)
class Details:
    """Additional results for an analysis, on request.

    Attributes:
        states: states of the encoder. [tokens, hidden]
        probabilities: probabilities of the types. [tokens, types]
        ids: ids of the sub-words. [tokens]
        rebuilt: ids of the reconstructed sentence, if requested.
        next_correct, next_log_probabilities: prediction of each sub-word from the previous ones (teacher forcing), if
            the sentence was reconstructed. [tokens - 1]
    """

    states: np.ndarray
    probabilities: np.ndarray
    ids: list[int]
    rebuilt: list[int] | None = None
    next_correct: np.ndarray | None = None
    next_log_probabilities: np.ndarray | None = None


@dataclass(frozen=True)
class TypedText:
    """A sentence with typed sub-words; `cut` is the number of sub-words at its end that were truncated."""

    text: str
    tokens: list[TypedToken]
    cut: int = 0
    reconstruction: str | None = None
    details: Details | None = None

    @property
    def words(self) -> list[TypedToken]:
        """The sub-words of the text, without special tokens."""
        return [token for token in self.tokens if not token.special]

    def marked(self) -> str:
        """The text with the type of each selected sub-word after it: `Marie(12) Curie(12) was born in Warsaw(7).`"""
        parts, end = [], 0
        for token in self.words:
            parts.append(self.text[end : token.end] + (f"({token.type})" if token.type else ""))
            end = token.end
        return "".join(parts) + self.text[end:]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as printed by `loreweave types --json`."""
        selected = sum(token.type != 0 for token in self.words)
        row: dict[str, Any] = {
            "text": self.text,
            "tokens": [_plain(token) for token in self.words],
            "special_tokens": [_plain(token) for token in self.tokens if token.special],
            "selected": selected,
            "types": len({token.type for token in self.words} - {0}),
        }
        row |= {} if self.reconstruction is None else {"reconstruction": self.reconstruction}
        return row | ({"sub_words_cut": self.cut} if self.cut else {})


def _plain(token: TypedToken) -> dict[str, Any]:
    where = {} if token.special else {"start": token.start, "end": token.end}
    numbers = {"logit": round(token.logit, 4), "probability": round(token.probability, 4)}
    return {"text": token.text, **where, "type": token.type, **numbers}
