"""Cloze questions do what every task on records does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from task_cases import RecordTaskCases


def row(number: int, name: str, place: str, gap: str) -> dict[str, object]:
    text = f"{name} lives in {place} . \n@highlight\n\nThe river is in {place} ."
    second = text.rindex(place)
    spans = [(0, len(name)), (text.index(place), text.index(place) + len(place)), (second, second + len(place))]
    query = f"{name} is in @placeholder ." if gap == place else f"@placeholder works in {place} ."
    candidates = [{"start": start, "end": end} for start, end in spans]
    return {"id": f"q{number}", "text": text, "query": query, "candidates": candidates, "answers": [gap]}


class TestClozeQa(RecordTaskCases):
    name = "cloze-qa"
    rows = [
        {
            "id": "q0", "text": "Ann is long .", "query": "@placeholder is .", "candidates": [{"start": 0, "end": 3}],
            "answers": ["Ann"],
        },
        row(1, "Bob", "Paris", "Bob"),
        row(2, "She", "Oslo", "Oslo"),
    ]  # fmt: skip
    gold = ("answers",)
    rounding = 1e-6
    bad = [
        ({"query": "Who ?"}, "query"),
        ({"text": None}, "text"),
        ({"candidates": [{"start": 3, "end": 900}]}, "candidates"),
        ({"answers": [7]}, "answers"),
    ]
    long = row(0, "Ann", "Oslo", "Oslo") | {"query": "bob works at a bank in the long river " * 3 + "@placeholder ."}

    def right(self, row: Mapping[str, Any]) -> Any:
        """The first of the gold answers."""
        return row["gold"][0]
