"""Exact match and F1 of answers: SQuAD's and MLQA's rules, with values that were computed by hand."""

from __future__ import annotations

import pytest

from loreweave.errors import ConfigurationError
from loreweave.metrics.answers import AnswerScore, best_threshold, normalized, score_answer


@pytest.mark.parametrize(
    ("answer", "language", "expected"),
    [
        ("The  Denver, Broncos!", None, "denver broncos"),
        ("An apple a day", None, "apple day"),
        ("a-b", None, "ab"),  # punctuation is removed before articles are looked for
        ("theatre", None, "theatre"),
        ("«Der Fluss»", None, "«der fluss»"),  # only ASCII punctuation
        ("«Der Fluss»", "de", "fluss"),
        ("¿El río?", "es", "río"),
        ("the $5", "en", "5"),
        ("là cái ghế", "vi", "ghế"),
        ("الكتاب", "ar", "كتاب"),
        ("गंगा।", "hi", "गंगा"),
        ("東京 2020年。", "zh", "東 京 2020 年"),
        ("とうきょう 5km", "ja", "と う き ょ う 5km"),
        ("とうきょう", "zh", "とうきょう"),
    ],
)
def test_normalisation(answer: str, language: str | None, expected: str) -> None:
    assert normalized(answer, language) == expected


def test_an_unknown_language_names_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="setting 'language': found 'xx', expected one of en, es, .* or null"):
        normalized("a", "xx")


@pytest.mark.parametrize(
    ("predicted", "gold", "with_negative", "expected"),
    [
        ("Carolina Panthers", ["Panthers", "the team"], False, (0, 2 / 3)),
        ("the Panthers", ["Panthers"], False, (1, 1)),
        ("b b c", ["b c c"], False, (0, 2 / 3)),  # a bag of words: b and c are common
        (None, ["Panthers"], False, (0, 0)),
        (None, [], True, (0, 0)),
        ("", [], True, (1, 1)),
        ("x", [], True, (0, 0)),
        ("", ["x"], True, (0, 0)),
        ("the", ["The"], False, (1, 0)),  # nothing is left of both: exact, but without a common word
        ("the", ["The"], True, (1, 1)),  # SQuAD 2.0: the question counts as one without an answer
        ("x", ["the", "x"], True, (1, 1)),
    ],
)
def test_scores_by_hand(predicted: str | None, gold: list[str], with_negative: bool, expected: tuple[float, float]) -> None:
    assert score_answer(predicted, gold, with_negative=with_negative) == pytest.approx(AnswerScore(*expected))


def test_the_best_threshold_by_hand() -> None:
    # All "no answer": the two questions without an answer are right, 2 of 4. Up to -1: question 0 is won, 3 of 4.
    # Up to 0: question 1 has no answer and is lost, 2. Up to 2: question 2 is won, 3. Up to 5: question 3 is lost, 2.
    found = best_threshold([1, 0, 1, 0], [-1, 0, 2, 5], [True, False, True, False], [True] * 4)
    assert found == (0.75, -1.0)
    assert best_threshold([1, 1], [0.5, 0.5], [True, False], [True, False]) == (1.0, 0.5)  # refused anyway: nothing is lost
    assert best_threshold([], [], [], []) == (0.0, 0.0)


def test_no_threshold_lies_between_equal_scores() -> None:
    arguments = ([1, 0], [0.5, 0.5], [True, False], [True, True])
    assert best_threshold(*arguments) == (1.0, 0.5)  # the official script stops between the two
    assert best_threshold(*arguments, attainable=True) == (0.5, 0.0)


def test_no_answer_for_all_questions_is_below_all_scores() -> None:
    arguments = ([0, 0, 0], [-3.0, -2.0, 1.0], [False, False, True], [True] * 3)
    assert best_threshold(*arguments) == (2 / 3, 0.0)  # the official script, although two scores are below 0
    score, threshold = best_threshold(*arguments, attainable=True)
    assert score == 2 / 3 and threshold < -3.0
