"""Rows of predictions: which record a row belongs to, whether it is right, and how it is shown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from loreweave.metrics.answers import score_answer

Row = Mapping[str, Any]
RecordKey = tuple[str, str]
"""The unit that is drawn as a whole in a bootstrap (a record, or the episode of a few-shot task), and the row in it."""

NO_PREDICTIONS, NO_GOLD = "no finished run has predictions", "the predictions have no gold answers"
"""Why figures about predictions are not shown."""
NIL = "NIL"
"""The entity of a mention without one."""
_AROUND = 120
"""Characters of the text that are shown before and after a mention."""
_PLACE = ("start", "end", "head", "tail")
_MOST_PARTS = 10
_TRIPLE = ("head", "relation", "tail")


def keyed(rows: Iterable[Row]) -> dict[RecordKey, Row] | None:
    """The rows by the records that they belong to; None if they do not name their records.

    Rows of a few-shot task are named by episode and query, those of link prediction by their triple, all others by `id`. If
    several rows have one name, they are numbered in their order.
    """
    found: dict[RecordKey, Row] = {}
    seen: dict[str, int] = {}
    for row in rows:
        if "episode" in row:
            unit, place = f"episode {row['episode']}", row.get("query", row.get("sentence"))
        elif row.get("id") is not None:
            unit, place = str(row["id"]), None
        elif all(isinstance(row.get(name), str) for name in _TRIPLE):
            unit, place = " ".join(row[name] for name in _TRIPLE), None
        else:
            return None
        seen[unit] = seen.get(unit, 0) + 1
        found[unit, str(seen[unit] if place is None else place)] = row
    return found


def has_gold(row: Row) -> bool:
    """Whether a row has a prediction and a gold answer."""
    return row.get("gold") is not None and "predicted" in row


def is_right(row: Row) -> bool:
    """Whether a prediction is exactly right: an answer after normalisation as in `exact_match`, of ranked answers the first."""
    for name in ("exact_match", "rank"):
        if isinstance(row.get(name), int | float):
            return bool(row[name] == 1)
    predicted, gold = row["predicted"], row["gold"]
    if isinstance(predicted, str) and isinstance(gold, list) and "question" in row:
        return score_answer(predicted, gold, with_negative=True).exact == 1
    return exactly_right(predicted, gold)


def exactly_right(predicted: object, gold: object) -> bool:
    """Whether they are equal; lists of mentions are compared by what the gold mentions have."""
    if isinstance(predicted, list) and isinstance(gold, list):
        return sorted(items_of(predicted)) == sorted(items_of(gold))
    return predicted in gold if isinstance(gold, list) else predicted == gold


def items_of(value: object) -> list[str]:
    """What is counted in an answer: a label, the labels of a list, or mentions and facts by place and label; each once."""
    if value is None:
        return []
    parts = value if isinstance(value, list) else [value]
    return list(dict.fromkeys(_item(part) for part in parts))


def label_of_item(item: str) -> str:
    """The label in one of `items_of`."""
    return item.rpartition("\t")[2]


def gold_text(row: Row) -> str:
    """The gold answer as text in which equal answers are equal."""
    gold = row.get("gold")
    if isinstance(gold, list):  # as the file names entities: their ids depend on the table of the system
        gold = [{name: part[name] for name in part if name != "id"} if isinstance(part, Mapping) else part for part in gold]
    return json.dumps(sorted(items_of(gold)) if isinstance(gold, list) else gold, ensure_ascii=False)


def around(row: Row) -> str:
    """The text with its mention in brackets, shortened around it."""
    given = (row.get(name) for name in ("text", "question", "query"))  # the query of an episode is a number
    text = next((one for one in given if isinstance(one, str) and one), " ".join(map(str, row.get("tokens") or ())))
    start, end = row.get("start"), row.get("end")
    if not (isinstance(start, int) and isinstance(end, int) and 0 <= start <= end <= len(text)) or "question" in row:
        return text if len(text) <= 2 * _AROUND else text[: 2 * _AROUND] + " ..."
    before, after = text[max(0, start - _AROUND) : start], text[end : end + _AROUND]
    return f"{'... ' if start > _AROUND else ''}{before}[{text[start:end]}]{after}{' ...' if end + _AROUND < len(text) else ''}"


def question_of(row: Row) -> str | None:
    """The question of a row, or the sentence with a gap; None if the task asks none."""
    return next((row[name] for name in ("question", "query") if isinstance(row.get(name), str)), None)


def excerpt(text: str, row: Row) -> str:
    """A text shortened around the predicted [in brackets] and the gold {in braces} answer to a question."""
    start, end, predicted = row.get("start"), row.get("end"), row.get("predicted")
    guess = _span(text, [predicted] if isinstance(predicted, str) else [])
    if isinstance(start, int) and isinstance(end, int) and 0 <= start < end and text[start:end] == predicted:
        guess = start, end
    gold = _span(text, row["gold"] if isinstance(row.get("gold"), list) else [row.get("gold")])
    if guess and gold and max(guess[0], gold[0]) < min(guess[1], gold[1]):
        gold = None  # one in the other
    marks = sorted([*([(*guess, "[", "]")] if guess else []), *([(*gold, "{", "}")] if gold else [])])
    if not marks:
        return text if len(text) <= 2 * _AROUND else text[: 2 * _AROUND] + " ..."
    said, done = "", 0
    for start, end, before, after in marks:
        begin = max(done, start - _AROUND)
        said += f"{' ... ' if begin > done else ''}{text[begin:start]}{before}{text[start:end]}{after}"
        following = min([len(text), end + _AROUND, *(other for other, *_ in marks if other > start)])
        said += text[end:following]
        done = following
    return said.lstrip() + (" ..." if done < len(text) else "")


def _span(text: str, answers: Sequence[Any]) -> tuple[int, int] | None:
    """The first place of the first answer that the text has."""
    found = ((text.find(one), len(one)) for one in answers if isinstance(one, str) and one)
    return next(((start, start + size) for start, size in found if start >= 0), None)


def short(value: Any, row: Row | None = None) -> str:
    """Names of classes, or mentions with their labels, equal ones (answers of several annotators) once; the first ten.

    Spans of tokens are shown with the tokens of their `row`.
    """
    tokens = (row or {}).get("tokens") or ()
    parts = list(dict.fromkeys(_named(part, tokens) for part in (value if isinstance(value, list) else [value])))
    more = [f"and {len(parts) - _MOST_PARTS} more"] if len(parts) > _MOST_PARTS else []
    return ", ".join([*parts[:_MOST_PARTS], *more]) or "none"


def _named(part: Any, tokens: Sequence[Any]) -> str:
    if not isinstance(part, Mapping):
        return "none" if part is None else str(part)
    start, end = part.get("start"), part.get("end")
    within = isinstance(start, int) and isinstance(end, int) and " ".join(map(str, tokens[max(0, start) : end]))
    place = within or " ".join(str(part[name]) for name in _PLACE if name in part)
    name = part.get("mention", part.get("text", place))
    label = part.get("label", part.get("entity"))
    return str(name) if label is None else f"{name} ({label})"


def _item(part: object) -> str:
    """A label, or place and label: of a linked mention the entity, whose own label only the prediction has. The same entity
    may have several names, but it has one id; an entity without an id is none of the table, and counts as NIL."""
    if not isinstance(part, Mapping):
        return str(part)
    linked = "entity" in part
    if linked and "id" in part:
        part = {**part, "entity": NIL if part["id"] is None else part["id"]}
    names = (*_PLACE, "entity" if linked else "label")
    return "\t".join(str(part[name]) for name in names if name in part)
