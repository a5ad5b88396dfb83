"""Mentions from class scores: spans that do not overlap (or nest), and legal sequences of tags.

Both return rows of `FOUND`: first word, last word (exclusive), number of the type, score, probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from loreweave.corpus.column_formats.tag_schemes import OUTSIDE, TokenSpan, find_scheme, spans_of_tags
from loreweave.metrics.probabilities import softmax

FOUND = ("start", "end", "type", "score", "probability")
TagScheme = Literal["iob2", "bioes"]

_IMPOSSIBLE = -np.inf


def decode_spans(
    words: np.ndarray, logits: np.ndarray, negative: int, nested: bool = False, threshold: float | None = None
) -> np.ndarray:
    """Mentions among candidate spans: those whose best class is a type, by decreasing logit, unless words are already used.

    Args:
        words: first and last word (exclusive) of each candidate [spans, 2].
        logits: [spans, classes].
        negative: class of spans that are not mentions; types are numbered without it.
        nested: a mention may lie inside another; only mentions that cross one are rejected.
        threshold: instead of those whose best class is a type, all whose margin (see `margins_of`) is above this value.

    Returns:
        [mentions, 5], in the order of the text.
    """
    if threshold is None:
        best = logits.argmax(axis=1) if len(logits) else np.zeros(0, int)
        chosen = np.flatnonzero(best != negative)
    else:
        best, margins = margins_of(logits, negative)
        chosen = np.flatnonzero(margins > threshold)
    scores = logits[chosen, best[chosen]]
    probabilities = softmax(logits[chosen])[np.arange(len(chosen)), best[chosen]]
    kept = without_overlaps(words[chosen], scores, nested)
    types = best[chosen] - (best[chosen] > negative)
    rows = np.column_stack([words[chosen], types, scores, probabilities])[kept]
    return _in_order(rows)


def margins_of(logits: np.ndarray, negative: int) -> tuple[np.ndarray, np.ndarray]:
    """The best type of each candidate, as a class, and how much larger its logit is than that of no mention.

    Args:
        logits: [spans, classes].
        negative: class of spans that are not mentions.

    Returns:
        [spans] and [spans].
    """
    scores = logits.astype(np.float64)
    none = scores[:, negative].copy()
    scores[:, negative] = -np.inf
    best = scores.argmax(axis=1) if len(scores) else np.zeros(0, int)
    return best, scores[np.arange(len(scores)), best] - none


def without_overlaps(words: np.ndarray, scores: np.ndarray, nested: bool = False) -> list[int]:
    """Indices of the spans that are kept, by decreasing score.

    Args:
        words: first and last word (exclusive) of each span [spans, 2].
        scores: score of each span [spans].
        nested: a span may lie inside another; only spans that cross one are left out.
    """
    kept: list[int] = []
    spans: list[tuple[int, int]] = words.tolist()
    taken = 0  # one bit for each word
    for place in np.argsort(-scores, kind="stable").tolist():
        start, end = spans[place]
        bits = (1 << end) - (1 << start)
        if _crosses(words[kept], start, end) if nested else taken & bits:
            continue
        kept.append(place)
        taken |= bits
    return kept


def decode_tags(logits: np.ndarray, tags: Sequence[str], types: Sequence[str], scheme: TagScheme | None) -> np.ndarray:
    """Mentions from a sentence's tags; the score and the probability of a mention are the mean probability of its tags.

    Args:
        logits: [words, tags].
        tags: names of the classes.
        types: types of the mentions.
        scheme: predict the most likely legal sequence in it; None uses each word's most likely tag, in any scheme.

    Returns:
        [mentions, 5].
    """
    probabilities = softmax(logits)
    path = probabilities.argmax(axis=1)
    if scheme is not None:
        path = legal_path(np.log(np.maximum(probabilities, 1e-30)), transitions(tags, scheme), tags.index(OUTSIDE))
    spans = spans_of_tags([tags[number] for number in path], find_scheme(tags))
    chosen = probabilities[np.arange(len(path)), path]
    number = {label: index for index, label in enumerate(types)}
    rows = [(start, end, number[label], *(2 * [chosen[start:end].mean()])) for start, end, label in spans]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(FOUND))


def transitions(tags: Sequence[str], scheme: TagScheme) -> np.ndarray:
    """Whether a tag may follow another [before, after]; the border of a sentence is like O."""
    allowed = np.zeros((len(tags), len(tags)), bool)
    for row, before in enumerate(tags):
        inside = before[0] in ("BI" if scheme == "bioes" else "BIES") and before != OUTSIDE  # a mention that can continue
        for column, after in enumerate(tags):
            continues = after[0] in "IE" and after != OUTSIDE
            same = before[2:] == after[2:]
            must = inside and scheme == "bioes"
            allowed[row, column] = (inside and same) if continues else not must
    return allowed


def legal_path(scores: np.ndarray, allowed: np.ndarray, border: int) -> np.ndarray:
    """The legal sequence of tags with the largest sum of scores (Viterbi).

    Args:
        scores: [words, tags].
        allowed: [before, after].
        border: tag before the first word and after the last.
    """
    path = scores.argmax(axis=1)
    around = np.array([border, *path, border])
    if allowed[around[:-1], around[1:]].all():
        return path  # nothing can be better
    penalty = np.where(allowed, 0.0, _IMPOSSIBLE)
    best = scores[0] + penalty[border]
    steps = []
    for row in scores[1:]:
        reached = best[:, None] + penalty  # [before, after]
        steps.append(reached.argmax(axis=0))
        best = reached.max(axis=0) + row
    path[-1] = (best + penalty[:, border]).argmax()
    for word in range(len(steps) - 1, -1, -1):
        path[word] = steps[word][path[word + 1]]
    return path


def spans_of(found: np.ndarray) -> list[TokenSpan]:
    """Mentions as spans of words; the label is the type's number as a string."""
    return [TokenSpan(int(start), int(end), str(int(number))) for start, end, number, *_ in found]


def _crosses(kept: np.ndarray, start: int, end: int) -> bool:
    """Whether a span overlaps a kept one, and neither contains the other."""
    first, last = kept[:, 0], kept[:, 1]
    return bool((((first < start) & (start < last) & (last < end)) | ((start < first) & (first < end) & (end < last))).any())


def _in_order(rows: np.ndarray) -> np.ndarray:
    return rows[np.lexsort((-rows[:, 1], rows[:, 0]))]
