"""Exclusion of texts, such as the pages that a test set was made from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from loreweave.corpus.annotated_text import AnnotatedText


class Exclusion:
    """Excludes texts whose id or title is in `names`, and counts them.

    Attributes:
        texts: number of excluded texts so far.
    """

    def __init__(self, names: Collection[str] = ()) -> None:
        self.names = frozenset(names)
        self.texts = 0
        self._met: set[str] = set()

    def kept(self, texts: Iterable[AnnotatedText]) -> Iterator[AnnotatedText]:
        """The texts that are kept."""
        for text in texts:
            met = self.names.intersection((text.id, text.title))
            self._met |= met
            if met:
                self.texts += 1
            else:
                yield text

    def not_found(self) -> list[str]:
        """Names that no text had so far, in order: a misspelt name would not exclude its text."""
        return sorted(self.names - self._met)
