"""Counts what builders should know about the texts that they read: whether there are links, or labels only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.counts import counted


class TextChecks:
    """Looks at annotated texts on their way to a builder.

    Attributes:
        counts: number of `texts` and `mentions`, of those with an entity (`linked`), and of those with labels only
            (`labelled`).
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def checked(self, texts: Iterable[AnnotatedText]) -> Iterator[AnnotatedText]:
        """The texts, which are counted."""
        for text in texts:
            self.counts["texts"] += 1
            for mention in text.mentions:
                self.counts["mentions"] += 1
                self.counts["linked"] += mention.entity is not None
                self.counts["labelled"] += mention.entity is None and bool(mention.types)
            yield text

    def without_links(self) -> str:
        """What was found in texts without links, and the way out, for a message."""
        texts, mentions = counted(self.counts["texts"], "text"), counted(self.counts["mentions"], "mention")
        if not self.counts["mentions"]:
            return f"found no link in {texts} without mentions, expected mentions with an 'entity'"
        found = f"found no link in {texts} with {mentions}, {self.counts['labelled']:,} with a label but no entity"
        way_out = (
            "--link-labels makes an entity of each label" if self.counts["labelled"] else "expected mentions with an 'entity'"
        )
        return f"{found}; {way_out}"
