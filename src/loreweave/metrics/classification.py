"""Scores of single-label classification that GLUE names: the F1 of one class, macro F1, Matthews correlation.

Predictions and gold are label names, one an example; a prediction of None is an example that a system left out: wrong.

Definitions: Matthews (1975) for two classes, Gorodkin (2004) for more; Wang et al. (2019, GLUE) for which task has which.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from loreweave.metrics.relations import accuracy, check_same_length, count_labels


def matthews_correlation(predicted: Sequence[str | None], gold: Sequence[str]) -> float:
    """Correlation of predicted and gold classes, from -1 to 1; 0 where all predictions, or all gold labels, are one class."""
    check_same_length(predicted, gold)
    number = len(gold)
    guesses, truths = Counter(predicted), Counter(gold)
    correct = sum(guess == truth for guess, truth in zip(predicted, gold, strict=True))
    together = sum(count * truths[label] for label, count in guesses.items() if label is not None)
    spread = [number**2 - sum(count**2 for count in counts.values()) for counts in (guesses, truths)]
    return (correct * number - together) / math.sqrt(spread[0] * spread[1]) if all(spread) else 0.0


def classification_scores(
    predicted: Sequence[str | None], gold: Sequence[str], positive: str | None = None
) -> dict[str, float]:
    """All of them by name; `precision`, `recall` and `f1` of the class `positive`, where one is named.

    `macro_f1` is the mean over all classes that are gold or predicted somewhere.
    """
    counts = count_labels(predicted, gold)
    each = [count.score.f1 for count in counts.values()]
    scores = {
        "accuracy": accuracy(predicted, gold),
        "macro_f1": sum(each) / len(each) if each else 0.0,
        "matthews_correlation": matthews_correlation(predicted, gold),
    }
    if positive is None:
        return scores
    found = counts[positive].score if positive in counts else None
    names = ("precision", "recall", "f1")
    return scores | {name: 0.0 if found is None else getattr(found, name) for name in names}
