"""What is odd in texts with links: repeated texts and mentions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loreweave.build import text_checks
from loreweave.build.text_checks import TextChecks
from loreweave.corpus.annotated_text import AnnotatedText, Mention

OSLO = AnnotatedText("Oslo", "Oslo is in Norway.", (Mention(0, 4, "Oslo"), Mention(11, 17, "Norway")), "en")


def checked(*texts: AnnotatedText) -> tuple[list[AnnotatedText], TextChecks]:
    checks = TextChecks()
    return list(checks.checked(texts)), checks


def test_nothing_is_odd() -> None:
    found, checks = checked(OSLO, replace(OSLO, id="Bergen"), replace(OSLO, language="de"))
    assert found[0] is OSLO and not any(checks.reported().values()) and checks.notes() == []
    assert (checks.counts["texts"], checks.counts["mentions"], checks.counts["linked"]) == (3, 6, 6)


def test_copies_of_a_text_and_other_texts_with_its_id() -> None:
    """All are kept; a text with fewer mentions is another one."""
    other = replace(OSLO, mentions=OSLO.mentions[:1])
    found, checks = checked(OSLO, OSLO, other, replace(OSLO, text="Oslo is in Norway!"), OSLO)
    assert len(found) == 5 and checks.reported()["texts_repeated"] == 2
    assert checks.reported()["texts_with_repeated_id"] == 2
    assert checks.notes() == [
        "2 texts have the id of an earlier one, but another content ('Oslo', 'Oslo'); all are kept: "
        "give each text an id of its own"
    ]


def test_copies_of_any_earlier_text_with_an_id() -> None:
    """Not only of the first one; a copy with another id or in another language is no repeated text."""
    other = replace(OSLO, text="Oslo is in Norway!")
    copies = [replace(OSLO, id="Bergen"), replace(other, id="Bergen"), replace(OSLO, language="de")]
    _, checks = checked(OSLO, other, other, OSLO, *copies, other)
    assert checks.reported()["texts_repeated"] == 3 and checks.reported()["texts_with_repeated_id"] == 2
    assert checks.notes()[0].startswith("2 texts have the id of an earlier one, but another content ('Oslo', 'Bergen'); all")


def test_a_mention_that_is_listed_twice_is_kept_once() -> None:
    """With the labels of both; of two entities of a span, the first one stays."""
    mentions = (
        Mention(0, 4, "Oslo", "city"), Mention(0, 4, "Oslo", "capital"), Mention(0, 4, "Oslo_(1924)", "capital"),
        Mention(11, 17, label="land"), Mention(11, 17, "Norway"), Mention(11, 17, label="state"), Mention(11, 17, "Norway"),
        Mention(0, 7, "Oslo"),
    )  # fmt: skip
    (found,), checks = checked(replace(OSLO, mentions=mentions))
    assert found.mentions == (
        Mention(0, 4, "Oslo", labels=("city", "capital")), Mention(11, 17, labels=("land", "state")),
        Mention(11, 17, "Norway"), Mention(0, 7, "Oslo"),
    )  # fmt: skip
    assert checks.reported() == {
        "texts_repeated": 0, "texts_with_repeated_id": 0, "mentions_repeated": 3, "mentions_with_another_entity": 1,
        "mentions_misaligned": 0,
    }  # fmt: skip


def test_a_mention_that_is_listed_twice_is_counted_once() -> None:
    """Among all mentions, those with labels only and those that cut words: 'sl' twice, Oslo and Norway."""
    mentions = (
        Mention(1, 3, label="x"), Mention(1, 3, label="y"), Mention(0, 4, "Oslo"), Mention(0, 4, "Oslo_(1924)"),
        Mention(11, 17, label="land"),
    )  # fmt: skip
    _, checks = checked(replace(OSLO, mentions=mentions))
    assert [checks.counts[name] for name in ("mentions", "linked", "labelled", "mentions_misaligned")] == [3, 1, 2, 1]
    assert checks.notes()[0].startswith("warning: 1 of 3 mentions begin or end inside a word")
    assert checks.reported()["mentions_repeated"] == checks.reported()["mentions_with_another_entity"] == 1


SENTENCE = "\N{GRINNING FACE} Oslo lies in Norway, as Bergen does."


@pytest.mark.parametrize(
    ("first", "last", "way_out"),
    [
        (0, 0, None),
        (0, -1, "they fit if ends are inclusive"),
        (-1, -1, "they fit if 1 is added to each offset"),
        (1, 1, "they fit in UTF-16 code units, as in browsers: give --format annotated:utf16"),
    ],
)
def test_offsets_of_another_counting(first: int, last: int, way_out: str | None) -> None:
    """Three of three mentions are no whole words; in this text, UTF-16 code units are one more."""
    places = [(SENTENCE.index(name), SENTENCE.index(name) + len(name)) for name in ("Oslo", "Norway", "Bergen")]
    mentions = tuple(Mention(start + first, end + last, "x") for start, end in places)
    (found,), checks = checked(AnnotatedText("1", SENTENCE, mentions))
    assert found.mentions == mentions and checks.reported()["mentions_misaligned"] == (0 if way_out is None else 3)
    if way_out is None:
        assert checks.notes() == []
    else:
        (note,) = checks.notes()
        head, *examples = note.split("\n")
        assert head.startswith("warning: 3 of 3 mentions begin or end inside a word or have white space at an edge (100%), so")
        assert f"; {way_out}" in head and len(examples) == 3 and examples[0].startswith("  text '1': '")


def test_the_words_of_a_text_are_searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once for each misaligned mention; later texts are only counted, once enough mentions were looked at."""
    searched: list[str] = []
    find = text_checks.word_offsets
    monkeypatch.setattr(text_checks, "word_offsets", lambda text: searched.append(text) or find(text))
    text = "\N{GRINNING FACE} " + "Mia " * 150
    mentions = tuple(Mention(4 * number + 3, 4 * number + 6, "Mia") for number in range(150))
    _, checks = checked(*(AnnotatedText(str(number), text, mentions) for number in range(3)))
    assert searched == [text, text] and checks.counts["mentions_misaligned"] == 450
    head, *examples = checks.notes()[0].split("\n")
    assert "they fit in UTF-16 code units" in head and len(examples) == 3


def test_a_few_odd_mentions_are_listed_without_a_warning() -> None:
    """As in German, where a link can be a part of a compound."""
    texts = [AnnotatedText(str(n), "Berner Bahnhof", (Mention(0, 4, "Bern"),) if n < 4 else ()) for n in range(5)]
    good = AnnotatedText("good", "Bern " * 96, tuple(Mention(5 * n, 5 * n + 4, "Bern") for n in range(96)))
    _, checks = checked(*texts, good)
    assert checks.notes() == [
        "4 of 100 mentions begin or end inside a word or have white space at an edge:\n"
        + "\n".join(f"  text '{n}': 'Bern' cuts 'Berner' in 'Berner Bahnhof'" for n in range(3))
    ]


def test_one_wrong_mention_of_a_few_suggests_no_other_counting() -> None:
    _, checks = checked(OSLO, replace(OSLO, id="2", mentions=(Mention(0, 4, "Oslo"), Mention(10, 16, "Norway"))))
    (note,) = checks.notes()
    assert "(25%), so the offsets may be wrong:\n" in note
