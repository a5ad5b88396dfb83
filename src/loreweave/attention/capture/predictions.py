"""Rows of predictions of any task as the predictions of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from loreweave.attention.captured import Prediction

MOST_LABELS = 10
"""Number of labels of a prediction that are kept, besides all predicted ones."""
NO_ANSWER = "no answer"
_OF_ANSWER = ("predicted", "probability", "probabilities", "ranked")
"""Fields of an answer of `loreweave predict` that replace those of a scored row, which may have no probabilities."""


def with_answer(scored: Mapping[str, Any], answer: Mapping[str, Any] | None) -> dict[str, Any]:
    """The row of a scored record, with what `loreweave predict` answers for it."""
    return {**scored, **{name: answer[name] for name in _OF_ANSWER if name in (answer or {})}}  # type: ignore[index]


def prediction_of(row: Mapping[str, Any], text: str = "") -> Prediction | None:
    """The prediction in a row of predictions of any task: the most probable labels first.

    Args:
        row: the row.
        text: text of its mentions, whose words are shown. Empty: it has several texts.
    """
    predicted, probabilities, given = row.get("predicted"), row.get("probabilities"), row.get("gold")
    if predicted is None and not isinstance(probabilities, Mapping) and "gold" not in row:
        return None
    titles = _titles(predicted)
    named = partial(_name, titles=titles, text=text)
    gold = [named(label) for label in _listed(given)] if "gold" in row else None
    alternatives = isinstance(predicted, str) and isinstance(given, (list, tuple))
    if alternatives and gold is not None:
        gold = list(dict.fromkeys(gold)) or [NO_ANSWER]
    if isinstance(probabilities, Mapping):
        shares = {str(name): float(share) for name, share in probabilities.items()}
        chosen = [named(label) for label in _listed(predicted)]
        order = sorted(shares, key=lambda name: -shares[name])
        kept = [name for place, name in enumerate(order) if place < MOST_LABELS or name in chosen]
        best = [name for name in order if name in chosen] if "predicted" in row else None
        return Prediction(kept, [shares[name] for name in kept], gold, best, alternatives)
    labels = [named(label) for label in _listed(predicted)]
    found = [_probability(label) for label in _listed(predicted)]
    if found == [None]:
        found = [_probability(row)]
    others = [(_name(one, {}, text), _probability(one)) for one in _listed(row.get("ranked")) if isinstance(one, Mapping)]
    if isinstance(predicted, str) and others:  # candidates: that with the predicted words is the best one
        rest = [(name, share) for name, share in others[1:MOST_LABELS]]
        return Prediction([*labels, *(name for name, _ in rest)], [*found, *(share for _, share in rest)], gold, labels, True)
    return Prediction(labels, found, gold, labels, alternatives)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [] if value is None else [value]


def _probability(label: Any) -> float | None:
    """Probability of a label; None: the row has none."""
    share = label.get("probability") if isinstance(label, Mapping) else None
    return None if share is None else float(share)


def _titles(predicted: Any) -> dict[Any, str]:
    """Titles of entities by id, of predicted ones and of their candidates: gold rows have ids only."""
    rows = [label for label in _listed(predicted) if isinstance(label, Mapping)]
    rows += [one for label in rows for one in _listed(label.get("candidates"))]
    return {one["entity"]: str(one["label"]) for one in rows if one.get("entity") and one.get("label")}


def _name(label: Any, titles: Mapping[Any, str], text: str) -> str:
    """A label in words: that of a mention with its characters and words, that of a fact with the numbers of its entities."""
    if isinstance(label, float):
        return f"{label:.4g}"
    if not isinstance(label, Mapping):
        return str(label) or NO_ANSWER
    what = label.get("label") or titles.get(label.get("entity")) or _first(label, ("entity", "relation", "text", "mention"))
    if "head" in label and "tail" in label:
        return f"{what} {label['head']}\N{RIGHTWARDS ARROW}{label['tail']}"
    if "start" not in label or "end" not in label:
        return str(what)
    words = text[label["start"] : label["end"]]
    place = f"{what} {label['start']}-{label['end']}"
    return place if words in ("", what) else f"{place} “{words}”"


def _first(label: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((label[name] for name in names if label.get(name)), "")
