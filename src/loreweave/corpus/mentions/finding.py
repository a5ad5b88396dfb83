"""Finds the names of a trie in normalised text, at word boundaries.

Searching a trie at each word takes about two microseconds. Most words need no search: what a word alone means is kept
from its first time, and a longer name is possible only if the word and the next one are the first two words of a name.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Set
from typing import Any

import numpy as np

from loreweave.corpus.mentions.boundaries import split_words
from loreweave.corpus.mentions.word_pairs import have_pairs, word_number

_KEPT_WORDS = 1_000_000
"""Maximum number of words whose meaning is kept."""
_NO_NAME, _NO_NAME_ALONE = -2, -1
"""In place of a row: no name begins with the word; only longer names do."""


class NameFinder:
    """Finds names in normalised text.

    Args:
        names: trie of the names; a name's row is its number.
        first_words: trie of their first words.
        longest: number of characters of the longest name of each first word.  # [first words]
        pairs: the first two words of each name that has several (`make_pairs`).
    """

    def __init__(self, names: Any, first_words: Any, longest: np.ndarray, pairs: np.ndarray) -> None:
        self._names, self._pairs = names, pairs
        self._known = _KnownWords(names, first_words, longest)

    def longest_names(
        self, text: str, accepted: bytes | None = None, inside: Container[int] = ()
    ) -> list[tuple[int, int, int]]:
        """Start, end and row of the names in a text: from left to right, the longest one at each word, without overlaps.

        Args:
            text: normalised text.
            accepted: for each row 1 if the name counts, otherwise 0. Default: all count.
            inside: places inside an original character, where no name may begin or end.
        """
        found: list[tuple[int, int, int]] = []
        words, starts, rows, longer, places = self._words_of(text)
        begins, length, after = set(starts), len(text), 0
        search, reaches = self._names.iter_prefixes_with_ids, self._known.reaches
        for place in places:
            start, word = starts[place], words[place]
            if start < after or start in inside:
                continue
            best = _NO_NAME
            if longer[place]:
                for name, row in search(text[start : start + reaches[word]]):
                    end = start + len(name)
                    if (accepted is None or accepted[row]) and _is_end(text, end, length, begins) and end not in inside:
                        after, best = end, row
            else:
                end, row = start + len(word) - (word[-1] == " "), rows[place]
                if (accepted is None or accepted[row]) and end not in inside:
                    after, best = end, row
            if best != _NO_NAME:
                found.append((start, after, best))
        return found

    def all_rows(self, text: str) -> set[int]:
        """Rows of all names in a normalised text, also of those inside longer ones."""
        words, starts, rows, longer, places = self._words_of(text)
        begins, length = set(starts), len(text)
        found = {rows[place] for place in places if not longer[place]}
        for place in places:
            if longer[place]:
                start = starts[place]
                for name, row in self._names.iter_prefixes_with_ids(text[start : start + self._known.reaches[words[place]]]):
                    if _is_end(text, start + len(name), length, begins):
                        found.add(row)
        return found

    def _words_of(self, text: str) -> tuple[list[str], list[int], list[int], list[bool], list[int]]:
        """The words, where each begins, the row of the name that it is, whether a longer name may begin with it; and the places
        of the words that may begin a name."""
        words, starts = split_words(text)
        self._known.make_room()
        rows = np.array(list(map(self._known.rows.__getitem__, words)), np.int64)
        numbers = np.array(list(map(self._known.numbers.__getitem__, words)), np.uint64)
        longer = have_pairs(self._pairs, numbers) & (rows != _NO_NAME)
        places = np.flatnonzero((rows >= 0) | longer)
        return words, starts, rows.tolist(), longer.tolist(), places.tolist()


def _is_end(text: str, end: int, length: int, begins: Set[int]) -> bool:
    """Whether a word ends at a place of a normalised text; `begins` has the places where words begin."""
    return end in begins or end == length or text[end] == " "


class _Kept(dict[str, int]):
    """Values of a function of a word, without the space after it; each is computed once."""

    def __init__(self, compute: Callable[[str], int]) -> None:
        super().__init__()
        self._compute = compute

    def __missing__(self, word: str) -> int:
        self[word] = value = self._compute(word.rstrip(" "))
        return value


class _KnownWords:
    """What is known of each word, with or without the space after it, since it was first met.

    Attributes:
        rows: row of the name that the word is, or one of the numbers below 0.
        numbers: its `word_number`.
        reaches: length of the longest name that begins with it; 0 if none does.
    """

    def __init__(self, names: Any, first_words: Any, longest: np.ndarray) -> None:
        self.reaches = _Kept(lambda word: 0 if (row := first_words.get(word)) is None else int(longest[row]))
        self.rows = _Kept(lambda word: names.get(word, _NO_NAME_ALONE) if self.reaches[word] else _NO_NAME)
        self.numbers = _Kept(word_number)

    def make_room(self) -> None:
        """Forget all words if there are too many."""
        if len(self.rows) > _KEPT_WORDS:
            for kept in (self.rows, self.numbers, self.reaches):
                kept.clear()
