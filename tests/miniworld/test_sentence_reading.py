"""Names, then relations between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loreweave.miniworld.sentence_reading import describe, marked

TEXTS = ("Ann left Oslo.", "Nobody.")


class Finder:
    def predict(self, texts: Sequence[str]) -> list[list[dict[str, Any]]]:
        ann = {"start": 0, "end": 3, "mention": "Ann", "label": "person"}
        oslo = {"start": 9, "end": 13, "mention": "Oslo", "label": "place"}
        return [[ann, oslo] if text == TEXTS[0] else [] for text in texts]


class Relater:
    def predict_rows(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        def answer(row: Mapping[str, Any]) -> dict[str, Any]:
            sides = {side: {"mention": row["text"][row[side]["start"] : row[side]["end"]]} for side in ("head", "tail")}
            label = "born in" if row["head"]["start"] == 0 else "no_relation"
            return {"id": row["id"], **sides, "predicted": label, "probability": 0.75}

        return [answer(row) for row in rows]


def test_both_together() -> None:
    finder: Any = Finder()
    relater: Any = Relater()
    assert describe(finder, relater, TEXTS) == ["[Ann: person] left [Oslo: place].  Ann -> born in -> Oslo (0.75)", "Nobody."]


def test_marks_do_not_move_what_follows() -> None:
    names = [{"start": 4, "end": 5, "mention": "b", "label": "x"}, {"start": 0, "end": 1, "mention": "a", "label": "y"}]
    assert marked("a - b", names) == "[a: y] - [b: x]"
