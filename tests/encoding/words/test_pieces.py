from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loreweave.encoding.words.pieces import cut_at_spans


@st.composite
def texts_with_spans(draw: st.DrawFn) -> tuple[str, list[tuple[int, int]]]:
    text = draw(st.text(alphabet="ab  é🙂\u0301\n.", max_size=20))
    spans = []
    for _ in range(draw(st.integers(0, 4)) if text else 0):
        start = draw(st.integers(0, len(text) - 1))
        spans.append((start, draw(st.integers(start + 1, len(text)))))
    return text, spans


def test_a_space_before_a_boundary_belongs_to_the_right() -> None:
    cut = cut_at_spans("Who is Ann?", [(7, 10)], "boundary")
    assert cut.pieces == ["Who is", " Ann", "?"]
    assert cut.pieces_before == {7: 1, 10: 2}
    assert cut.starts == [0, 6, 10]


def test_a_span_with_and_without_its_leading_space_cuts_the_same() -> None:
    assert cut_at_spans("Who is Ann?", [(6, 10)], "boundary").pieces == ["Who is", " Ann", "?"]


def test_a_span_of_only_a_space_has_no_piece() -> None:
    cut = cut_at_spans("a b", [(1, 2)], "boundary")
    assert (cut.pieces, cut.pieces_before) == (["a", " b"], {1: 1, 2: 1})


def test_legacy_strips_on_the_right_and_puts_a_space_in_front() -> None:
    cut = cut_at_spans("Who is Ann ?", [(7, 10)], "legacy", leading_space=True)
    assert cut.pieces == [" Who is", " Ann", " ?"]
    assert cut.starts == [-1, 6, 10]


def test_legacy_adds_no_space_for_a_tokenizer_that_would_not_notice() -> None:
    assert cut_at_spans("Who is Ann?", [(7, 10)], "legacy").pieces == ["Who is", "Ann", "?"]


def test_legacy_skips_pieces_of_white_space() -> None:
    cut = cut_at_spans("a  b", [(0, 1), (3, 4)], "legacy", leading_space=True)
    assert (cut.pieces, cut.pieces_before[3]) == ([" a", " b"], 1)


def test_empty_text() -> None:
    assert cut_at_spans("", [], "boundary").pieces == []
    assert cut_at_spans("", [], "legacy", leading_space=True).pieces == []


def test_prefix_space_only_before_the_text() -> None:
    cut = cut_at_spans("ab c", [(1, 2)], "boundary", space_before_text=True)
    assert cut.pieces == [" a", "b", " c"]


@given(texts_with_spans())
def test_pieces_are_the_text_and_start_where_they_say(case: tuple[str, list[tuple[int, int]]]) -> None:
    text, spans = case
    cut = cut_at_spans(text, spans, "boundary")
    assert "".join(cut.pieces) == text
    assert all(text.startswith(piece, start) for piece, start in zip(cut.pieces, cut.starts, strict=True))
    for start, end in spans:
        inside = "".join(cut.pieces[cut.pieces_before[start] : cut.pieces_before[end]])
        assert inside.strip(" ") == text[start:end].strip(" ")
