"""Attention weights of one input, with its tokens, entities and prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from loreweave.errors import DataError

Weights = NDArray[np.float32]
Kind = Literal["self", "encoder", "decoder", "cross"]
CLASSES = ("special", "separator", "marker", "word", "punctuation", "mention", "entity")
"""Classes of tokens. `special`: start tokens; `separator`: tokens between and after texts; `marker`: tokens around mentions."""
NOWHERE = -1
"""Offset of a token that stands for no characters; number of the word of such a token."""


@dataclass(frozen=True)
class Tokens:
    """Tokens of an input, column by column: words first, then entities.

    Attributes:
        text: characters of the text that each token covers; the name of a special token, or of an entity.
        raw: name of each token in the vocabulary.
        classes: class of each token, a name of `CLASSES`.
        starts: first character in the text, -1 for none.
        ends: character after the last one, -1 for none.
        words: number of the written word that a token is a piece of, -1 for none.
    """

    text: list[str]
    raw: list[str]
    classes: list[str]
    starts: list[int]
    ends: list[int]
    words: list[int]

    def __len__(self) -> int:
        """Number of tokens."""
        return len(self.text)


@dataclass(frozen=True)
class EntityToken:
    """An entity in the input of a LUKE.

    Attributes:
        row: its position among the tokens.
        label: its title, or `[MASK]`.
        start, end: characters of its mention, -1 if they are unknown.
        words: positions of the tokens of its mention.
    """

    row: int
    label: str
    start: int
    end: int
    words: list[int]


@dataclass(frozen=True)
class Prediction:
    """What a model predicted for an input.

    Attributes:
        labels: labels, the predicted ones and the most probable others.
        probabilities: probability of each label; None: unknown.
        gold: gold labels; None: unknown.
        predicted: the labels that are predicted, the most probable first, or mentions in the order of the text. None: unknown,
            as in older files.
        alternatives: whether one of the gold labels is enough, as of answers to a question.
    """

    labels: list[str]
    probabilities: list[float | None]
    gold: list[str] | None = None
    predicted: list[str] | None = None
    alternatives: bool = False


@dataclass(frozen=True)
class LatentTypes:
    """Latent types of the tokens; 0 is a token that is not selected.

    Attributes:
        of: type of each token.
        scores: probability of each token's type.
    """

    of: list[int]
    scores: list[float]


@dataclass(frozen=True)
class CapturedAttention:
    """Attention of one input in one model, without padding.

    Attributes:
        id: id of the example.
        model: name of the model.
        text: the text whose characters the tokens refer to.
        kind: `self` for an encoder (or a decoder alone); `encoder`, `decoder` or `cross` of an encoder-decoder.
        queries: tokens that attend to others [query].
        keys: tokens that are attended to [key]. None: the same tokens.
        weights: probabilities [layer, head, query, key]; each row over the keys adds up to 1.
        layers: index of each captured layer in the model.
        heads: index of each captured head.
        entities: entities among the tokens.
        sentences: number of the text, 0 or 1, that each token belongs to; empty if there is one text.
        prediction: prediction of the model, if it has a head for one.
        relevance: label -> gradient x attention [query, key] (Chefer et al. 2021).
        types: latent types of the tokens.
        cut: what the model read of a text that is too long for it, in words; empty: all of it.
    """

    id: str
    model: str
    text: str
    kind: Kind
    queries: Tokens
    weights: Weights
    layers: list[int]
    heads: list[int]
    keys: Tokens | None = None
    entities: list[EntityToken] = field(default_factory=list)
    sentences: list[int] = field(default_factory=list)
    prediction: Prediction | None = None
    relevance: Mapping[str, Weights] = field(default_factory=dict)
    types: LatentTypes | None = None
    cut: str = ""

    def __post_init__(self) -> None:
        """Check that tokens and weights belong together.

        Raises:
            DataError: the numbers of tokens, rows and columns do not fit, or a weight is not finite.
        """
        wanted = (len(self.layers), len(self.heads), len(self.queries), len(self.looked_at))
        if self.weights.shape != wanted:
            raise DataError(
                f"example {self.id}: found weights of shape {list(self.weights.shape)}, expected {list(wanted)} "
                "(layers, heads, query tokens, key tokens)"
            )
        if not np.isfinite(self.weights).all():
            raise DataError(f"example {self.id}: found attention weights that are not finite")

    @property
    def looked_at(self) -> Tokens:
        """Tokens of the keys."""
        return self.queries if self.keys is None else self.keys

    def only(self, layers: Sequence[int] | None = None, heads: Sequence[int] | None = None) -> CapturedAttention:
        """The same with some layers and heads, by their index in the model. None: all.

        Raises:
            DataError: the model has no such layer or head, or it was not captured.
        """
        rows = _places(self.layers, layers, "layer")
        columns = _places(self.heads, heads, "head")
        return replace(
            self,
            weights=self.weights[np.ix_(rows, columns)],
            layers=[self.layers[row] for row in rows],
            heads=[self.heads[column] for column in columns],
        )


def missing_of(have: Sequence[int], wanted: Sequence[int], what: str) -> str:
    """What is wrong with the wanted layers or heads, in words; empty if all of them are there.

    Of several missing ones the last is named: of the range 0-99, it is the number that was typed.
    """
    missing = [index for index in wanted if index not in have]
    if wanted and not missing:
        return ""
    found = f"no {what}" if not wanted else f"the {what} {max(missing)}"
    whole = len(have) > 1 and list(have) == list(range(have[0], have[-1] + 1))
    there = f"{what}s {have[0]} to {have[-1]}" if whole else f"some of {', '.join(map(str, have))}"
    return f"found {found}, expected {there} ({what}s are counted from 0)"


def _places(have: Sequence[int], wanted: Sequence[int] | None, what: str) -> list[int]:
    """Places of the wanted indices."""
    if wanted is None:
        return list(range(len(have)))
    if missing := missing_of(have, wanted, what):
        raise DataError(missing)
    return [have.index(index) for index in wanted]
