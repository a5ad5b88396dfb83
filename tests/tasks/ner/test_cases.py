"""NER does what every task on records does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from task_cases import RecordTaskCases


class TestNer(RecordTaskCases):
    name = "ner"
    rows = [
        {"text": f"{name} is in {place} .", "entities": [[0, len(name), "PER"], [len(name) + 7, len(name) + 11, "LOC"]]}
        for name, place in (("Ann", "Oslo"), ("Bob", "Rome"), ("He", "Oslo"), ("She", "Bonn"))
    ]
    gold = ("entities",)
    bad = [
        ({"entities": [[3, 2, "PER"]]}, "end"),
        ({"entities": "PER"}, "entities"),
        ({"entities": [["a", 2, "PER"]]}, "entities"),
        ({"text": 5}, "text"),
    ]
    long = {"text": "ann lives in oslo . " * 10}
    settings = {"max_mention_length": 4}
    without_example = {"spacy": "corpus/mention_formats/test_spacy_docbin.py"}

    def said(self, row: Mapping[str, Any]) -> Any:
        return sorted((found["start"], found["end"], found["label"]) for found in row["predicted"])
