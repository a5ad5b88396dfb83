"""What is odd in texts with links: repeated texts and mentions."""

from __future__ import annotations

from dataclasses import replace

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
    found, checks = checked(OSLO, OSLO, other, replace(OSLO, text="Oslo was in Norway"), OSLO)
    assert len(found) == 5 and checks.reported()["texts_repeated"] == 2
    assert checks.reported()["texts_with_repeated_id"] == 2
    assert checks.notes() == [
        "2 texts have the id of an earlier one, but another content ('Oslo', 'Oslo'); all are kept: "
        "give each text an id of its own"
    ]


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
    }  # fmt: skip
