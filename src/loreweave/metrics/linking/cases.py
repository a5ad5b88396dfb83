"""Cases of linking as ELEVANT counts them: nested and alternative labels, optional labels, coreference.

A label may have children: other, shorter mentions in its place. A label counts as found if it is found itself, or if all its
children are; the label and its children together give one hit or one miss. A mention that is found is compared by its
characters, or by those of the whole words around it. Only known entities count (ELEVANT's mode IGNORED, GERBIL's InKB).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

Span = tuple[int, int]
HIT, MISS, FALSE = "hit", "miss", "false"
"""A true positive, a false negative, and a false positive."""
QUANTITIES = ("QUANTITY", "DATETIME")
"""Types of numbers and dates, which are optional and have no entity."""
_INSIDE = "'\"_"
"""Characters that belong to a word in addition to letters and digits."""
_PRONOUN_LIST = """
i me my mine myself you your yours yourself yourselves he his him himself she her hers herself it its itself we us our
ours ourselves they their theirs them themselves who whom whose which that this these those
"""
_PRONOUNS = frozenset(_PRONOUN_LIST.split())
_DESCRIBE = ("the", "that", "this", "these", "those", "my", "your", "his", "her", "its", "our", "their")
"""First words of a description of an entity, if the next word has no capital letter."""


@dataclass(frozen=True, slots=True)
class Label:
    """A gold mention.

    Attributes:
        start, end: its characters, `end` exclusive.
        entity: None if it is not known.
        name: name of the entity.
        types: types of the entity.
        optional: neither a miss if it is not found nor a hit if it is.
        parent: index of the label that it is an alternative of; None for one of its own.
        children: indices of its alternatives, which together stand for it.
        coreference: whether it is a pronoun or a description of an entity that was named before; None if the data do not say.
    """

    start: int
    end: int
    entity: str | None = None
    name: str = ""
    types: tuple[str, ...] = ()
    optional: bool = False
    parent: int | None = None
    children: tuple[int, ...] = ()
    coreference: bool | None = None

    @property
    def is_quantity(self) -> bool:
        """Whether it is a number or a date."""
        return any(type in QUANTITIES for type in self.types)

    @property
    def may_be_missed(self) -> bool:
        """Whether it is optional, as numbers and dates always are."""
        return self.optional or self.is_quantity


@dataclass(frozen=True, slots=True)
class Found:
    """A predicted mention: its characters, its entity with its types, and all candidates, the most popular first."""

    start: int
    end: int
    entity: str
    types: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()


@dataclass
class Case:
    """A gold label with what was predicted for it, or a prediction without a label.

    Attributes:
        span: characters of the label, or of the prediction.
        text: the text of these characters.
        label: None for a prediction without a label.
        found: None if nothing was predicted.
        counts: whether its own errors count; those of alternatives that are not looked at do not.
        linking: `HIT`, `MISS` and `FALSE` of the entity.
        detection: the same of the mention alone.
        errors: classes of errors, see `linking.errors`.
    """

    span: Span
    text: str
    label: Label | None
    found: Found | None
    counts: bool = True
    linking: frozenset[str] = frozenset()
    detection: frozenset[str] = frozenset()
    errors: set[str] = field(default_factory=set)

    @property
    def is_coreference(self) -> bool:
        """Whether the mention is a coreference according to its label or, if that does not say it, to its words."""
        return is_coreference(self.label, self.text)

    @property
    def is_root(self) -> bool:
        """Whether it is no alternative of another label."""
        return self.label is None or self.label.parent is None


def is_coreference(label: Label | None, text: str) -> bool:
    """Whether a mention is a pronoun or a description: as its label says or, if that does not say it, by its words."""
    if label is not None and label.coreference is not None:
        return label.coreference
    first, _, rest = text.partition(" ")
    describes = first.lower() in _DESCRIBE and bool(rest) and not rest[0].isupper()
    return describes or (text.lower() in _PRONOUNS and not (text.isupper() and len(text) > 1))


def whole_words(span: Span, text: str) -> Span:
    """The span, extended to the edges of its words.

    Example:
        >>> whole_words((0, 6), "Albert's birthplace is Ulm."), whole_words((0, 6), "Soviet-backed government.")
        ((0, 8), (0, 6))
    """
    start, end = span
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] in _INSIDE):
        start -= 1
    while end < len(text) - 1 and (text[end].isalnum() or text[end] in _INSIDE):
        end += 1
    if text[start] == '"' and '"' not in text[start + 1 : end]:
        start += 1
    return start, end


def cases_of(text: str, labels: Sequence[Label], predicted: Sequence[Found], evaluated: Span | None = None) -> list[Case]:
    """All cases of a document, in the order of the text.

    Args:
        text: the document.
        labels: gold mentions.
        predicted: predicted mentions with an entity; a later one at the same place replaces an earlier one.
        evaluated: predictions that lie outside these characters are not counted. Default: the whole text.
    """
    given = {(one.start, one.end): one for one in predicted}
    tree = _Tree(text, labels, given)
    factors = tree.factors()
    cases = [tree.case(number, bool(factors.get(number, 0))) for number in range(len(labels))]
    for number, case in enumerate(cases):
        if case.is_root and not case.counts:
            case.linking = _of_children([cases[child].linking for child in tree.below(number) if cases[child].counts])
            case.detection = _of_children([cases[child].detection for child in tree.below(number) if cases[child].counts])
    taken = {span for label in labels for span in ((label.start, label.end), whole_words((label.start, label.end), text))}
    first, last = evaluated or (0, len(text))
    for span, one in given.items():
        inside = first <= span[0] and span[1] <= last
        if inside and span not in taken and whole_words(span, text) not in taken:
            wrong = frozenset({FALSE})
            cases.append(Case(span, text[slice(*span)], None, one, linking=wrong, detection=wrong))
    return sorted(cases, key=lambda case: case.span)


def count_cases(cases: Sequence[Case], *, coreference: bool = False, detection: bool = False) -> tuple[int, int, int]:
    """Numbers of hits, of false predictions, and of misses.

    Args:
        coreference: also count pronouns and descriptions of entities that were named before.
        detection: count mentions instead of entities.
    """
    hits = wrong = missed = 0
    for case in cases:
        if case.is_coreference and not coreference:
            continue
        outcome = case.detection if detection else case.linking
        hits += case.is_root and HIT in outcome
        missed += case.is_root and MISS in outcome
        wrong += case.counts and FALSE in outcome
    return hits, wrong, missed


class _Tree:
    """Labels with their alternatives, and the predictions at their places."""

    def __init__(self, text: str, labels: Sequence[Label], given: Mapping[Span, Found]) -> None:
        self.text, self.labels = text, labels
        self.places = dict(given) | {whole_words(span, text): one for span, one in given.items()}

    def found(self, number: int) -> Found | None:
        span = self.labels[number].start, self.labels[number].end
        return self.places.get(span) or self.places.get(whole_words(span, self.text))

    def below(self, number: int) -> Iterator[int]:
        for child in self.labels[number].children:
            yield child
            yield from self.below(child)

    def case(self, number: int, counts: bool) -> Case:
        label, found = self.labels[number], self.found(number)
        needed = label.parent is None and any(not self.labels[child].may_be_missed for child in self.below(number))
        linking = _linking(label, found, needed) if counts else frozenset[str]()
        detection = _detection(label, found, needed) if counts else frozenset[str]()
        span = label.start, label.end
        return Case(span, self.text[slice(*span)], label, found, counts, linking, detection)

    def factors(self) -> dict[int, int]:
        """1 for the labels that count themselves, 0 for those whose alternatives count."""
        factors: dict[int, int] = {}
        for number, label in enumerate(self.labels):
            if label.parent is None:
                self._factor(number, factors)
        return factors

    def _factor(self, number: int, factors: dict[int, int], ignore_siblings: bool = False) -> int:
        label, found = self.labels[number], self.found(number)
        if found is not None and found.entity == label.entity:
            factors[number] = 1
            return 1
        largest = max((self._factor(child, factors) for child in self.labels[number].children), default=0)
        if label.parent is None:
            factors[number] = int(largest == 0)
            return factors[number]
        own, parent = 0, self.labels[label.parent]
        if largest == 0 and found is not None:
            own = int(whole_words((parent.start, parent.end), self.text) != whole_words((label.start, label.end), self.text))
        elif largest == 0 and not ignore_siblings:
            siblings = [other for other in parent.children if other != number]
            own = int(any(self._factor(other, factors, ignore_siblings=True) for other in siblings))
        factors[number] = own
        return max(largest, own)


def _of_children(outcomes: Sequence[frozenset[str]]) -> frozenset[str]:
    """Outcome of a label whose alternatives count: a miss if one of them is, a hit if all are."""
    kinds = frozenset().union(*outcomes)
    if MISS in kinds:
        return frozenset({MISS})
    return frozenset({HIT}) if kinds == {HIT} else frozenset()


def _linking(label: Label, found: Found | None, needed: bool) -> frozenset[str]:
    """Outcome of a label; `needed`: it has alternatives that are not optional."""
    known = label.entity is not None and not label.is_quantity
    if found is None:
        return frozenset({MISS}) if known and (needed or not label.may_be_missed) else frozenset()
    right = known and found.entity == label.entity
    if label.may_be_missed:
        alike = label.is_quantity and any(type in label.types for type in found.types)
        return frozenset() if right or alike else frozenset({FALSE})
    if not known:
        return frozenset({FALSE})
    return frozenset({HIT}) if right else frozenset({MISS, FALSE})


def _detection(label: Label, found: Found | None, needed: bool) -> frozenset[str]:
    """Outcome of a label's place alone."""
    known = label.entity is not None and not label.is_quantity
    if found is None:
        return frozenset({MISS}) if known and (needed or not label.may_be_missed) else frozenset()
    if label.may_be_missed:
        return frozenset() if known or label.is_quantity else frozenset({FALSE})
    return frozenset({HIT}) if known else frozenset({FALSE})
