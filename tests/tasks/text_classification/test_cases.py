"""Text classification does what every task on records does."""

from __future__ import annotations

from task_cases import RecordTaskCases


class TestTextClassification(RecordTaskCases):
    name = "text-classification"
    rows = [
        {"text": f"{name} lives in {place} .", "label": label}
        for name, place, label in (
            ("Ann", "Oslo", "city"), ("Bob", "a bank", "other"), ("He", "Paris", "city"), ("She", "the river", "place")
        )
    ]  # fmt: skip
    gold = ("label",)
    bad = [({"text": 7}, "text"), ({"label": ["city", "other"]}, "label"), ({"text": None}, "text")]
    long = {"text": "ann lives in oslo . " * 10}
