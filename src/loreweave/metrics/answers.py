"""Scores of answers to questions as in the official scripts of SQuAD 1.1 and ReCoRD: exact match and F1.

Definitions: Rajpurkar et al. (2016, SQuAD); Zhang et al. (2018, ReCoRD), whose script takes both from that of SQuAD.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


class AnswerScore(NamedTuple):
    """Exact match (0 or 1) and F1 (0 to 1) of one answer."""

    exact: float
    f1: float


def normalized(answer: str) -> str:
    """An answer in lower case without ASCII punctuation, English articles and superfluous white space.

    Example:
        >>> normalized("The  Beatles' U.S. tour")
        'beatles us tour'
    """
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())


def score_answer(predicted: str | None, gold: Sequence[str]) -> AnswerScore:
    """The best score of a predicted answer over all gold answers.

    Args:
        predicted: the predicted answer; None if there is no prediction, which is wrong.
        gold: the gold answers, at least one.

    Example:
        >>> score_answer("Carolina Panthers", ["Panthers"]).f1
        0.6666666666666666
    """
    if predicted is None:
        return AnswerScore(0.0, 0.0)
    found, answers = normalized(predicted), [normalized(answer) for answer in gold]
    exact = max(float(found == answer) for answer in answers)
    return AnswerScore(exact, max(_f1(found.split(), answer.split()) for answer in answers))


def _f1(predicted: list[str], gold: list[str]) -> float:
    """F1 of two bags of words; 0 if they share none, even if both are empty."""
    common = (Counter(predicted) & Counter(gold)).total()
    return 2 * common / (len(predicted) + len(gold)) if common else 0.0
