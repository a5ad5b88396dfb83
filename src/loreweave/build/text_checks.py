"""Checks texts with links on their way to a builder: repeated texts and mentions, wrong offsets, missing links."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.rows import Span
from loreweave.corpus.mentions.alignment import is_aligned, misaligned
from loreweave.corpus.surfaces import utf16_words
from loreweave.corpus.words import word_offsets

REPORTED = (
    "texts_repeated",
    "texts_with_repeated_id",
    "mentions_repeated",
    "mentions_with_another_entity",
    "mentions_misaligned",
)
"""Counts that builders report."""
MANY = 0.05
"""Share of misaligned mentions from which on the offsets of all mentions are doubted."""
_SHOWN, _LOOKED_AT = 3, 200
"""Maximum number of examples, and of misaligned mentions whose way of counting is looked for."""
_UTF16 = "they fit in UTF-16 code units, as in browsers: give --format annotated:utf16"
_COUNTINGS = {
    "they fit if ends are inclusive, but exclusive ends are expected: add 1 to each end": (0, 1),
    "they fit if characters are counted from 1, but 0 is expected: subtract 1 from each offset": (-1, -1),
    "they fit if characters are counted from 1 and ends are inclusive: subtract 1 from each start": (-1, 0),
    "they fit if 1 is added to each offset": (1, 1),
}
"""Other ways of counting -> what is added to the start and the end."""
_FITS = 0.9
"""Share of the misaligned mentions that another way of counting must align."""


class TextChecks:
    """Checks annotated texts, one after the other, and keeps mentions once that are listed several times.

    It remembers two numbers for each text, which take about 150 bytes.

    Attributes:
        counts: `texts` and `mentions` (each once), those of them with an entity (`linked`) and with labels only (`labelled`);
            `texts_repeated` have the id, the language, the text and the mentions of any earlier text,
            `texts_with_repeated_id` only the id and the language;
            `mentions_repeated` have the span and the entity of an earlier mention of the text,
            `mentions_with_another_entity` only its span, and are left out; `mentions_misaligned` begin or end inside a
            word or have white space at an edge.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter(dict.fromkeys(REPORTED, 0))
        self._ids: set[int] = set()  # hashes of language and id
        self._contents: set[int] = set()  # hashes of these, text and mentions
        self._repeated_ids: list[str] = []
        self._misaligned: list[str] = []
        self._countings: Counter[str] = Counter()

    def checked(self, texts: Iterable[AnnotatedText]) -> Iterator[AnnotatedText]:
        """The texts, with each mention once."""
        for text in texts:
            self._count_text(text)
            mentions = self._once(text.mentions)
            text = text if len(mentions) == len(text.mentions) else replace(text, mentions=mentions)
            self._count_mentions(text)
            yield text

    def reported(self) -> dict[str, int]:
        """The counts that builders report."""
        return {name: self.counts[name] for name in REPORTED}

    def notes(self) -> list[str]:
        """Lines about what the user should look at; none if there is nothing."""
        notes = []
        if repeated := self.counts["texts_with_repeated_id"]:
            shown = listed(map(repr, self._repeated_ids), total=repeated)
            found = counted(repeated, "text has the id of an earlier one", "texts have the id of an earlier one")
            notes.append(f"{found}, but another content ({shown}); all are kept: give each text an id of its own")
        if misaligned := self.counts["mentions_misaligned"]:
            what = f"of {counted(self.counts['mentions'], 'mention')} begin or end inside a word or have white space at an edge"
            share = misaligned / self.counts["mentions"]
            doubt = f" ({share:.0%}), so the offsets may be wrong{self._other_counting()}" if share > MANY else ""
            examples = "".join(f"\n  {line}" for line in self._misaligned)
            notes.append(f"{'warning: ' if doubt else ''}{misaligned:,} {what}{doubt}:{examples}")
        return notes

    def without_links(self) -> str:
        """What was found in texts without links, and the way out, for a message."""
        texts, mentions = counted(self.counts["texts"], "text"), counted(self.counts["mentions"], "mention")
        if not self.counts["texts"]:
            return "found no texts"
        if not self.counts["mentions"]:
            return f"found no link in {texts} without mentions, expected mentions with an 'entity'"
        found = f"found no link in {texts} with {mentions}, {self.counts['labelled']:,} with a label but no entity"
        way_out = (
            "--link-labels makes an entity of each label" if self.counts["labelled"] else "expected mentions with an 'entity'"
        )
        return f"{found}; {way_out}"

    def _count_mentions(self, text: AnnotatedText) -> None:
        """Count the mentions of a text that has each of them once."""
        wrong: list[Span] = []
        for mention in text.mentions:
            self.counts["mentions"] += 1
            self.counts["linked"] += mention.entity is not None
            self.counts["labelled"] += mention.entity is None and bool(mention.types)
            if not is_aligned(text.text, mention.start, mention.end):
                wrong.append((mention.start, mention.end))
        if wrong:
            self._count_misaligned(text, wrong)

    def _count_text(self, text: AnnotatedText) -> None:
        self.counts["texts"] += 1
        key = text.language, text.id
        id, content = hash(key), hash((key, text.text, text.mentions))
        if content in self._contents:
            self.counts["texts_repeated"] += 1
        elif id in self._ids:
            self.counts["texts_with_repeated_id"] += 1
            if len(self._repeated_ids) < _SHOWN:
                self._repeated_ids.append(text.id)
        self._ids.add(id)
        self._contents.add(content)

    def _count_misaligned(self, text: AnnotatedText, spans: Sequence[Span]) -> None:
        """Count the mentions of a text that are no whole words, and the ways of counting with which they would be."""
        looked_at = spans[: max(0, _LOOKED_AT - self.counts["mentions_misaligned"])]
        self.counts["mentions_misaligned"] += len(spans)
        if not looked_at:
            return
        words = word_offsets(text.text)
        described = islice(misaligned(words, text.text, looked_at), _SHOWN - len(self._misaligned))
        self._misaligned.extend(f"text {text.id!r}: {found}" for found in described)
        self._countings[_UTF16] += utf16_words(text.text, words, looked_at)[1]
        for name, (first, last) in _COUNTINGS.items():
            self._countings[name] += sum(is_aligned(text.text, start + first, end + last) for start, end in looked_at)

    def _other_counting(self) -> str:
        """The way of counting that fits nearly all misaligned mentions that were looked at, for a message.

        Only UTF-16 code units leave many mentions as they are: those before the first emoji.
        """
        number = self.counts["mentions_misaligned"]
        name, fits = self._countings.most_common(1)[0]
        likely = name == _UTF16 or 2 * number > self.counts["mentions"]
        return f"; {name}" if likely and fits >= _FITS * min(number, _LOOKED_AT) else ""

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
