"""ELEVANT's classes of linking errors (Bast, Hertel and Prange, 2022)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from loreweave.metrics.linking.cases import FALSE, MISS, Case, Span
from loreweave.metrics.linking.demonyms import is_demonym

ERRORS: Mapping[str, str] = {
    "undetected": "a gold mention was not found, or only without an entity",
    "undetected_lowercased": "its first letter is no capital",
    "undetected_partially_included": "a part of it was found, which is no gold mention",
    "undetected_partial_overlap": "a found mention that is no gold mention overlaps with it",
    "undetected_other": "any other mention that was not found",
    "false_detection": "a mention was found where there is none with a known entity",
    "false_detection_lowercased": "its first letter is no capital, and it overlaps with no gold mention",
    "false_detection_groundtruth_unknown": "the entity of the gold mention is not known",
    "false_detection_other": "any other false detection",
    "false_detection_wrong_span": "in addition: it overlaps with a gold mention of the same entity",
    "disambiguation": "a mention was found and linked to a wrong entity",
    "disambiguation_demonym": "a demonym: the country, the people and the language are confused",
    "disambiguation_metonymy": "a place was predicted, and the gold entity, such as a team or a government, is none",
    "disambiguation_partial_name": "the mention is a part of the name",
    "disambiguation_rare": "the most popular entity of the name was predicted, and the gold entity is another",
    "disambiguation_other": "any other wrong entity",
    "disambiguation_wrong_candidates": "the gold entity was not among the candidates",
    "disambiguation_multiple_candidates": "the gold entity was one of several candidates",
    "hyperlink": "the mention is a hyperlink of the text",
    "coreference_undetected": "a pronoun or a description of an entity that was named before was not found",
    "coreference_wrong": "such a mention was linked to a wrong entity",
    "coreference_false_detection": "a pronoun was linked that refers to no known entity",
}
"""Name of a class -> its meaning. Those with a longer name are parts of the class whose name they begin with."""

LOCATION, PERSON, ETHNICITY, LANGUAGE, CHARACTER = "Q27096213", "Q215627", "Q41710", "Q17376908", "Q95074"
"""Types of Wikidata: place, person, ethnic group, language, fictional character."""


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """Facts behind some of the classes; a class whose facts are not known has no cases.

    Attributes:
        types: entity -> its types.
        hyperlinks: characters of the text's hyperlinks.
        contains_unknowns: whether gold mentions without a known entity are annotated. If not, a capitalised mention
            without a gold mention is counted among `false_detection_groundtruth_unknown`.
    """

    types: Mapping[str, Collection[str]] = field(default_factory=dict)
    hyperlinks: Collection[Span] = ()
    contains_unknowns: bool = True

    def is_place(self, entity: str) -> bool:
        """Whether an entity is a place."""
        return LOCATION in self.types.get(entity, ())


class _Places:
    """Cases by their characters, to find those that overlap with others without looking at all."""

    def __init__(self, cases: Iterable[Case]) -> None:
        self._cases = sorted(cases, key=lambda case: case.span)
        self._starts = [case.span[0] for case in self._cases]
        self._longest = max((case.span[1] - case.span[0] for case in self._cases), default=0)

    def overlapping(self, span: Span) -> Iterator[Case]:
        """The cases that share characters with a span."""
        first, last = bisect_right(self._starts, span[0] - self._longest), bisect_left(self._starts, span[1])
        return (case for case in self._cases[first:last] if _overlap(span, case.span))


def classify(cases: Sequence[Case], knowledge: Knowledge) -> None:
    """Add the classes of errors to the cases of one document; alternatives of other labels have none."""
    roots = [case for case in cases if case.is_root]
    false = _Places(case for case in roots if FALSE in case.detection)
    labelled = _Places(case for case in roots if case.label and case.label.entity is not None)
    for case in roots:
        if case.is_coreference:
            _coreference(case)
            continue
        if MISS in case.detection:
            case.errors |= {"undetected", f"undetected_{_undetected(case, false)}"}
        if FALSE in case.detection:
            case.errors |= {"false_detection", f"false_detection_{_false(case, labelled, knowledge)}"}
            if _has_wrong_span(case, labelled):
                case.errors.add("false_detection_wrong_span")
        if {MISS, FALSE} <= case.linking:
            case.errors |= {"disambiguation", f"disambiguation_{_disambiguation(case, knowledge)}"}
            _candidates(case)
        if case.span in knowledge.hyperlinks and (MISS in case.linking or FALSE in case.linking):
            case.errors.add("hyperlink")


def count_errors(cases: Sequence[Case]) -> dict[str, int]:
    """Number of cases of each class."""
    return {name: sum(name in case.errors for case in cases) for name in ERRORS}


def _coreference(case: Case) -> None:
    if case.label is None or case.label.entity is None:
        if FALSE in case.linking:
            case.errors.add("coreference_false_detection")
    elif MISS in case.linking:
        case.errors.add("coreference_undetected" if case.found is None else "coreference_wrong")


def _undetected(case: Case, false: _Places) -> str:
    if is_lowercased(case.text):
        return "lowercased"
    start, end = case.span
    near = [other.span for other in false.overlapping(case.span)]
    if any(start <= first and last <= end and (first, last) != case.span for first, last in near):
        return "partially_included"
    return "partial_overlap" if near else "other"


def _false(case: Case, labelled: _Places, knowledge: Knowledge) -> str:
    overlaps = any(other.label and not other.label.may_be_missed for other in labelled.overlapping(case.span))
    lowercased = is_lowercased(case.text)
    if lowercased and not overlaps:
        return "lowercased"
    unknown = case.label is not None and case.label.entity is None and not case.label.is_quantity
    if not lowercased and (unknown or (not overlaps and not knowledge.contains_unknowns)):
        return "groundtruth_unknown"
    return "other"


def _has_wrong_span(case: Case, labelled: _Places) -> bool:
    """Whether the found mention overlaps with a gold mention of the same entity at another place."""
    return case.found is not None and any(
        other.label is not None and other.label.entity == case.found.entity and other.span != case.span
        for other in labelled.overlapping(case.span)
    )


def _disambiguation(case: Case, knowledge: Knowledge) -> str:
    assert case.label is not None and case.label.entity is not None and case.found is not None
    label, found = case.label, case.found
    types = knowledge.types.get(label.entity or "", label.types)
    if is_demonym(case.text) and {LOCATION, ETHNICITY, LANGUAGE} & set(types):
        return "demonym"
    popular = found.candidates[0] if found.candidates else None
    elsewhere = not {LOCATION, PERSON, ETHNICITY, CHARACTER} & set(types)
    if popular is not None and elsewhere and knowledge.is_place(popular) and knowledge.is_place(found.entity):
        return "metonymy"
    if " " in label.name and len(case.text) < len(label.name) and case.text in label.name:
        return "partial_name"
    return "rare" if popular is not None and popular == found.entity != label.entity else "other"


def _candidates(case: Case) -> None:
    assert case.label is not None and case.found is not None
    candidates = case.found.candidates
    if candidates and case.label.entity not in candidates:
        case.errors.add("disambiguation_wrong_candidates")
    elif len(candidates) > 1:
        case.errors.add("disambiguation_multiple_candidates")


def is_lowercased(text: str) -> bool:
    """Whether a mention is no name: its first letter is no capital, or it has no letter."""
    first = next((character for character in text if character.isalpha()), "")
    return not first.isupper()


def _overlap(first: Span, second: Span) -> bool:
    return first[0] < second[1] and second[0] < first[1]
