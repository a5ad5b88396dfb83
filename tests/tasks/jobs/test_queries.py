"""Answers in order, an error in the place of a bad query, and what a query brings along. (Models: each task's jobs.)"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from loreweave.errors import DataError
from loreweave.tasks.jobs.queries import Answerer, Query

Row = dict[str, Any]


def upper(blocks: list[int] | None = None) -> Answerer:
    """Answers with the text in capitals; `!` cannot be read, and a block with `?` fails as a whole."""

    def read(row: Mapping[str, Any], id: str) -> tuple[str, str]:
        if not isinstance(row.get("text"), str) or row["text"] == "!":
            raise DataError(f"found {row.get('text')!r}, expected a string", field="text")
        return id, row["text"]

    def answer(asked: list[tuple[str, str]]) -> list[list[Row]]:
        if blocks is not None:
            blocks.append(len(asked))
        if any(text == "?" for _, text in asked):
            raise DataError("found a mark")
        return [[{"id": id, "text": text, "predicted": text.upper()}] for id, text in asked]

    return Answerer(read, answer)


def queries(rows: Iterable[Any]) -> Iterator[Query]:
    for line, row in enumerate(rows, 1):
        yield Query(f"q.jsonl, line {line}", str(line), row, {"line": line})


def answers(*rows: Any, block: int = 10, strict: bool = False) -> list[Row]:
    return list(upper().answers(queries(rows), block, strict=strict))


@pytest.mark.parametrize("block", [1, 2, 3, 10])
def test_a_bad_query_is_answered_with_an_error_and_the_others_as_ever(block: int) -> None:
    rows = [
        {"text": "a"}, {"text": "?", "id": "x"}, {"text": "!"}, {"text": "b"}, DataError("found broken JSON"), {"text": "c"},
    ]  # fmt: skip
    assert answers(*rows, block=block) == [
        {"id": "1", "text": "a", "predicted": "A"},
        {"id": "x", "line": 2, "error": "found a mark"},
        {"id": "3", "line": 3, "error": "field 'text': found '!', expected a string"},
        {"id": "4", "text": "b", "predicted": "B"},
        {"id": "5", "line": 5, "error": "found broken JSON"},
        {"id": "6", "text": "c", "predicted": "C"},
    ]


@pytest.mark.parametrize("bad", [{"text": "?"}, {"text": "!"}, DataError("found broken JSON")])
@pytest.mark.parametrize("block", [1, 10])
def test_strict_stops_at_the_first_bad_query_and_names_its_place(bad: Any, block: int) -> None:
    given = upper().answers(queries([{"text": "a"}, bad, {"text": "b"}, bad]), block, strict=True)
    assert next(given)["predicted"] == "A"
    with pytest.raises(DataError, match="^q.jsonl, line 2: .*found"):
        next(given)
    with pytest.raises(DataError, match="^query 2: "):
        list(upper()([("query 1", {"text": "a"}), ("query 2", {"text": "!"})]))


def test_one_bad_query_of_many_costs_few_blocks() -> None:
    blocks: list[int] = []
    found = list(upper(blocks).answers(queries([{"text": "?" if number == 37 else "a"} for number in range(64)]), 64))
    assert [number for number, answer in enumerate(found) if "error" in answer] == [37] and len(found) == 64
    assert len(blocks) == 13  # 1 + 2 * log2(64)


def test_own_fields_come_back_and_none_of_ours_is_covered() -> None:
    (answer,) = answers({"text": "a", "id": 7, "source": {"page": 3}, "labels": ["x"], "score": None})
    assert answer == {"id": 7, "text": "a", "predicted": "A", "source": {"page": 3}, "labels": ["x"], "score": None}
    (answer,) = answers({"text": "a", "predicted": "mine", "given": 1})
    assert answer == {"id": "1", "text": "a", "predicted": "A", "given": {"predicted": "mine", "given": 1}}
    (answer,) = answers({"text": "a", "predicted": "A", "given": 1})
    assert answer == {"id": "1", "text": "a", "predicted": "A", "given": 1}


def test_a_field_that_ours_repeats_with_more_is_not_given_twice() -> None:
    head = {"start": 0, "end": 3}
    shown = Answerer(lambda row, id: id, lambda asked: [[{"id": id, "head": head | {"mention": "Ann"}}] for id in asked])
    (answer,) = shown([("here", {"head": head})])
    assert answer == {"id": "1", "head": head | {"mention": "Ann"}}
    (answer,) = shown([("here", {"head": head | {"type": "PER"}})])
    assert answer["given"] == {"head": head | {"type": "PER"}}
    (answer,) = shown([("here", {"head": "Ann"})])  # by its name
    assert "given" not in answer


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"text": "\ud83d Zeltron"}, "text"),
        ({"text": "a", "tokens": ["x", "\udc00"]}, r"tokens\[1\]"),
        ({"text": "a", "head": {"mention": "\ud83d"}}, "head.mention"),
        ({"text": "a", "rows": [{"x": "\ud83d"}]}, r"rows\[0\].x"),
    ],
)
def test_half_a_surrogate_pair_is_named_by_its_field(row: Row, field: str) -> None:
    good, bad = answers({"text": "\U0001f600"}, row)
    assert good["predicted"] == "\U0001f600" and bad["line"] == 2
    with pytest.raises(DataError, match=f"line 2: field '{field}': found an unpaired surrogate"):
        answers({"text": "a"}, row, strict=True)


def test_the_file_is_said_where_there_are_several() -> None:
    asked = [Query("a.txt, line 1", "1", {"text": "a"}, {"file": "a.txt", "line": 1})]
    (answer,) = upper().answers(asked, 5)
    assert answer == {"id": "1", "text": "a", "predicted": "A", "file": "a.txt"}
