"""Windows of a context that is longer than the input of a model, and the window with the most context around each sub-word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Window:
    """Sub-words of a context that are read together.

    Attributes:
        first, last: the sub-words, `last` exclusive.
        own_first, own_last: those of them that have the most context in this window, where answers may begin.
    """

    first: int
    last: int
    own_first: int
    own_last: int


def windows_of(length: int, room: int, stride: int) -> list[Window]:
    """Windows over a context, at least one.

    An answer may only begin in the window in which its first sub-word has the most context: the smaller number of sub-words on
    either side, plus a hundredth of the length of the window (as in BERT's code). Of equal ones, the first counts.

    Args:
        length: number of sub-words of the context.
        room: maximum number of sub-words of a window.
        stride: number of sub-words between the beginnings of two windows.

    Example:
        >>> [(window.first, window.last) for window in windows_of(10, 6, 3)]
        [(0, 6), (3, 9), (6, 10)]
        >>> [(window.own_first, window.own_last) for window in windows_of(10, 6, 3)]
        [(0, 5), (5, 8), (8, 10)]
    """
    if length <= room:
        return [Window(0, length, 0, length)]
    step = min(room, stride)
    firsts = [0]
    while firsts[-1] + room < length:
        firsts.append(firsts[-1] + step)
    lasts = [min(first + room, length) for first in firsts]
    owners = np.concatenate([_owners(np.array(firsts), np.array(lasts), place, room) for place in range(0, length, room)])
    # The sub-words of a window are neighbours, since all windows gain and lose context at the same pace.
    own_firsts, own_lasts = (np.searchsorted(owners, np.arange(len(firsts)), side=side) for side in ("left", "right"))
    return [
        Window(first, last, *((own_first, own_last) if own_first < own_last else (first, first)))
        for first, last, own_first, own_last in zip(firsts, lasts, own_firsts.tolist(), own_lasts.tolist(), strict=True)
    ]


def _owners(firsts: np.ndarray, lasts: np.ndarray, place: int, room: int) -> np.ndarray:
    """Number of the window with the most context around each sub-word from `place` on, up to `room` of them.

    Only the windows over these sub-words are compared: a table of all windows and all sub-words of a book is too large.
    """
    places = np.arange(place, min(place + room, int(lasts[-1])))
    near = np.flatnonzero((firsts <= places[-1]) & (lasts > place))
    starts, ends = firsts[near, None], lasts[near, None]
    context = np.minimum(places - starts, ends - 1 - places) + 0.01 * (ends - starts)  # [windows, sub-words]
    context[(places < starts) | (places >= ends)] = -1
    owners: np.ndarray = near[context.argmax(axis=0)]
    return owners
