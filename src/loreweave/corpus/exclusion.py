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

    def excludes(self, *names: str) -> bool:
        """Whether a text with these names is excluded, which is then counted."""
        met = self.names.intersection(names)
        self._met |= met
        self.texts += bool(met)
        return bool(met)

    def kept(self, texts: Iterable[AnnotatedText]) -> Iterator[AnnotatedText]:
        """The texts that are kept."""
        return (text for text in texts if not self.excludes(text.id, text.title))

    def not_found(self) -> list[str]:
        """Names that no text had so far, in order: a misspelt name would not exclude its text."""
        return sorted(self.names - self._met)
