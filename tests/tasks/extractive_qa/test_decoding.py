"""From scores to answers: by hand, against the rules of BERT's code written out, and from perfect scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loreweave.tasks.extractive_qa.decoding import ScoredWindow, decode, top

CONTEXT = "a b c d e"
OFFSETS = np.array([[place, place + 1] for place in range(0, 9, 2)])


def window(starts: list[float], ends: list[float], own: tuple[int, int] | None = None) -> ScoredWindow:
    """One special token, then the five words of the context."""
    return ScoredWindow(np.array(starts), np.array(ends), 1, own or (1, 6), OFFSETS)


def texts(rows: np.ndarray) -> list[str]:
    return [CONTEXT[int(row[0]) : int(row[1])] for row in rows[1:]]


def test_answers_by_hand() -> None:
    #                     none  a  b  c  d  e
    scored = window([0.5, 1, 5, 0, 0, 0], [0.25, 0, 2, 4, 0, 3])
    found = decode([scored], CONTEXT, n_best=2, longest=3)
    # The two best starts are b (5) and a (1); the two best ends are c (4) and e (3). b-e has four words: too long.
    assert found.tolist() == [[-1, -1, 0.5, 0.25], [2, 5, 5, 4], [0, 5, 1, 4]]
    assert texts(decode([scored], CONTEXT, n_best=2, longest=4)) == ["b c", "b c d e"]


def test_an_answer_does_not_end_before_it_begins() -> None:
    found = decode([window([0, 0, 0, 0, 9, 0], [0, 0, 9, 0, 1, 0])], CONTEXT, n_best=6, longest=5)
    assert texts(found)[0] == "d"


def test_special_tokens_and_the_question_are_no_answers_but_take_places() -> None:
    scored = ScoredWindow(np.array([9.0, 8, 1, 0, 0, 0]), np.array([9.0, 8, 0, 1, 0, 0]), 2, (2, 6), OFFSETS[:4])
    assert texts(decode([scored], CONTEXT, n_best=3, longest=5)) == ["a b"]


def test_if_no_answer_is_among_the_best_scores_all_are_combined() -> None:
    scored = ScoredWindow(np.array([9.0, 8, 1, 0, 2, 0]), np.array([9.0, 8, 0, 1, 0, 4]), 2, (2, 6), OFFSETS[:4])
    found = decode([scored], CONTEXT, n_best=2, longest=2)
    assert texts(found) == ["c d", "d"] and found[1].tolist() == [4, 7, 2, 4]


def test_no_answer_has_the_smallest_score_over_the_windows() -> None:
    first, second = window([3, 1, 0, 0, 0, 0], [3, 1, 0, 0, 0, 0]), window([1, 0, 0, 0, 0, 0], [2, 0, 0, 0, 0, 0])
    assert decode([first, second], CONTEXT, n_best=2, longest=3)[0].tolist() == [-1, -1, 1, 2]


def test_answers_begin_where_their_first_word_has_most_context() -> None:
    scores = [0.0, 0, 9, 0, 5, 0]
    assert texts(decode([window(scores, scores, own=(4, 6))], CONTEXT, n_best=6, longest=1)) == ["d", "e"]


def test_of_answers_with_one_text_the_best_counts() -> None:
    context = "b a b"
    offsets = np.array([[0, 1], [2, 3], [4, 5]])
    scored = ScoredWindow(np.array([0.0, 1, 0, 2]), np.array([0.0, 1, 0, 2]), 1, (1, 4), offsets)
    found = decode([scored], context, n_best=4, longest=1)
    assert found[1:, :2].tolist() == [[4, 5], [2, 3]]


def test_a_context_without_sub_words_has_no_answer() -> None:
    empty = ScoredWindow(np.array([1.0, 0]), np.array([2.0, 0]), 1, (1, 1), np.zeros((0, 2), dtype=int))
    assert decode([empty], "", n_best=3, longest=3).tolist() == [[-1, -1, 1, 2]]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=80), st.integers(1, 20))
def test_the_largest_scores_in_order(values: list[int], count: int) -> None:
    scores = np.array(values, dtype=np.float32)
    assert top(scores, count).tolist() == sorted(range(len(values)), key=lambda place: -values[place])[:count]


@pytest.mark.parametrize("seed", range(20))
def test_random_scores_against_the_rules_written_out(seed: int) -> None:
    random = np.random.default_rng(seed)
    context = " ".join(random.choice(list("abcdefghij"), 40))
    offsets = np.array([[place, place + 1] for place in range(0, 80, 2)])
    windows = []
    for first, last, own in ((0, 25, (0, 18)), (15, 40, (18, 40))):
        starts, ends = random.normal(size=(2, 30)).round(2)  # five sub-words before and none after
        windows.append(ScoredWindow(starts, ends, 5, (own[0] - first + 5, own[1] - first + 5), offsets[first:last]))
    found = decode(windows, context, n_best=5, longest=7)
    expected = by_the_rules(windows, context, 5, 7)
    if expected:
        assert [(context[int(r[0]) : int(r[1])], round(r[2] + r[3], 6)) for r in found[1:]] == expected


def by_the_rules(windows: list[ScoredWindow], context: str, n_best: int, longest: int) -> list[tuple[str, float]]:
    """The loops of BERT's code: all pairs of the best starts and ends, sorted by score, the first of each text."""
    pairs = []
    for each in windows:
        starts = sorted(range(len(each.starts)), key=lambda place: -each.starts[place])[:n_best]
        ends = sorted(range(len(each.ends)), key=lambda place: -each.ends[place])[:n_best]
        for start in starts:
            for end in ends:
                inside = each.own[0] <= start < each.own[1] and each.first <= end < each.first + len(each.offsets)
                if inside and 0 <= end - start < longest:
                    place = each.offsets[start - each.first][0], each.offsets[end - each.first][1]
                    pairs.append((context[place[0] : place[1]], each.starts[start] + each.ends[end]))
    pairs.sort(key=lambda pair: -pair[1])
    distinct: dict[str, float] = {}
    for text, score in pairs:
        distinct.setdefault(text, score)
    return [(text, round(score, 6)) for text, score in distinct.items()][:n_best]
