"""Words take the types of sub-words, and labels from mentions."""

from __future__ import annotations

from collections import Counter

import pytest
from typed_texts import typed

from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.errors import DataError
from loreweave.tasks.latent_types.alignment import typed_words


def test_the_first_sub_word_gives_the_type() -> None:
    text = "Unaffable Ann, no."
    counts: Counter[str] = Counter()
    words = typed_words(
        AnnotatedText("a", text), typed(text, ("Un", 2), ("affable", 3), ("Ann", 1), (",", 0), ("no", 3), (".", 0)), counts
    )
    assert [(text[word.start : word.end], word.type) for word in words] == [
        ("Unaffable", 2), ("Ann", 1), (",", 0), ("no", 3), (".", 0),
    ]  # fmt: skip
    assert all(word.label is None and word.pos is None for word in words) and not counts


def test_given_tokens_finer_than_sub_words() -> None:
    text = AnnotatedText("a", "cannot go", metadata={"tokens": [[0, 3], [3, 6], [7, 9]], "pos": ["AUX", "PART", "VERB"]})
    words = typed_words(text, typed(text.text, ("cannot", 2), ("go", 1)), Counter())
    assert [(word.type, word.pos) for word in words] == [(2, "AUX"), (2, "PART"), (1, "VERB")]


def test_the_shortest_mention_gives_the_label() -> None:
    text = "University of Oslo opened"
    mentions = [Mention(0, 18, label="organization"), Mention(14, 18, label="place"), Mention(14, 18, label="second")]
    mentions += [Mention(11, 22, label="across"), Mention(0, 25)]
    counts: Counter[str] = Counter()
    given = typed(text, ("University", 1), ("of", 0), ("Oslo", 2), ("opened", 3))
    words = typed_words(AnnotatedText("a", text, tuple(mentions)), given, counts)
    assert [word.label for word in words] == ["organization", "across", "place", "across"]
    assert counts == {"mentions without a label": 1, "mentions that begin or end inside a word": 1}


def test_what_was_not_read_is_counted() -> None:
    text = "a \u200b b c"
    counts: Counter[str] = Counter()
    words = typed_words(AnnotatedText("a", text), typed(text, ("a", 1), ("b", 2), cut=1), counts)
    assert [word.type for word in words] == [1, 2]
    assert counts == {"words that no sub-word holds": 1, "words beyond the sub-words that were read": 1}


@pytest.mark.parametrize(
    ("pos", "message"), [(["X"], "found 1 tag, expected one for each of 2 tokens"), ("XY", "expected a list of strings")]
)
def test_tags_that_do_not_fit(pos: object, message: str) -> None:
    text = AnnotatedText("here", "a b", metadata={"pos": pos})
    with pytest.raises(DataError, match="text 'here', field 'metadata.pos'") as caught:
        typed_words(text, typed("a b", ("a", 1), ("b", 1)), Counter())
    assert message in str(caught.value)
