"""Checks texts with links on their way to a builder: repeated texts and mentions, and whether there are links at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.counts import counted, listed

REPORTED = ("texts_repeated", "texts_with_repeated_id", "mentions_repeated", "mentions_with_another_entity")
"""Counts that builders report."""
_SHOWN = 3


class TextChecks:
    """Checks annotated texts, one after the other, and keeps mentions once that are listed several times.

    It remembers two numbers for each text, which take about 150 bytes.

    Attributes:
        counts: `texts` and `mentions`, those of them with an entity (`linked`) and with labels only (`labelled`);
            `texts_repeated` are equal to an earlier text, `texts_with_repeated_id` only have its id;
            `mentions_repeated` have the span and the entity of an earlier mention of the text,
            `mentions_with_another_entity` only its span, and are left out.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter(dict.fromkeys(REPORTED, 0))
        self._seen: dict[int, int] = {}  # hash of language and id -> hash of the content
        self._repeated_ids: list[str] = []

    def checked(self, texts: Iterable[AnnotatedText]) -> Iterator[AnnotatedText]:
        """The texts, with each mention once."""
        for text in texts:
            self._count(text)
            mentions = self._once(text.mentions)
            yield text if len(mentions) == len(text.mentions) else replace(text, mentions=mentions)

    def reported(self) -> dict[str, int]:
        """The counts that builders report."""
        return {name: self.counts[name] for name in REPORTED}

    def notes(self) -> list[str]:
        """Lines about what the user should look at; none if there is nothing."""
        repeated = self.counts["texts_with_repeated_id"]
        if not repeated:
            return []
        shown = listed(map(repr, self._repeated_ids), total=repeated)
        found = counted(repeated, "text has the id of an earlier one", "texts have the id of an earlier one")
        return [f"{found}, but another content ({shown}); all are kept: give each text an id of its own"]

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

    def _count(self, text: AnnotatedText) -> None:
        self.counts["texts"] += 1
        for mention in text.mentions:
            self.counts["mentions"] += 1
            self.counts["linked"] += mention.entity is not None
            self.counts["labelled"] += mention.entity is None and bool(mention.types)
        content = hash((text.text, text.mentions))
        key = hash((text.language, text.id))
        before = self._seen.get(key)
        if before is None:
            self._seen[key] = content
        elif before != content:
            self.counts["texts_with_repeated_id"] += 1
            if len(self._repeated_ids) < _SHOWN:
                self._repeated_ids.append(text.id)
        else:
            self.counts["texts_repeated"] += 1

    def _once(self, mentions: tuple[Mention, ...]) -> tuple[Mention, ...]:
        """The first mention of each span with an entity, and the first without one, with the labels of the others."""
        if len({(mention.start, mention.end) for mention in mentions}) == len(mentions):
            return mentions
        kept: dict[tuple[int, int, bool], Mention] = {}
        for mention in mentions:
            place = (mention.start, mention.end, mention.entity is not None)
            before = kept.setdefault(place, mention)
            if before is mention:
                continue
            if before.entity == mention.entity:
                self.counts["mentions_repeated"] += 1
                kept[place] = replace(before, labels=(*before.types, *mention.types))
            else:
                self.counts["mentions_with_another_entity"] += 1
        return tuple(kept.values())
