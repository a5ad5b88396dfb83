"""Later mentions of linked names, and labels as entities."""

from __future__ import annotations

from collections import Counter

import pytest

from loreweave.build.added_links import link_labels, link_repeats
from loreweave.build.entity_types import types_of_labels
from loreweave.corpus.annotated_text import AnnotatedText, Mention


def linked(text: str, links: dict[str, str], title: str = "Page") -> tuple[list[tuple[str, str | None]], Counter[str]]:
    """Surfaces and entities after linking; `links` places the first occurrence of each surface."""
    mentions = tuple(Mention(text.index(name), text.index(name) + len(name), entity) for name, entity in links.items())
    counts: Counter[str] = Counter()
    (found,) = link_repeats([AnnotatedText(title, text, mentions)], counts)
    assert found.mentions[: len(mentions)] == mentions and found.text == text
    return [(found.surface(mention), mention.entity) for mention in found.mentions[len(mentions) :]], counts


def test_every_other_place_of_a_linked_name() -> None:
    added, counts = linked("Oslo is big. In Oslo, the Oslofjord is near Oslo.", {"Oslo": "Oslo_city"})
    assert added == [("Oslo", "Oslo_city")] * 2 and counts["links_repeated"] == 2


def test_the_name_of_the_page() -> None:
    added, _ = linked("Mercury is hot. Mercury is small.", {}, title="Mercury_(planet)")
    assert added == [("Mercury", "Mercury_(planet)")] * 2


def test_the_longest_name_wins_and_mentions_stay() -> None:
    text = "New York City and York. New York City, York, New York."
    added, _ = linked(text, {"New York City": "NYC"}, title="York")
    assert added == [("York", "York"), ("New York City", "NYC"), ("York", "York"), ("York", "York")]


def test_names_with_equal_beginnings() -> None:
    """The longest one that is a whole word, whatever comes first in the text; special characters are only themselves."""
    text = "Bern, Berne, Berner, Be.n: Berner Berne Bern Be.n Besn."
    added, _ = linked(text, {"Bern": "A", "Berne": "B", "Berner": "C", "Be.n": "D"})
    assert added == [("Berner", "C"), ("Berne", "B"), ("Bern", "A"), ("Be.n", "D")]


def test_a_title_may_be_written_with_spaces_or_underscores() -> None:
    """It is one entity, as the links write it."""
    added, counts = linked("Great tit: a bird. Great tit.", {"Great tit": "Great_tit"}, title="Great tit")
    assert added == [("Great tit", "Great_tit")] and counts["names_with_two_entities"] == 0


def test_brackets_without_a_space_are_part_of_a_title() -> None:
    added, _ = linked("Iron(III) is not Iron.", {}, title="Iron(III)")
    assert ("Iron", "Iron(III)") not in added


def test_a_name_of_two_entities_is_left_out() -> None:
    text = "Paris, a city. The prince Paris. Paris again."
    mentions = (Mention(0, 5, "Paris"), Mention(26, 31, "Paris_(prince)"))
    counts: Counter[str] = Counter()
    (found,) = link_repeats([AnnotatedText("Page", text, mentions)], counts)
    assert found.mentions == mentions and counts["names_with_two_entities"] == 1


def test_common_words_numbers_and_short_names_are_left_out() -> None:
    text = "The beer of 1999 and MI, 10-12; beer, 1999, MI, 10-12."
    added, _ = linked(text, {"beer": "Beer", "1999": "1999", "MI": "Michigan", "10-12": "A_score"})
    assert added == []


def test_scripts_without_cases_have_names() -> None:
    added, _ = linked("東京都 は 日本。 東京都 は", {"東京都": "Tokyo"})
    assert added == [("東京都", "Tokyo")]


def test_names_are_whole_words_in_every_script() -> None:
    """Combining marks belong to their words, and words of a script without spaces touch each other."""
    assert linked("रामा घर गया। रामायण पढ़ो। रामा है।", {"रामा": "Rama"})[0] == [("रामा", "Rama")]
    assert linked("Jose is here. Jose\u0301 is not. Jose's", {"Jose": "J"})[0] == [("Jose", "J")]
    assert linked("東京都は日本の首都です。東京都は大きい。Xが東京都", {"東京都": "Tokyo"})[0] == [("東京都", "Tokyo")] * 2
    assert linked("Tokyo, 東京: Tokyoは Tokyos", {"Tokyo": "Tokyo"})[0] == [("Tokyo", "Tokyo")]


@pytest.mark.parametrize("sign", ["", " 東", " \u2029", " \U0001f600"])
def test_a_sign_of_another_script_changes_no_other_link(sign: str) -> None:
    """Texts with only usual scripts are searched in another way."""
    names = {"New York": "NY", "New York City": "NYC", "Bern": "B", "Berne": "BE", "Italia": "I"}
    text = "New York, New York City, Bern, Berne, Italia: l'Italia, l’Italia, Berner, Bern-Berne Bern's New York Citys xBern"
    found, _ = linked(text + sign, names)
    wanted = ["Italia", "Italia", "Bern", "Berne", "Bern", "New York"]
    assert found == [(name, names[name]) for name in wanted]


def test_unlinked_mentions_are_no_names() -> None:
    text = "Oslo and Oslo."
    (found,) = link_repeats([AnnotatedText("Page", text, (Mention(0, 4),))])
    assert len(found.mentions) == 1


def test_labels_are_entities_of_mentions_without_one() -> None:
    mentions = (Mention(0, 4, label="city"), Mention(0, 4, "Oslo", "town"), Mention(5, 7))
    (found,) = link_labels([AnnotatedText("Page", "Oslo is.", mentions)])
    assert [mention.entity for mention in found.mentions] == ["city", "Oslo", None]
    assert [mention.label for mention in found.mentions] == ["city", "town", None]


def test_several_labels_are_one_entity_with_exactly_these_types() -> None:
    """One place that is also a town does not make a town of every place."""
    mentions = (
        Mention(0, 4, label="place"),
        Mention(0, 4, labels=("place", "town")),
        Mention(0, 4, labels=("town", "place")),
        Mention(0, 4, label="person"),
    )
    (found,) = link_labels([AnnotatedText("Page", "Oslo is.", mentions)])
    assert [mention.entity for mention in found.mentions] == ["place", "place|town", "place|town", "person"]
    types = types_of_labels([found]).types
    assert types == {"place": ("place",), "place|town": ("place", "town"), "person": ("person",)}
