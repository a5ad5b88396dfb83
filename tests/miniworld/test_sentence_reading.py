"""Names, then relations between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loreweave.miniworld.sentence_reading import ReadName, ReadRelation, ReadSentence, read_sentences

TEXTS = ("Ann left Oslo.", "Nobody.")


class Finder:
    def predict(self, texts: Sequence[str]) -> list[list[dict[str, Any]]]:
        ann = {"start": 0, "end": 3, "mention": "Ann", "label": "person"}
        oslo = {"start": 9, "end": 13, "mention": "Oslo", "label": "place"}
        return [[ann, oslo] if text == TEXTS[0] else [] for text in texts]


class Relater:
    def __init__(self, probability: float = 0.75) -> None:
        self.probability = probability

    def predict_rows(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        def answer(row: Mapping[str, Any]) -> dict[str, Any]:
            sides = {side: {"mention": row["text"][row[side]["start"] : row[side]["end"]]} for side in ("head", "tail")}
            label = "born in" if row["head"]["start"] == 0 else "no_relation"
            return {"id": row["id"], **sides, "predicted": label, "probability": self.probability}

        return [answer(row) for row in rows]


def test_both_together() -> None:
    finder: Any = Finder()
    relater: Any = Relater()
    first, second = read_sentences(finder, relater, TEXTS)
    assert first.marked() == "[Ann: person] left [Oslo: place]."
    assert first.relations == [ReadRelation("Ann", "born in", "Oslo", 0.75)]
    assert (second.marked(), second.names, second.relations) == ("Nobody.", [], [])
    assert first.to_dict()["names"][1] == {"start": 9, "end": 13, "mention": "Oslo", "label": "place"}


def test_a_text_is_cut_at_its_names() -> None:
    read = ReadSentence("a - b", [ReadName(0, 1, "a", "y"), ReadName(4, 5, "b", "x")])
    assert read.parts() == [("a", "y"), (" - ", None), ("b", "x")]
    assert read.marked() == "[a: y] - [b: x]"


def test_relations_that_are_not_likely_are_not_shown() -> None:
    finder: Any = Finder()
    relater: Any = Relater(probability=0.49)
    assert read_sentences(finder, relater, TEXTS)[0].relations == []
