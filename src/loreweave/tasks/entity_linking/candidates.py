"""Candidates of a name: entities with prior probabilities, from a mention dictionary and from the entities' own names."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from loreweave.corpus.files.rows import Span
from loreweave.corpus.knowledge.entity_table import EntityTable
from loreweave.corpus.mentions.dictionary import MentionDictionary, NameCounts
from loreweave.corpus.mentions.normalisation import Normalisation
from loreweave.tasks.entity_linking.record import LinkingRecord

OWN_NAME = 0.01
"""Prior of an entity for its own name, or for a name from a graph, if no link with this name leads to the entity. The priors of
a name are normalised afterwards."""
_RULE = Normalisation()
_POSSESSIVE = ("'s", "’s", "'", "’")
_ARTICLES = ("the", "a", "an")
_LONGEST_WORD = 40
_SPACE = r"(?:\r\n|[^\S\u2029])"
"""Any one white space, such as a no-break space or the end of a line (also of Windows), but not of a paragraph."""
_WORD_BEFORE = re.compile(rf"[^\s.!?:]{_SPACE}([^\W\d_])(?:\w|[-‐\u2011'’](?!s{_SPACE}))*({_SPACE})\Z")
"""A word within a sentence, with its first letter: also "Jean-Claude" and "O'Neill", but not "Germany's"; and the space."""
_LETTER_AFTER = re.compile(rf"{_SPACE}([^\W\d_])")


def dictionary_of(records: Sequence[LinkingRecord]) -> MentionDictionary:
    """The links of records as a dictionary: priors, and how often a name is a link."""
    counts: dict[str, Counter[str]] = {}
    linking = Counter[str]()
    for record in records:
        here = set[str]()
        for index in record.asked():
            mention = record.mentions[index]
            name = _RULE.name(record.surface(mention))
            if mention.entity is not None and name:
                counts.setdefault(name, Counter())[mention.entity] += 1
                here.add(name)
        linking.update(here)
    uncounted = MentionDictionary.from_counts({name: NameCounts(dict(found)) for name, found in counts.items()})
    texts = Counter(name for record in records for name in uncounted.names_in(record.text))
    return MentionDictionary.from_counts(
        {name: NameCounts(dict(one), texts_linking=linking[name], texts=texts[name]) for name, one in counts.items()}
    )


@dataclass
class CandidateFinder:
    """Finds the candidates of names among the entities of a table.

    Attributes:
        table: the entities.
        dictionary: names with priors; None: only the entities' own names.
        most: maximum number of candidates of a name.
        partial: whether the candidates of an unknown name are the entities whose own names contain all of its words.
    """

    table: EntityTable
    dictionary: MentionDictionary | None
    most: int = 30
    partial: bool = False

    def __post_init__(self) -> None:
        self._found: dict[str, list[tuple[int, float]]] = {}
        self.unknown: Counter[str] = Counter()
        """Entities of the dictionary that the table does not have, with the number of names that were asked for."""

    @cached_property
    def _own(self) -> dict[str, list[int]]:
        """Normalised name -> entities with it. It takes long, and a finder whose dictionary is replaced does not need it."""
        found: dict[str, list[int]] = {}
        for row, entity in enumerate(self.table):
            for name in dict.fromkeys(map(_RULE.name, entity.names)):
                found.setdefault(name, []).append(row)
        return found

    @cached_property
    def own_names(self) -> MentionDictionary:
        """The entities' own names, to find them in texts."""
        return MentionDictionary.from_counts(
            {name: NameCounts({str(row): 1 for row in rows}) for name, rows in self._own.items() if name}
        )

    @cached_property
    def _by_word(self) -> dict[str, dict[int, int]]:
        """Word -> entities with a name that contains it, each with the number of words of its shortest such name."""
        found: dict[str, dict[int, int]] = {}
        for name, rows in self._own.items():
            words = name.split()
            for word in set(words):
                lengths = found.setdefault(word, {})
                lengths.update((row, min(len(words), lengths.get(row, len(words)))) for row in rows)
        return found

    def find(self, name: str) -> list[tuple[int, float]]:
        """Rows of the candidates with their priors, which add up to 1, by decreasing prior; none if the name is not known.

        A name that is not known is tried without a possessive ending and without an article, then as a part of names.
        """
        if name not in self._found:
            self._found[name] = next(filter(None, map(self._find, _spellings(name))), []) or self._with_part(name)
        return self._found[name]

    def _with_part(self, name: str) -> list[tuple[int, float]]:
        """Entities with a name that contains all words of a name, those with the shortest names first, with equal priors."""
        *_, bare = _spellings(name)
        if not self.partial or not any(map(_may_begin_name, bare.split())):
            return []
        lengths = [self._by_word.get(word, {}) for word in _RULE.name(bare).split()]
        rows = set(lengths[0]).intersection(*lengths[1:]) if lengths else set[int]()
        kept = sorted(rows, key=lambda row: (max(one[row] for one in lengths), row))[: self.most]
        return [(row, 1 / len(kept)) for row in kept]

    def _find(self, name: str) -> list[tuple[int, float]]:
        priors: dict[int, float] = {}
        for one in self.dictionary.candidates(name) if self.dictionary is not None else ():
            row = self.table.row_of(one.entity)
            if row is None:
                self.unknown[one.entity] += 1
            else:
                priors[row] = priors.get(row, 0.0) + (one.prior if one.links else OWN_NAME)
        for row in self._own.get(_RULE.name(name), ()):
            priors[row] = max(priors.get(row, 0.0), OWN_NAME)
        kept = sorted(priors.items(), key=lambda pair: (-pair[1], pair[0]))[: self.most]
        total = sum(prior for _, prior in kept)
        return [(row, prior / total) for row, prior in kept]

    def names_in(self, text: str, least: float, whole: bool = True) -> list[Span]:
        """Characters of the names in a text that have candidates: from left to right the longest, none inside another.

        A word of a name begins with a capital letter, with a digit, or in a script without capital letters; names that the
        texts of the dictionary contain must be links in a share of at least `least` of them; others hide no name inside them.
        A name inside a longer one whose entities the table does not have is left out; with `whole`, also one that is a part of
        a longer name by `whole_names`.
        """
        found = [one for one in self.own_names.detect(text) if not self._is_rarely_linked(one.name, least)]
        if self.dictionary is not None:
            found += self.dictionary.detect(text, min_link_probability=least)
        names = {(one.start, one.end): one.name for one in found if any(map(_may_begin_name, one.name.split()))}
        kept = without_overlaps(names)
        kept = whole_names(text, kept) if whole else kept
        return [span for span in kept if self.find(names[span])]

    def _is_rarely_linked(self, name: str, least: float) -> bool:
        """Whether the dictionary has a name, and texts link it in a share of less than `least`."""
        known = self.dictionary
        return known is not None and name in known and known.link_probability(name) < least


def _may_begin_name(word: str) -> bool:
    """Whether a word begins with a digit or a letter that is no small one."""
    return word[0].isdigit() or (word[0].isalpha() and not word[0].islower())


def whole_names(text: str, spans: Sequence[Span]) -> list[Span]:
    """The spans of names that are probably no parts of longer names.

    A part is followed by a word with a capital letter ("New York" in "New York Times"), or is one word and is preceded by such
    a word within a sentence ("Obama" in "and Michelle Obama"; "Barack Obama" may follow "President"). Words of the other spans
    are names of their own.
    """
    starts, ends = {start for start, _ in spans}, {end for _, end in spans}
    return [
        (start, end)
        for start, end in spans
        if not _goes_on(text, end, starts) and not (len(text[start:end].split()) == 1 and _began_before(text, start, ends))
    ]


def _goes_on(text: str, end: int, starts: Set[int]) -> bool:
    """Whether a space and a capital letter follow, where no other name starts."""
    found = _LETTER_AFTER.match(text, end)
    return found is not None and found[1].isupper() and found.start(1) not in starts


def _began_before(text: str, start: int, ends: Set[int]) -> bool:
    """Whether a word with a capital letter that neither begins a sentence nor ends another name, and a space, precede."""
    found = _WORD_BEFORE.search(text, max(0, start - _LONGEST_WORD), start)
    return found is not None and found[1].isupper() and found.start(2) not in ends


def without_overlaps(spans: Iterable[Span]) -> list[Span]:
    """Spans of which no two share a character, in the order of the text: the longest are kept, of equal length the first."""
    kept: list[Span] = []
    for start, end in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        place = bisect_left(kept, (start, end))  # only its neighbours can overlap: a text of a book has many names
        if (place == 0 or kept[place - 1][1] <= start) and (place == len(kept) or end <= kept[place][0]):
            kept.insert(place, (start, end))
    return kept


def _spellings(name: str) -> Iterable[str]:
    """The name, and what it may be without a possessive ending and an article."""
    yield name
    for ending in _POSSESSIVE:
        if name.endswith(ending) and len(name) > len(ending):
            name = name[: -len(ending)]
            yield name
            break
    first, _, rest = name.partition(" ")
    if first.lower() in _ARTICLES and rest:
        yield rest


NAMES, ENTITIES = "mention_dictionary", "linking_entities.jsonl"
"""Folder and file of a checkpoint: the dictionary, and the entities."""
