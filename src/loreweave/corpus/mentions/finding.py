"""Finds the names of a trie in normalised text, at word boundaries."""

from __future__ import annotations

from collections.abc import Callable
from itertools import compress
from typing import Any

import numpy as np

from loreweave.corpus.mentions.boundaries import split_words

_KEPT_WORDS = 1_000_000
"""Maximum number of words whose lookup is kept."""


class _Reaches(dict[str, int]):
    """Word, with or without the space after it -> length of the longest name that begins with the word; 0 if none does."""

    def __init__(self, first_words: Any, longest: np.ndarray) -> None:
        super().__init__()
        self._row_of, self._longest = first_words.get, longest

    def __missing__(self, word: str) -> int:
        if len(self) >= _KEPT_WORDS:
            self.clear()
        row = self._row_of(word.rstrip(" "))
        self[word] = reach = 0 if row is None else int(self._longest[row])
        return reach


class NameFinder:
    """Finds names in normalised text.

    Args:
        names: trie of the names; a name's row is its number.
        first_words: trie of their first words.
        longest: number of characters of the longest name of each first word.  # [first words]
    """

    def __init__(self, names: Any, first_words: Any, longest: np.ndarray) -> None:
        self._prefixes = names.iter_prefixes_with_ids
        self._reaches = _Reaches(first_words, longest)

    def longest_names(
        self, text: str, accepted: bytes | None = None, inside: Callable[[int], bool] | None = None
    ) -> list[tuple[int, int, int]]:
        """Start, end and row of the names in a text: from left to right, the longest one at each word, without overlaps.

        Args:
            text: normalised text.
            accepted: for each row 1 if the name counts, otherwise 0. Default: all count.
            inside: whether a place is inside an original character, where no name may begin or end. Default: none is.
        """
        found: list[tuple[int, int, int]] = []
        words, starts = split_words(text)
        reaches = list(map(self._reaches.__getitem__, words))
        begins, length, after = set(starts), len(text), 0
        for start, reach in compress(zip(starts, reaches, strict=True), reaches):
            if start < after or (inside is not None and inside(start)):
                continue
            end, best = 0, -1
            for name, row in self._prefixes(text[start : start + reach]):
                stop = start + len(name)
                if not (stop == length or stop in begins or text[stop] == " ") or (accepted is not None and not accepted[row]):
                    continue
                if inside is None or not inside(stop):
                    end, best = stop, row
            if best >= 0:
                found.append((start, end, best))
                after = end
        return found

    def all_rows(self, text: str) -> set[int]:
        """Rows of all names in a normalised text, also of those inside longer ones."""
        words, starts = split_words(text)
        reaches = list(map(self._reaches.__getitem__, words))
        begins, length = set(starts), len(text)
        rows: set[int] = set()
        for start, reach in compress(zip(starts, reaches, strict=True), reaches):
            for name, row in self._prefixes(text[start : start + reach]):
                stop = start + len(name)
                if stop == length or stop in begins or text[stop] == " ":
                    rows.add(row)
        return rows
