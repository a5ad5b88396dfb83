"""Tokens to annotated text and back."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.column_formats.tag_schemes import TokenSpan
from loreweave.corpus.tokens import outermost, tagged_sentence, text_of_file_tokens, token_offsets
from loreweave.errors import DataError

CHARACTERS = st.characters(exclude_categories=["Cs", "Cc", "Z"])
TOKENS = st.lists(st.text(CHARACTERS, min_size=1, max_size=3), min_size=1, max_size=6)


@given(TOKENS, st.data())
def test_any_tokens_come_back(tokens: list[str], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(tokens) - 1))
    span = TokenSpan(start, data.draw(st.integers(start + 1, len(tokens))), "x")
    dropped = Counter[str]()
    text = text_of_file_tokens("1", tokens, [span], dropped, {"doc": "d"})
    given = AnnotatedText.from_dict(text.to_dict())
    sentence = tagged_sentence(given, token_offsets(given), dropped)
    assert sentence.tokens == tuple(tokens) and sentence.spans == (span,) and sentence.metadata == {"doc": "d"}
    assert text.surface(text.mentions[0]) == " ".join(tokens[span.start : span.end]) and not dropped.total()


def test_what_cannot_be_tagged_is_counted() -> None:
    mentions = (
        Mention(0, 3, label="person"), Mention(0, 8, label="group"), Mention(4, 8), Mention(10, 12, label="cut"),
        Mention(9, 13, label="verb"),
    )  # fmt: skip
    dropped = Counter[str]()
    text = AnnotatedText("1", "Ann Hill sang", mentions)
    sentence = tagged_sentence(text, token_offsets(text), dropped)
    assert sentence.tokens == ("Ann", "Hill", "sang")
    assert sentence.spans == (TokenSpan(0, 2, "group"), TokenSpan(2, 3, "verb"))
    assert sentence.labels() == ["group", "group", "verb"]
    assert dropped == {
        "mentions without a label": 1, "mentions that cut a token": 1, "mentions inside or across another": 1,
    }  # fmt: skip


def test_the_longest_of_crossing_spans_stays() -> None:
    spans = [TokenSpan(0, 2, "a"), TokenSpan(1, 4, "b"), TokenSpan(4, 5, "c"), TokenSpan(4, 5, "d")]
    assert outermost(spans) == [TokenSpan(1, 4, "b"), TokenSpan(4, 5, "c")]


@pytest.mark.parametrize("rows", [[[0, 3], [2, 5]], [[0, 99]], [["a"]], "ab"])
def test_wrong_offsets_are_refused(rows: object) -> None:
    with pytest.raises(DataError, match="expected \\[start, end\\] between"):
        token_offsets(AnnotatedText("1", "Ann Hill", metadata={"tokens": rows}))


def test_spans_lie_in_the_tokens_and_tokens_are_not_empty() -> None:
    with pytest.raises(DataError, match=r"span \(1, 3\) in 2 tokens"):
        text_of_file_tokens("1", ["a", "b"], [TokenSpan(1, 3, "x")], Counter())
    with pytest.raises(DataError, match="empty token at place 1"):
        text_of_file_tokens("1", ["a", ""], [], Counter())
