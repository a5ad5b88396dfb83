"""Names, their entities, and relations between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

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


class Linker:
    """Knows that Ann is Ann Lee; Oslo has no entity."""

    def predict_rows(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        def answer(row: Mapping[str, Any]) -> dict[str, Any]:
            labels = {"Ann": {"label": "Ann Lee"}, "Oslo": {}}
            found = [{**each, **labels[row["text"][each["start"] : each["end"]]]} for each in row["mentions"]]
            return {"id": row["id"], "predicted": found}

        return [answer(row) for row in rows]


def read(probability: float = 0.75) -> list[ReadSentence]:
    finder, linker, relater = Finder(), Linker(), Relater(probability)
    return read_sentences(cast(Any, finder), cast(Any, linker), cast(Any, relater), TEXTS)


def test_all_three_together() -> None:
    first, second = read()
    assert first.marked() == "[Ann: person, Ann Lee] left [Oslo: place]."
    assert first.relations == [ReadRelation("Ann", "born in", "Oslo", 0.75)]
    assert (second.marked(), second.names, second.relations) == ("Nobody.", [], [])
    assert first.to_dict()["names"][1] == {"start": 9, "end": 13, "mention": "Oslo", "label": "place", "entity": None}


def test_a_text_is_cut_at_its_names() -> None:
    first, second = ReadName(0, 1, "a", "y"), ReadName(4, 5, "b", "x", entity="b")
    read = ReadSentence("a - b", [first, second])
    assert read.parts() == [("a", first), (" - ", None), ("b", second)]
    assert read.marked() == "[a: y] - [b: x]", "an entity with the label of the name adds nothing"


def test_relations_that_are_not_likely_are_not_shown() -> None:
    assert read(probability=0.49)[0].relations == []
