from __future__ import annotations

from dataclasses import replace

import pytest

from loreweave.build.mentions import Limits, MentionCounter
from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.graphs.entities import GraphEntity, GraphRelation
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.corpus.mentions.dictionary import Candidate, MentionDictionary, NameCounts, PageLink
from loreweave.corpus.mentions.normalisation import Normalisation
from loreweave.errors import ConfigurationError, DataError

OSLO_TWICE = (Mention(0, 4, "Oslo"), Mention(6, 10, "Oslo"), Mention(19, 23, "North"))
TEXTS = (
    AnnotatedText("Norway", "Oslo, Oslo and the Norwegian coast", OSLO_TWICE),
    AnnotatedText("Minnesota", "OSLO is here", (Mention(0, 4, "Oslo,_Minnesota"), Mention(5, 7, None, "verb"))),
    AnnotatedText("Fjord", "No Oslo in Oslo Bay", (Mention(11, 19, "Oslofjord"),)),
)


def built(counter: MentionCounter, *texts: AnnotatedText, titles: bool = False) -> MentionDictionary:
    counter.add_links(texts, titles=titles)
    counter.count_texts(texts)
    return counter.dictionary()


def test_links_and_texts_are_counted_by_hand() -> None:
    counter = MentionCounter(keep_pages=True)
    counts = dict(built(counter, *TEXTS).counts())
    assert counts == {
        # Three links in two texts; three texts contain it.
        "oslo": NameCounts({"Oslo": 2, "Oslo,_Minnesota": 1}, texts_linking=2, texts=3, links=3),
        "oslo bay": NameCounts({"Oslofjord": 1}, texts_linking=1, texts=1, links=1),
        # A link inside a word, where names are not searched: its own text contains it all the same.
        "norw": NameCounts({"North": 1}, texts_linking=1, texts=1, links=1),
    }
    assert {key: count for key, count in counter.counts.items() if count} == {
        "texts": 3,
        "links": 5,
        "mentions_without_link": 1,
        "names": 3,
        "entities": 4,
        "candidates": 4,
        "page_links": 5,
    }


def test_pages_keep_their_links() -> None:
    dictionary = built(MentionCounter(keep_pages=True), *TEXTS)
    assert dictionary.page_links("Minnesota") == [PageLink("OSLO", "Oslo,_Minnesota", 2 / 3)]
    assert built(MentionCounter(), *TEXTS).page_links("Minnesota") is None


def test_titles_are_names_without_their_brackets() -> None:
    counter = MentionCounter()
    dictionary = built(counter, AnnotatedText("Paris_(city)", "Paris"), AnnotatedText("Rome", "Rome"), titles=True)
    assert dictionary.candidates("paris") == [Candidate("Paris_(city)", 1.0, 1)]
    # The title counts as a link in a text of its own, beside the text that contains the name without a link.
    assert dictionary.link_probability("Paris") == 0.5
    assert counter.counts["names_from_titles"] == 2


def test_brackets_without_a_space_are_part_of_a_name() -> None:
    dictionary = built(MentionCounter(), AnnotatedText("Iron(III)", "Iron is a metal."), titles=True)
    assert dictionary.candidates("iron(iii)") == [Candidate("Iron(III)", 1.0, 1)] and dictionary.candidates("iron") == []


def test_redirects_and_pages_that_are_no_entities() -> None:
    text = AnnotatedText("a", "Christiania in Norway", (Mention(0, 11, "Christiania"), Mention(15, 21, "Category:Norway")))
    counter = MentionCounter(redirects={"Christiania": "Oslo"})
    dictionary = built(counter, text)
    assert dictionary.candidates("Christiania") == [Candidate("Oslo", 1.0, 1)]
    assert dictionary.resolve("Christiania") == "Oslo"
    assert len(dictionary) == 1
    assert (counter.counts["links_redirected"], counter.counts["links_skipped_by_prefix"]) == (1, 1)


def graph(*entities: GraphEntity) -> KnowledgeGraph:
    return KnowledgeGraph.from_parts(entities, [GraphRelation("P1")], {"train": [[0, 0, 0]]})


def test_names_of_a_graph_are_candidates_and_count_as_no_link() -> None:
    found = graph(
        GraphEntity("Q585", "Oslo", aliases=("Christiania", "oslo", ""), title="Oslo"),
        GraphEntity("Q1", "Bay of Oslo"),
        GraphEntity("Q2"),
    )
    counter = MentionCounter()
    counter.add_links(TEXTS)
    counter.add_graph(found)
    counter.count_texts(TEXTS)
    dictionary = counter.dictionary()
    # As without the graph: two of three links, in two of the three texts that contain the name.
    assert dictionary.candidates("Oslo") == [Candidate("Oslo", 2 / 3, 2), Candidate("Oslo,_Minnesota", 1 / 3, 1)]
    assert dictionary.link_probability("Oslo") == 2 / 3
    assert dictionary.candidates("christiania") == [Candidate("Oslo", 1.0, 0)]
    assert dictionary.candidates("Bay of Oslo") == [Candidate("Q1", 1.0, 0)]
    assert dictionary.link_probability("Christiania") == 1  # no text contains it, so nothing is known of it
    assert (counter.counts["graph_entities"], counter.counts["graph_entities_without_name"]) == (3, 1)
    assert counter.counts["names_from_graph"] == 3


def test_entities_of_a_graph_are_written_as_the_links_write_them() -> None:
    text = AnnotatedText("a", "NY", (Mention(0, 2, "New_York"),))
    counter = MentionCounter()
    counter.add_links([text])
    counter.add_graph(graph(GraphEntity("Q60", "New York", title="New York")))
    assert counter.dictionary().candidates("new york") == [Candidate("New_York", 1.0, 0)]
    counter.add_graph(graph(GraphEntity("Q60", "The Big Apple", title="New York")), ids=True)
    assert counter.dictionary().candidates("the big apple") == [Candidate("Q60", 1.0, 0)]


def test_an_alias_that_is_a_common_word_takes_no_part_of_the_links() -> None:
    texts = [
        AnnotatedText("a", "Will he?"),
        AnnotatedText("b", "Will, will"),
        AnnotatedText("c", "Will", (Mention(0, 4, "Will"),)),
    ]
    counter = MentionCounter()
    counter.add_links(texts)
    counter.add_graph(graph(GraphEntity("Q1", "Bill", aliases=("Will",)), GraphEntity("Q2", "Willy", aliases=("will", "He"))))
    counter.count_texts(texts)
    dictionary = counter.dictionary()
    assert dictionary.candidates("will") == [Candidate("Will", 1.0, 1), Candidate("Q1", 0.0, 0), Candidate("Q2", 0.0, 0)]
    assert dictionary.link_probability("will") == 1 / 3
    assert dictionary.candidates("he") == [Candidate("Q2", 1.0, 0)]
    assert dictionary.link_probability("he") == 0  # one text contains it, and does not link it


def test_names_of_graphs_are_shared_in_equal_parts_until_a_link_has_them() -> None:
    counter = MentionCounter()
    counter.add_graph(graph(GraphEntity("Q1", "Springfield"), GraphEntity("Q2", "Springfield")))
    assert counter.dictionary().candidates("springfield") == [Candidate("Q1", 0.5, 0), Candidate("Q2", 0.5, 0)]
    assert counter.dictionary().candidates("springfield", limit=1) == [Candidate("Q1", 0.5, 0)]


def test_a_graph_in_several_merged_dictionaries_adds_no_links() -> None:
    merged = MentionCounter(limits=Limits(min_links=2))
    for text in TEXTS[:2]:
        part = MentionCounter()
        part.add_links([text])
        part.add_graph(graph(GraphEntity("Q585", "Oslo", aliases=("Christiania",))))
        part.count_texts([text])
        merged.add_dictionary(part.dictionary())
    merged.add_graph(graph(GraphEntity("Q585", "Oslo")))
    # Two links to Oslo in the first text; the single one of the second text is below the limit, the graph's name is kept.
    assert dict(merged.dictionary().counts()) == {
        "oslo": NameCounts({"Oslo": 2, "Q585": 0}, texts_linking=2, texts=2, links=3),
        "christiania": NameCounts({"Q585": 0}, texts_linking=0, texts=0, links=0),
    }


@pytest.mark.parametrize(
    ("limits", "names", "left_out"),
    [
        (Limits(min_links=2), {"oslo"}, {"candidates_below_min_links": 3, "names_without_candidate": 2}),
        (Limits(min_link_probability=0.7), {"oslo bay", "norw"}, {"names_below_min_link_probability": 1}),
        (Limits(max_words=1), {"oslo", "norw"}, {"links_with_long_name": 1}),
        (Limits(max_candidates=1), {"oslo", "oslo bay", "norw"}, {"candidates_over_max_candidates": 1}),
    ],
)
def test_what_limits_leave_out_is_counted(limits: Limits, names: set[str], left_out: dict[str, int]) -> None:
    counter = MentionCounter(limits=limits)
    dictionary = built(counter, *TEXTS)
    assert set(dictionary) == names
    assert {key: counter.counts[key] for key in left_out} == left_out
    if "oslo" in names:  # the prior is the part of all links, also those that were left out
        assert dictionary.candidates("Oslo")[0] == Candidate("Oslo", 2 / 3, 2)


def test_names_of_a_graph_need_no_second_link() -> None:
    counter = MentionCounter(limits=Limits(min_links=2))
    counter.add_graph(graph(GraphEntity("Q1", "Oslo")))
    assert counter.dictionary().candidates("Oslo") == [Candidate("Q1", 1.0, 0)]


def test_dictionaries_add_up_to_the_dictionary_of_all_texts() -> None:
    merged = MentionCounter()
    for text in TEXTS[:2]:
        merged.add_dictionary(built(MentionCounter(keep_pages=True), text))
    together = built(MentionCounter(keep_pages=True), *TEXTS[:2])
    assert dict(merged.dictionary().counts()) == dict(together.counts())
    assert list(merged.dictionary().pages()) == list(together.pages())


def test_names_of_a_dictionary_are_counted_in_new_texts() -> None:
    counter = MentionCounter()
    counter.add_dictionary(MentionDictionary.from_counts({"Oslo": NameCounts({"Oslo": 4}, texts_linking=4, texts=4)}))
    counter.count_texts([AnnotatedText("a", "Oslo"), AnnotatedText("b", "oslo and Oslo"), AnnotatedText("c", "Bergen")])
    assert dict(counter.dictionary().counts())["oslo"] == NameCounts({"Oslo": 4}, 4, 6, 4)


def test_another_normalisation_is_refused() -> None:
    other = MentionDictionary.from_counts({"Oslo": NameCounts({"Oslo": 1})}, Normalisation(case="keep"))
    with pytest.raises(ConfigurationError, match=r"its names are normalised in another way \(case keep and fold\)"):
        MentionCounter().add_dictionary(other)


def test_two_languages_need_a_choice() -> None:
    texts = [replace(TEXTS[0], language="en"), replace(TEXTS[1], language="de")]
    with pytest.raises(DataError, match="found texts with the languages de, en, expected one; --language NAME selects one"):
        MentionCounter().add_links(texts)
    counter = MentionCounter()
    counter.add_links(texts, language="de")
    counter.count_texts(texts, language="de")
    assert dict(counter.dictionary().counts()) == {"oslo": NameCounts({"Oslo,_Minnesota": 1}, 1, 1, 1)}
    assert counter.counts["texts_of_other_languages"] == 1


def test_texts_that_are_gone_at_the_second_reading_are_an_error() -> None:
    counter = MentionCounter()
    counter.add_links(TEXTS)
    with pytest.raises(DataError, match="found 0 texts at the second reading and 3 at the first"):
        counter.count_texts([])


def test_nothing_to_build_is_an_error() -> None:
    with pytest.raises(DataError, match="found no name with a linked entity"):
        built(MentionCounter(), AnnotatedText("a", "Oslo"))


def test_names_in_half_width_kana_are_those_in_usual_kana() -> None:
    linked = AnnotatedText("本", "ｶﾞｲﾄﾞ は本", (Mention(0, 5, "ガイド"),))
    counts = dict(built(MentionCounter(), linked, AnnotatedText("この", "この ガイド は")).counts())
    assert counts == {"ガイド": NameCounts({"ガイド": 1}, texts_linking=1, texts=2, links=1)}
