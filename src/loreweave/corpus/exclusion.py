"""Texts that must not be read, such as the pages that a test was made of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from loreweave.corpus.annotated_text import AnnotatedText


class Exclusion:
    """Leaves texts out whose id or title is one of `names`, and counts them.

    Attributes:
        texts: how many were left out so far.
    """

    def __init__(self, names: Collection[str] = ()) -> None:
        self.names = frozenset(names)
        self.texts = 0
        self._met: set[str] = set()

    def kept(self, texts: Iterable[AnnotatedText]) -> Iterator[AnnotatedText]:
        """The texts that stay."""
        for text in texts:
            met = self.names.intersection((text.id, text.title))
            self._met |= met
            if met:
                self.texts += 1
            else:
                yield text

    def not_found(self) -> list[str]:
        """The names that no text had so far, in order: misspelt ones let through what they were to keep out."""
        return sorted(self.names - self._met)
