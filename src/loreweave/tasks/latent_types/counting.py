"""Counts over a stream of typed texts: usage of the types, their words, labels and parts of speech."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.tasks.latent_types.alignment import Word, typed_words
from loreweave.tasks.latent_types.record import Details, TypedText

BEYOND = "sub-words beyond the greatest length"
"""Reason for sub-words that are not read."""
_CONTEXT = 45
"""Number of characters shown on either side of a word."""


@dataclass(frozen=True)
class Context:
    """A word in its context."""

    before: str
    word: str
    after: str


@dataclass
class Usage:
    """Usage of the types by some sub-words: number of sub-words of each type, and sum of its probabilities. Both [types]."""

    hard: np.ndarray
    soft: np.ndarray

    @classmethod
    def of(cls, types: int) -> Usage:
        """Nothing counted yet."""
        return cls(np.zeros(types, dtype=np.int64), np.zeros(types))

    def add(self, probabilities: np.ndarray) -> None:
        """Count sub-words by the probabilities of their types. [sub-words, types]"""
        self.hard += np.bincount(probabilities.argmax(-1), minlength=len(self.hard))
        self.soft += probabilities.sum(0, dtype=np.float64)

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.hard + other.hard, self.soft + other.soft)


@dataclass
class Rebuilding:
    """Quality of the reconstruction, over sub-words without the special tokens.

    Attributes:
        texts, exact: number of reconstructed sentences, and of those without any difference.
        sub_words, in_place: number of sub-words and of those that the reconstruction has at the same position.
        next_correct, loss: number of sub-words that are the most likely after the previous ones (teacher forcing), and sum of
            their negative log-probabilities in nats.
    """

    texts: int = 0
    exact: int = 0
    sub_words: int = 0
    in_place: int = 0
    next_correct: int = 0
    loss: float = 0.0

    def add(self, typed: TypedText, details: Details) -> None:
        """Count a sentence, if it was reconstructed."""
        if details.rebuilt is None or details.next_correct is None or details.next_log_probabilities is None:
            return
        places = [place for place, token in enumerate(typed.tokens) if not token.special]
        self.texts += 1
        self.exact += details.rebuilt == details.ids
        self.sub_words += len(places)
        self.in_place += sum(details.ids[place] == found for place in places for found in details.rebuilt[place : place + 1])
        following = [place - 1 for place in places if place]
        self.next_correct += int(details.next_correct[following].sum())
        self.loss -= float(details.next_log_probabilities[following].sum(dtype=np.float64))


class StateSample:
    """A uniform sample of sub-words, without special tokens, drawn from a stream.

    Args:
        size: maximum number of sub-words.
        seed: seed of the draw.
    """

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self._random = np.random.default_rng(seed)
        self._chosen: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # (lot, states, types)
        self._held = 0

    def add(self, states: np.ndarray, types: np.ndarray) -> None:
        """Add sub-words: states [sub-words, hidden] and types [sub-words]."""
        if self.size and len(types):
            self._chosen.append((self._random.random(len(types)), states, types))
            self._held += len(types)
            if self._held > 2 * self.size:
                self._draw()

    def _draw(self) -> None:
        """Keep those with the smallest random numbers, in the order of the stream."""
        lots, states, types = (np.concatenate(column) for column in zip(*self._chosen, strict=True))
        kept = np.sort(np.argsort(lots, kind="stable")[: self.size])
        self._chosen, self._held = [(lots[kept], states[kept], types[kept])], len(kept)

    def drawn(self) -> tuple[np.ndarray, np.ndarray]:
        """States [sample, hidden] and types [sample]."""
        if not self._chosen:
            return np.zeros((0, 0), dtype=np.float32), np.zeros(0, dtype=np.int64)
        self._draw()
        _, states, types = self._chosen[0]
        return states, types


@dataclass
class TypeCounts:
    """Counts of a corpus; `add` takes its texts one by one.

    Attributes:
        types: number of types, including type 0.
        contexts: number of examples of each type, drawn uniformly from all of its words.
        points: number of sub-words whose states are kept.
        seed: seed of both draws.
        pieces: sub-words without special tokens by (type, characters in lower case).
        words, labels, tags: words by (type, word in lower case), (type, label or None outside mentions), (type, tag).
        left_out: number of words and mentions that could not be counted, by reason.
    """

    types: int
    contexts: int = 3
    points: int = 0
    seed: int = 0
    texts: int = 0
    pieces: Counter[tuple[int, str]] = field(default_factory=Counter)
    words: Counter[tuple[int, str]] = field(default_factory=Counter)
    labels: Counter[tuple[int, str | None]] = field(default_factory=Counter)
    tags: Counter[tuple[int, str]] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    rebuilding: Rebuilding = field(default_factory=Rebuilding)

    def __post_init__(self) -> None:
        self.sub_words, self.special_tokens = Usage.of(self.types), Usage.of(self.types)
        self.sample = StateSample(self.points, self.seed)
        self.examples: dict[int, list[Context]] = defaultdict(list)
        self._seen: Counter[int] = Counter()
        self._random = random.Random(self.seed)

    def add(self, text: AnnotatedText, typed: TypedText) -> None:
        """Count a text that was typed with details.

        Raises:
            DataError: tokens or tags of the text do not fit it.
        """
        details = typed.details
        if details is None:
            raise ValueError("found a text without details, expected TypePredictor.predict(..., with_details=True)")
        special = np.array([token.special for token in typed.tokens])
        self.texts += 1
        self.sub_words.add(details.probabilities[~special])
        self.special_tokens.add(details.probabilities[special])
        self.sample.add(details.states[~special], details.probabilities[~special].argmax(-1))
        self.pieces.update((token.type, token.text.lower()) for token in typed.tokens if not token.special)
        self.rebuilding.add(typed, details)
        if typed.cut:
            self.left_out[BEYOND] += typed.cut
        for word in typed_words(text, typed, self.left_out):
            self.words[word.type, text.text[word.start : word.end].lower()] += 1
            self.labels[word.type, word.label] += 1
            if word.pos is not None:
                self.tags[word.type, word.pos] += 1
            self._show(text.text, word)

    def _show(self, text: str, word: Word) -> None:
        """Keep the word as an example, with equal probability for each of a type's words (reservoir sampling)."""
        self._seen[word.type] += 1
        kept = self.examples[word.type]
        place = len(kept) if len(kept) < self.contexts else self._random.randrange(self._seen[word.type])
        if place < self.contexts:
            kept[place : place + 1] = [_context(text, word)]


def _context(text: str, word: Word) -> Context:
    first, last = max(0, word.start - _CONTEXT), min(len(text), word.end + _CONTEXT)
    before, after = text[first : word.start], text[word.end : last]
    return Context("…" * (first > 0) + before, text[word.start : word.end], after + "…" * (last < len(text)))
