"""From scores of first and last sub-words to the best answers of a question, over all windows of its context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

START, END, START_SCORE, END_SCORE = range(4)
"""Columns of the decoded answers. The first row is "no answer", whose start and end are -1."""


@dataclass(frozen=True, slots=True)
class ScoredWindow:
    """Scores of a window.

    Attributes:
        starts, ends: score of each sub-word of the input as first and as last one of the answer [sub-words]. The scores at 0
            are those of "no answer".
        first: position of the first sub-word of the context in the input.
        own: positions at which answers may begin (first, end).
        offsets: characters of the context's sub-words in this window [sub-words, 2].
    """

    starts: np.ndarray
    ends: np.ndarray
    first: int
    own: tuple[int, int]
    offsets: np.ndarray


def decode(windows: Sequence[ScoredWindow], context: str, n_best: int, longest: int) -> np.ndarray:
    """The best answers, as BERT's code for SQuAD finds them [1 + answers, 4]; see `START`.

    In each window, the `n_best` largest start scores and end scores are combined to answers that begin where their first
    sub-word has the most context. Of answers with the same text, the best counts. If there is no answer among them (BERT's code
    predicts the word "empty" then), all sub-words of the context are combined.

    Args:
        windows: all windows of the context.
        context: the context.
        n_best: number of scores and of answers.
        longest: maximum number of sub-words of an answer.
    """
    null = min(((float(w.starts[0]), float(w.ends[0])) for w in windows), key=sum)
    found = [_among_the_best(window, n_best, longest) for window in windows]
    rows = _distinct(np.concatenate(found), context, n_best)
    if not len(rows):
        rows = _distinct(np.concatenate([_among_all(window, longest) for window in windows]), context, n_best)
    return np.concatenate([np.array([[-1, -1, *null]]), rows])


def top(scores: np.ndarray, count: int) -> np.ndarray:
    """Places of the largest scores, best first; of equal scores, the first place comes first."""
    if len(scores) > 2 * count:  # sorting them all takes longer than finding the smallest one that counts
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        among = np.flatnonzero(scores >= least)
        return among[np.argsort(-scores[among], kind="stable")][:count]
    return np.argsort(-scores, kind="stable")[:count]


def _among_the_best(window: ScoredWindow, n_best: int, longest: int) -> np.ndarray:
    last = window.first + len(window.offsets)
    starts, ends = top(window.starts, n_best), top(window.ends, n_best)
    starts = starts[(starts >= window.own[0]) & (starts < window.own[1])]
    ends = ends[(ends >= window.first) & (ends < last)]
    length = ends[None, :] - starts[:, None]
    row, column = np.nonzero((length >= 0) & (length < longest))
    return _rows(window, starts[row], ends[column])


def _among_all(window: ScoredWindow, longest: int) -> np.ndarray:
    """For each possible first sub-word its best answer."""
    starts = np.arange(*window.own)
    if not len(starts):
        return np.zeros((0, 4))
    last = window.first + len(window.offsets) - 1
    ends = np.minimum(starts[:, None] + np.arange(longest), last)
    best = ends[np.arange(len(starts)), window.ends[ends].argmax(axis=1)]
    return _rows(window, starts, best)


def _rows(window: ScoredWindow, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    first, last = window.offsets[starts - window.first, 0], window.offsets[ends - window.first, 1]
    return np.column_stack([first, last, window.starts[starts], window.ends[ends]]).astype(np.float64).reshape(-1, 4)


def _distinct(rows: np.ndarray, context: str, n_best: int) -> np.ndarray:
    """The best rows with different texts that are not blank, best first."""
    order = np.argsort(-(rows[:, START_SCORE] + rows[:, END_SCORE]), kind="stable")
    kept, seen = [], set[str]()
    for number in order.tolist():
        start, end = int(rows[number, START]), int(rows[number, END])
        text = context[start:end].strip()
        if text and text not in seen:
            seen.add(text)
            kept.append(number)
            if len(kept) == n_best:
                break
    return rows[kept]
