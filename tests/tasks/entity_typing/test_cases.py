"""Entity typing does what every task on records does."""

from __future__ import annotations

from task_cases import RecordTaskCases
from tiny_encoders import TYPING_ROWS


class TestEntityTyping(RecordTaskCases):
    name = "entity-typing"
    rows = TYPING_ROWS[:6]
    gold = ("labels",)
    bad = [({"start": "0"}, "start"), ({"end": 99}, "end"), ({"labels": "person"}, "labels"), ({"sent": 7}, "sent")]
    long = {"sent": "ann lives in oslo . " * 10, "start": 0, "end": 3}
    without_example = {
        "spacy": "corpus/mention_formats/test_spacy_docbin.py",
        "ufet-coarse": "tasks/entity_typing/test_reader.py",
    }
