"""Relation classification does what every task on records does."""

from __future__ import annotations

import json

from task_cases import RecordTaskCases

PLACES = {"Ann": "lives_in", "Bob": "works_in", "She": "no_relation", "He": "lives_in"}


def span(text: str, words: str) -> dict[str, int]:
    start = text.index(words)
    return {"start": start, "end": start + len(words)}


class TestRelationClassification(RecordTaskCases):
    name = "relation-classification"
    rows = [
        {"text": text, "head": span(text, name), "tail": span(text, "Oslo"), "label": label}
        for name, label in PLACES.items()
        for text in (f"{name} is in Oslo .",)
    ]
    gold = ("label",)
    bad = [
        ({"head": {"start": 3, "end": 2}}, "head"),
        ({"tail": "Oslo"}, "tail"),
        ({"label": 5}, "label"),
        ({"text": None}, "text"),
    ]
    long = {"text": "ann lives in oslo . " * 10, "head": {"start": 0, "end": 3}, "tail": {"start": 13, "end": 17}}
    examples = {
        "annotated-text": json.dumps(
            {"id": "0", "text": "Ann left Oslo.", "mentions": [{"start": 0, "end": 3}, {"start": 9, "end": 13}],
             "metadata": {"relations": [{"head": 0, "tail": 1, "label": "left"}]}}
        ),
    }  # fmt: skip
    without_example = {"docred-all-pairs": "tasks/relation_classification/test_reader.py"}
