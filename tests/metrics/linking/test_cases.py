"""ELEVANT's counting of nested, alternative and optional labels, by hand."""

from __future__ import annotations

from loreweave.metrics.linking.cases import Found, Label, cases_of, count_cases, whole_words

TEXT = "aaaa, bbbb and cccc went home."
OUTER = Label(0, 10, "Q1", "aaaa, bbbb", children=(1, 2))
FIRST = Label(0, 4, "Q2", "aaaa", parent=0)
SECOND = Label(6, 10, "Q3", "bbbb", parent=0)
NESTED = [OUTER, FIRST, SECOND]


def counts(labels: list[Label], *found: Found, text: str = TEXT, **options: bool) -> tuple[int, int, int]:
    """Hits, false predictions, misses."""
    return count_cases(cases_of(text, labels, found), **options)


def test_simple_hit_miss_and_false_prediction() -> None:
    label = Label(0, 4, "Q2")
    assert counts([label], Found(0, 4, "Q2")) == (1, 0, 0)
    assert counts([label]) == (0, 0, 1)
    assert counts([label], Found(0, 4, "Q9")) == (0, 1, 1)
    assert counts([label], Found(15, 19, "Q2")) == (0, 1, 1)
    assert counts([], Found(15, 19, "Q2")) == (0, 1, 0)


def test_a_label_and_its_alternatives_are_one_hit_or_one_miss() -> None:
    assert counts(NESTED, Found(0, 10, "Q1")) == (1, 0, 0)
    assert counts(NESTED, Found(0, 4, "Q2"), Found(6, 10, "Q3")) == (1, 0, 0)
    assert counts(NESTED) == (0, 0, 1)
    assert counts(NESTED, Found(0, 4, "Q2")) == (0, 0, 1)  # only one of the two alternatives
    assert counts(NESTED, Found(0, 4, "Q2"), Found(6, 10, "Q9")) == (0, 1, 1)
    assert counts(NESTED, Found(0, 10, "Q9")) == (0, 1, 1)


def test_alternatives_of_the_same_place() -> None:
    country, people = Label(0, 4, "Q38", children=(1,)), Label(0, 4, "Q50001", parent=0)
    assert counts([country, people], Found(0, 4, "Q38")) == (1, 0, 0)
    assert counts([country, people], Found(0, 4, "Q50001")) == (1, 0, 0)
    assert counts([country, people], Found(0, 4, "Q9")) == (0, 1, 1)


def test_optional_labels_are_neither_missed_nor_hit() -> None:
    label = Label(0, 4, "Q2", optional=True)
    assert counts([label]) == (0, 0, 0)
    assert counts([label], Found(0, 4, "Q2")) == (0, 0, 0)
    assert counts([label], Found(0, 4, "Q9")) == (0, 1, 0)


def test_an_optional_label_with_alternatives_that_are_not_optional_can_be_missed() -> None:
    described = [Label(0, 10, "Q1", optional=True, children=(1,)), Label(0, 4, "Q2", parent=0)]
    assert counts(described) == (0, 0, 1)
    assert counts(described, Found(0, 4, "Q2")) == (1, 0, 0)
    assert counts(described, Found(0, 10, "Q1")) == (0, 0, 0)


def test_numbers_and_dates_are_optional() -> None:
    year = Label(0, 4, None, types=("DATETIME",))
    assert counts([year]) == (0, 0, 0)
    assert counts([year], Found(0, 4, "Q2000", types=("DATETIME",))) == (0, 0, 0)
    assert counts([year], Found(0, 4, "Q9")) == (0, 1, 0)


def test_labels_without_a_known_entity() -> None:
    unknown = Label(0, 4)
    assert counts([unknown]) == (0, 0, 0) and counts([unknown], Found(0, 4, "Q9")) == (0, 1, 0)


def test_a_prediction_may_be_shorter_than_its_word() -> None:
    text = "Albert's birthplace is Ulm."
    assert whole_words((0, 6), text) == (0, 8) and whole_words((0, 6), "Soviet-backed government.") == (0, 6)
    assert whole_words((1, 19), '"Hearts and Flowers" is a song.') == (0, 20)
    assert counts([Label(0, 8, "Q937")], Found(0, 6, "Q937"), text=text) == (1, 0, 0)
    assert counts([Label(0, 6, "Q937")], Found(0, 8, "Q937"), text=text) == (1, 0, 0)


def test_predictions_outside_the_evaluated_part_are_not_counted() -> None:
    cases = cases_of(TEXT, [], [Found(0, 4, "Q1"), Found(15, 19, "Q2")], evaluated=(5, 30))
    assert [case.span for case in cases] == [(15, 19)]


def test_coreference_is_counted_on_request() -> None:
    labels = [Label(0, 4, "Q2", coreference=False), Label(6, 10, "Q2", coreference=True)]
    assert counts(labels) == (0, 0, 1) and counts(labels, coreference=True) == (0, 0, 2)
    he = cases_of("he saw the team", [], [Found(0, 2, "Q2"), Found(7, 15, "Q3")])
    assert [case.is_coreference for case in he] == [True, True]
    us = cases_of("US and The Beatles", [], [Found(0, 2, "Q30"), Found(7, 18, "Q1299")])
    assert [case.is_coreference for case in us] == [False, False]


def test_detection_ignores_the_entity() -> None:
    assert counts([Label(0, 4, "Q2")], Found(0, 4, "Q9"), detection=True) == (1, 0, 0)
    assert counts(NESTED, Found(0, 4, "Q9"), Found(6, 10, "Q8"), detection=True) == (1, 0, 0)
