"""ELEVANT's classes of errors, one small text each (those of ELEVANT's own examples)."""

from __future__ import annotations

from random import Random

import pytest

from loreweave.metrics.linking import errors as errors_module
from loreweave.metrics.linking.cases import Found, Label, cases_of
from loreweave.metrics.linking.demonyms import DEMONYMS, is_demonym
from loreweave.metrics.linking.errors import ERRORS, ETHNICITY, LANGUAGE, LOCATION, PERSON, Knowledge, classify, count_errors

PLACE = {"Q17": {LOCATION}, "Q30": {LOCATION}}


def at(text: str, surface: str, entity: str | None, name: str = "", **more: object) -> Label:
    """The label of the first occurrence."""
    start = text.index(surface)
    return Label(start, start + len(surface), entity, name, **more)  # type: ignore[arg-type]


def found(text: str, surface: str, entity: str, *candidates: str) -> Found:
    """The prediction at the first occurrence."""
    start = text.index(surface)
    return Found(start, start + len(surface), entity, candidates=candidates)


def errors(text: str, labels: list[Label], predicted: list[Found], **knowledge: object) -> set[str]:
    """Classes with a case."""
    cases = cases_of(text, labels, predicted)
    classify(cases, Knowledge(**knowledge))  # type: ignore[arg-type]
    return {name for name, number in count_errors(cases).items() if number}


def classes_of(text: str, labels: list[Label], predicted: list[Found]) -> list[set[str]]:
    """Classes of each case."""
    cases = cases_of(text, labels, predicted)
    classify(cases, Knowledge())
    return [case.errors for case in cases]


def test_classes_are_those_of_a_look_at_every_mention(monkeypatch: pytest.MonkeyPatch) -> None:
    random, documents = Random(0), []
    text = "Oslo and the Big apple of New York met he " * 5
    for _ in range(200):
        places = [(start, start + random.randint(1, 12)) for start in random.choices(range(len(text) - 12), k=12)]
        names = random.choices(["Q1", "Q2", "Q3"], k=12)
        optional = random.choices([False, True], k=6)
        labels = [Label(*place, name, optional=one) for place, name, one in zip(places[:6], names, optional, strict=False)]
        predicted = [Found(*place, name) for place, name in zip(places[5:], names[5:], strict=True)]
        documents.append((text, labels, predicted))
    quick = [classes_of(*document) for document in documents]
    monkeypatch.setattr(errors_module, "bisect_right", lambda starts, place: 0)
    monkeypatch.setattr(errors_module, "bisect_left", lambda starts, place: len(starts))
    assert quick == [classes_of(*document) for document in documents]
    seen = {name for document in quick for case in document for name in case}
    assert {"undetected_partially_included", "undetected_partial_overlap", "false_detection_wrong_span"} <= seen


def test_only_mentions_nearby_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[object] = []
    overlap = errors_module._overlap
    monkeypatch.setattr(errors_module, "_overlap", lambda *spans: compared.append(spans) or overlap(*spans))
    text = "Oslo is . " * 300
    labels = [Label(10 * place, 10 * place + 4, "Q1") for place in range(300)]
    classes_of(text, labels, [Found(10 * place + 5, 10 * place + 7, "Q2") for place in range(300)])
    assert len(compared) <= 5 * 300


def test_undetected() -> None:
    text = "Louis married Marie, countess of Lemberg."
    assert errors(text, [at(text, "countess", "Q3519259")], []) == {"undetected", "undetected_lowercased"}
    text = "the aftermath of the Spanish-American War."
    label = at(text, "Spanish-American War", "Q12583")
    assert {"undetected", "undetected_partially_included"} <= errors(text, [label], [found(text, "American", "Q30")])
    text = "The Americans killed one."
    label, guess = at(text, "Americans", "Q30"), found(text, "The Americans killed", "Q7")
    assert {"undetected", "undetected_partial_overlap"} <= errors(text, [label], [guess])
    text = "Rudolf Senti was a sports shooter."
    assert errors(text, [at(text, "Rudolf Senti", "Q11835406")], []) == {"undetected", "undetected_other"}


def test_false_detections() -> None:
    text = "All songs written by Sean Kelly in trains."
    unknown = at(text, "Sean Kelly", None)
    assert errors(text, [], [found(text, "trains", "Q870")]) == {"false_detection", "false_detection_lowercased"}
    assert errors(text, [unknown], [found(text, "Sean Kelly", "Q1")]) == {
        "false_detection", "false_detection_groundtruth_unknown"
    }  # fmt: skip
    assert errors(text, [], [found(text, "Sean Kelly", "Q1")]) == {"false_detection", "false_detection_other"}
    assert errors(text, [], [found(text, "Sean Kelly", "Q1")], contains_unknowns=False) == {
        "false_detection", "false_detection_groundtruth_unknown"
    }  # fmt: skip
    text = "Louis IX of Hesse-Darmstadt was the Landgrave."
    label, guess = at(text, "Louis IX of Hesse-Darmstadt", "Q213610"), found(text, "Louis IX", "Q213610")
    assert {"false_detection", "false_detection_wrong_span", "false_detection_other"} <= errors(text, [label], [guess])


def test_disambiguation() -> None:
    text = "which means neighborhoods in Spanish."
    label = at(text, "Spanish", "Q1321", "Spanish", types=(LANGUAGE,))
    assert "disambiguation_demonym" in errors(text, [label], [found(text, "Spanish", "Q29")])
    text = "Japan began the defence of their title."
    label = at(text, "Japan", "Q170566", "Japan national football team", types=("Q43229",))
    assert "disambiguation_metonymy" in errors(text, [label], [found(text, "Japan", "Q17", "Q17", "Q170566")], types=PLACE)
    text = "Ray takes a disliking to Derek."
    label = at(text, "Ray", "Q6100764", "Ray Dixon", types=(PERSON,))
    assert "disambiguation_partial_name" in errors(text, [label], [found(text, "Ray", "Q1", "Q2", "Q1")])
    text = "Michael Jordan is a professor."
    label = at(text, "Michael Jordan", "Q3308285", "Michael I. Jordan", types=(PERSON,))
    assert "disambiguation_rare" in errors(text, [label], [found(text, "Michael Jordan", "Q41421", "Q41421", "Q3308285")])
    text = "University of Maryland."
    label = at(text, "University of Maryland", "Q503415", "University of Maryland")
    assert errors(text, [label], [found(text, "University of Maryland", "Q2", "Q503415", "Q2")]) == {
        "disambiguation", "disambiguation_other", "disambiguation_multiple_candidates"
    }  # fmt: skip
    assert "disambiguation_wrong_candidates" in errors(text, [label], [found(text, "University of Maryland", "Q2", "Q2")])


def test_hyperlinks() -> None:
    text = "a Liechtenstein sports shooter."
    label = at(text, "sports shooter", "Q17486376")
    assert "hyperlink" in errors(text, [label], [], hyperlinks={(label.start, label.end)})
    assert "hyperlink" not in errors(text, [label], [], hyperlinks={(0, 1)})


def test_coreference() -> None:
    text = "Pierce departed, but it was slow."
    label = at(text, "it", "Q7870570", coreference=True)
    assert errors(text, [label], []) == {"coreference_undetected"}
    assert errors(text, [label], [found(text, "it", "Q49231")]) == {"coreference_wrong"}
    assert errors(text, [], [found(text, "it", "Q49231")]) == {"coreference_false_detection"}


def test_alternatives_have_no_errors_of_their_own() -> None:
    text = "Louis VIII, Landgrave"
    labels = [Label(0, 21, "Q1", children=(1,)), Label(0, 10, "Q1", parent=0)]
    assert errors(text, labels, []) == {"undetected", "undetected_other"}


@pytest.mark.parametrize("word", ["Spanish", "Americans", "Dutch"])
def test_demonyms(word: str) -> None:
    assert is_demonym(word) and not is_demonym("Spain") and len(DEMONYMS) > 200


def test_every_class_is_explained() -> None:
    assert set(count_errors([])) == set(ERRORS) and all(ERRORS.values()) and ETHNICITY != LOCATION
