"""Candidates of names with priors, and names in texts."""

from __future__ import annotations

import pytest

from loreweave.corpus.knowledge.entity_table import DescribedEntity, EntityTable
from loreweave.corpus.mentions.dictionary import MentionDictionary, NameCounts
from loreweave.metrics.linking.cases import Label
from loreweave.tasks.entity_linking.candidates import CandidateFinder, dictionary_of, without_overlaps
from loreweave.tasks.entity_linking.record import LinkingRecord

TABLE = EntityTable([
    DescribedEntity("Q64", "Berlin", "a city"),
    DescribedEntity("Q821291", "Berlin", "a band", title="Berlin_(band)"),
    DescribedEntity("Q60", "New York City", aliases=("New York",)),
])  # fmt: skip
LINKS = {"berlin": {"Q64": 3, "Q821291": 1}, "the big apple": {"Q60": 2}, "paris": {"Q90": 4}}
COUNTS = MentionDictionary.from_counts({name: NameCounts(links, texts_linking=1, texts=2) for name, links in LINKS.items()})


def test_the_dictionary_of_records_counts_their_links() -> None:
    mentions = (Label(0, 6, "Q64"), Label(13, 19, "Q821291"), Label(25, 31, "Q64"), Label(7, 9))
    records = [LinkingRecord("a", "Berlin is in Berlin, not berlin.", mentions), LinkingRecord("b", "Berlin alone")]
    found = dictionary_of(records)
    assert [(one.entity, one.prior) for one in found.candidates("BERLIN")] == [("Q64", 2 / 3), ("Q821291", 1 / 3)]
    assert found.link_probability("berlin") == 0.5 and list(found) == ["berlin"]


def test_priors_add_up_to_one() -> None:
    finder = CandidateFinder(TABLE, COUNTS)
    assert finder.find("Berlin") == [(0, 0.75), (1, 0.25)]
    assert finder.find("The Big Apple") == [(2, 1.0)]
    assert finder.find("bonn") == []


def test_entities_outside_the_table_are_no_candidates_and_counted() -> None:
    finder = CandidateFinder(TABLE, COUNTS)
    assert finder.find("Paris") == [] and finder.unknown == {"Q90": 1}


def test_own_names_are_candidates_without_a_dictionary() -> None:
    finder = CandidateFinder(TABLE, None)
    assert finder.find("Berlin") == [(0, 0.5), (1, 0.5)]
    assert finder.find("new york") == finder.find("the New York") == [(2, 1.0)]
    assert finder.find("Berlin (band)") == [(1, 1.0)]


def test_a_part_of_a_name_leads_to_the_entities_with_it_if_that_is_wanted() -> None:
    table = EntityTable([
        DescribedEntity("a", "Robert Zimmerman Dylan", aliases=("Bob Dylan",)),
        DescribedEntity("b", "Dylan Thomas"),
        DescribedEntity("c", "Dylan Thomas Trail"),
        DescribedEntity("d", "Thomas"),
    ])  # fmt: skip
    finder = CandidateFinder(table, None, most=2, partial=True)
    assert finder.find("Dylan's") == [(0, 0.5), (1, 0.5)]  # of names with two words; the third is one too many
    assert finder.find("the Thomas Trail") == [(2, 1.0)]
    assert finder.find("Thomas") == [(3, 1.0)], "a known name keeps its entities"
    assert finder.find("Bob Thomas") == finder.find("dylan") == finder.find("Bonn") == []
    assert CandidateFinder(table, None).find("Dylan") == []


def test_a_new_entity_has_a_small_prior() -> None:
    table = EntityTable([*TABLE, DescribedEntity("new", "Berlin", "a new town")])
    (first, second, third) = CandidateFinder(table, COUNTS).find("Berlin")
    assert [first[0], second[0], third[0]] == [0, 1, 3] and third[1] == pytest.approx(0.01 / 1.01)


def test_only_the_best_are_kept() -> None:
    assert CandidateFinder(TABLE, COUNTS, most=1).find("Berlin") == [(0, 1.0)]


def test_names_in_a_text_are_the_longest_with_a_capital() -> None:
    finder = CandidateFinder(TABLE, COUNTS)
    text = "New York City and berlin, or New York. Berlin's Paris"
    assert [text[start:end] for start, end in finder.names_in(text, 0.5)] == ["New York City", "New York", "Berlin"]
    assert [text[start:end] for start, end in finder.names_in(text, 0.6)] == ["New York City", "New York"]  # too rarely a link


@pytest.mark.parametrize(
    ("text", "whole", "every"),
    [
        ("She reads the New York Times.", [], ["New York"]),  # not a name of the table: a part of one
        ("In New York City Hall and in New York, Berlin", ["New York", "Berlin"], ["New York City", "New York", "Berlin"]),
        ("Near New York Berlin is far.", ["New York", "Berlin"], ["New York", "Berlin"]),  # names of their own
        ("New York. Berlin", ["New York", "Berlin"], ["New York", "Berlin"]),
        ("songs of Irving Berlin are old", [], ["Berlin"]),
        ("Mayor Berlin. Old Berlin", ["Berlin", "Berlin"], ["Berlin", "Berlin"]),  # both words begin a sentence
        ("with Mayor New York", ["New York"], ["New York"]),  # a title before a name of several words
        ("in Paris Berlin", ["Berlin"], ["Berlin"]),  # Paris is a name of an entity that the table does not have
        ("the Berlin wall, 3 Berlin", ["Berlin", "Berlin"], ["Berlin", "Berlin"]),
        ("in ( Old Berlin )", [], ["Berlin"]),
        ("with Jean-Claude Berlin and O'Neill Berlin", [], ["Berlin", "Berlin"]),
        ("in Germany's Berlin, in Germany’s Berlin", ["Berlin", "Berlin"], ["Berlin", "Berlin"]),
        ("Here Berlin\u00a0Wall and\u2009Irving\u00a0Berlin", [], ["Berlin", "Berlin"]),
        ("the New York\nTimes", [], ["New York"]),
        ("the New York\r\nTimes and Irving\r\nBerlin sang", [], ["New York", "Berlin"]),  # lines as Windows ends them
        ("near New York\r\nBerlin is far", ["New York", "Berlin"], ["New York", "Berlin"]),
        ("in New York\r\n\r\nTimes", ["New York"], ["New York"]),
        ("in New York\n\nTimes. Mayor\n\nBerlin", ["New York", "Berlin"], ["New York", "Berlin"]),  # paragraphs
        ("in New York\u2029Times \n Berlin", ["New York", "Berlin"], ["New York", "Berlin"]),
    ],
)
def test_a_part_of_a_longer_name_is_no_name(text: str, whole: list[str], every: list[str]) -> None:
    finder = CandidateFinder(TABLE, COUNTS)
    assert [text[start:end] for start, end in finder.names_in(text, 0)] == whole
    assert [text[start:end] for start, end in finder.names_in(text, 0, whole=False)] == every


def test_a_name_inside_one_of_an_unknown_entity_is_left_out() -> None:
    counts = MentionDictionary.from_counts({"New York Times": NameCounts({"Q9684": 5}, texts_linking=5, texts=5)})
    finder = CandidateFinder(TABLE, counts)
    text = "the new York Times of New York"
    assert [(start, end) for start, end in finder.names_in(text, 0, whole=False)] == [(22, 30)]


def test_a_longer_name_that_is_rarely_linked_hides_no_name_inside_it() -> None:
    counts = {
        "in the Big Apple": NameCounts({"Q60": 3}, texts_linking=3, texts=1000),
        "Big Apple": NameCounts({"Q60": 900}, texts_linking=900, texts=1500),
        "New York City": NameCounts({"Q60": 1}, texts_linking=1, texts=1000),  # a name of the table, too
        "New York City Hall": NameCounts({"Q60": 1}, texts_linking=1, texts=1000),
    }
    finder = CandidateFinder(TABLE, MentionDictionary.from_counts(counts))
    for text, often, always in (
        ("He lived in the Big Apple .", ["Big Apple"], ["in the Big Apple"]),
        ("near New York City Hall .", [], ["New York City Hall"]),
    ):
        assert [text[start:end] for start, end in finder.names_in(text, 0.05)] == often
        assert [text[start:end] for start, end in finder.names_in(text, 0)] == always


def test_a_possessive_and_an_article_are_left_out() -> None:
    finder = CandidateFinder(TABLE, COUNTS)
    assert finder.find("Berlin's") == finder.find("the Berlin") == finder.find("Berlin") and finder.find("The Bonn's") == []


def test_names_in_scripts_without_capital_letters_are_found() -> None:
    table = EntityTable([DescribedEntity("Q1", "東京"), DescribedEntity("Q2", "القاهرة"), DescribedEntity("Q3", "oslo")])
    finder = CandidateFinder(table, None)
    for text, name in (("東京 は大きい。", "東京"), ("زرت القاهرة أمس", "القاهرة"), ("oslo or Oslo", "Oslo")):
        assert [text[start:end] for start, end in finder.names_in(text, 0)] == [name]


def test_names_without_links_count_as_the_own_names_of_their_entities() -> None:
    counts = {
        "the big apple": NameCounts({"Q60": 0}, texts=3),  # three texts contain it, and none links it
        "Berlin": NameCounts({"Q60": 0}),  # so it is for the two others by their labels
        "Spree-Athen": NameCounts({"Q64": 9, "Q821291": 0}, texts_linking=9, texts=9),
    }
    finder = CandidateFinder(TABLE, MentionDictionary.from_counts(counts))
    assert finder.find("The Big Apple") == [(2, 1.0)]
    assert [(row, round(prior, 4)) for row, prior in finder.find("berlin")] == [(0, 0.3333), (1, 0.3333), (2, 0.3333)]
    assert finder.find("Spree-Athen") == [(0, pytest.approx(1 / 1.01)), (1, pytest.approx(0.01 / 1.01))]
    text = "From The Big Apple to Berlin"
    assert [text[start:end] for start, end in finder.names_in(text, 0.1)] == ["Berlin"]
    assert [text[start:end] for start, end in finder.names_in(text, 0)] == ["The Big Apple", "Berlin"]


def test_of_overlapping_spans_the_longest_is_kept() -> None:
    assert without_overlaps([(0, 4), (2, 9), (9, 12), (10, 13)]) == [(2, 9), (9, 12)]
