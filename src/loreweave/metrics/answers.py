"""Scores of answers to questions as in the official scripts of SQuAD 1.1, SQuAD 2.0 and MLQA: exact match and F1."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from loreweave.errors import ConfigurationError

_ARTICLES = {
    "en": r"\b(a|an|the)\b",
    "es": r"\b(un|una|unos|unas|el|la|los|las)\b",
    "vi": r"\b(của|là|cái|chiếc|những)\b",
    "de": r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    "ar": "ال",
}
_SIGNS = {
    "zh": "[\u4e00-\u9fa5]",
    "ja": "[\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f]",
}
"""Characters that are words of their own, in languages that are written without spaces."""
Language = Literal["en", "es", "de", "ar", "hi", "vi", "zh", "ja"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
"""Languages with a normalisation of their own: those of MLQA, and Japanese, which is treated as Chinese is in MLQA."""
_SQUAD_PUNCTUATION = str.maketrans("", "", string.punctuation)


class AnswerScore(NamedTuple):
    """Exact match (0 or 1) and F1 (0 to 1) of one answer."""

    exact: float
    f1: float


def normalized(answer: str, language: str | None = None) -> str:
    """An answer in lower case without punctuation, articles and superfluous white space.

    Args:
        answer: the answer.
        language: one of `LANGUAGES`, whose rules are those of MLQA's script. None: the rules of SQuAD's scripts, which
            remove ASCII punctuation and English articles.

    Raises:
        ConfigurationError: an unknown language.

    Example:
        >>> normalized("The  Broncos!"), normalized("der  Fluss"), normalized("der  Fluss", "de"), normalized("東京都", "zh")
        ('broncos', 'der fluss', 'fluss', '東 京 都')
    """
    return _rules(language)(answer)


@lru_cache
def _rules(language: str | None) -> Callable[[str], str]:
    if language is not None and language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise ConfigurationError(f"setting 'language': found {language!r}, expected one of {known}, or null for SQuAD's rules")
    articles = re.compile(_ARTICLES[language or "en"]) if (language or "en") in _ARTICLES else None
    signs = re.compile(_SIGNS[language]) if language in _SIGNS else None

    def rules(answer: str) -> str:
        text = answer.lower()
        text = text.translate(_SQUAD_PUNCTUATION) if language is None else _without_punctuation(text)
        text = text if articles is None else articles.sub(" ", text)
        text = text if signs is None else signs.sub(r" \g<0> ", text)
        return " ".join(text.split())

    return rules


def _without_punctuation(text: str) -> str:
    return "".join(sign for sign in text if sign not in string.punctuation and unicodedata.category(sign)[0] != "P")


def score_answer(
    predicted: str | None, gold: Sequence[str], language: str | None = None, *, with_negative: bool = False
) -> AnswerScore:
    """The best score of a predicted answer over all gold answers.

    Args:
        predicted: the predicted answer, empty for "no answer"; None if there is no prediction, which is wrong.
        gold: the gold answers; none for a question without an answer.
        language: see `normalized`.
        with_negative: rules of SQuAD 2.0, where no answer can be right. The rules of 1.1 differ in one detail: a
            prediction of which nothing is left after normalisation has an F1 of 0.

    Raises:
        ConfigurationError: an unknown language.

    Example:
        >>> score_answer("the Denver Broncos", ["Broncos", "Denver Broncos"])
        AnswerScore(exact=1.0, f1=1.0)
        >>> score_answer("Carolina Panthers", ["Panthers"]).f1
        0.6666666666666666
    """
    if predicted is None:
        return AnswerScore(0.0, 0.0)
    rules = _rules(language)
    answers = [rules(answer) for answer in gold]
    if with_negative:
        answers = [answer for answer in answers if answer] or [""]
    found = rules(predicted)
    exact = max((float(found == answer) for answer in answers), default=0.0)
    f1 = max((_f1(found.split(), answer.split(), with_negative) for answer in answers), default=0.0)
    return AnswerScore(exact, f1)


def _f1(predicted: list[str], gold: list[str], with_negative: bool) -> float:
    if with_negative and not (predicted and gold):
        return float(predicted == gold)
    common = sum((Counter(predicted) & Counter(gold)).values())
    if not common:
        return 0.0
    precision, recall = common / len(predicted), common / len(gold)
    return 2 * precision * recall / (precision + recall)


class BestThreshold(NamedTuple):
    """Mean score at the best threshold (0 to 1), and the threshold: higher null scores mean no answer."""

    score: float
    threshold: float


def best_threshold(
    scores: Sequence[float],
    null_scores: Sequence[float],
    has_answer: Sequence[bool],
    answered: Sequence[bool],
    *,
    attainable: bool = False,
) -> BestThreshold:
    """The threshold of the null score with the highest mean score, as SQuAD 2.0's script finds it.

    Args:
        scores: exact match or F1 of the prediction for each question.
        null_scores: score of "no answer" for each question, such as a probability or a difference of logits.
        has_answer: whether each question has a gold answer.
        answered: whether each prediction is an answer (a text that is not empty).
        attainable: only consider thresholds that give the score. The script also stops between equal null scores, where no
            threshold can be, and gives 0 if "no answer" is best for all questions, also where null scores are below 0.

    Example:
        >>> best_threshold([1.0, 0.0, 0.0], [-2.0, 3.0, 1.0], [True, False, True], [True, True, True])
        BestThreshold(score=0.6666666666666666, threshold=-2.0)
    """
    current = best = float(sum(not has for has in has_answer))
    order = sorted(range(len(scores)), key=lambda number: null_scores[number])
    least = null_scores[order[0]] if order else 1.0
    threshold = 0.0 if least > 0 or not attainable else least - 1.0
    for place, number in enumerate(order):
        if has_answer[number]:
            current += scores[number]
        elif answered[number]:
            current -= 1
        last = place + 1 == len(order) or null_scores[order[place + 1]] != null_scores[number]
        if current > best and (last or not attainable):
            best, threshold = current, float(null_scores[number])
    return BestThreshold(best / len(scores) if scores else 0.0, threshold)
