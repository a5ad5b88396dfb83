"""Answers to cloze questions."""

from __future__ import annotations

import numpy as np
import pytest

from loreweave.tasks.cloze_qa.prediction import answer
from loreweave.tasks.cloze_qa.record import ClozeRecord

RECORD = ClozeRecord("q", "Ann met Bob in Oslo.", "@placeholder met him", ((0, 3), (8, 11), (15, 19)))


def test_an_answer_has_all_candidates_that_were_read_with_their_probabilities() -> None:
    (found,) = answer([RECORD], [np.array([[0, -1.0], [2, np.log(3)]])], ["answer"])
    assert (found["predicted"], found["start"], found["end"], found["probability"]) == ("Oslo", 15, 19, 0.75)
    assert found["ranked"] == [
        {"start": 15, "end": 19, "mention": "Oslo", "probability": 0.75},
        {"start": 0, "end": 3, "mention": "Ann", "probability": pytest.approx(1 / (1 + np.e), abs=1e-6)},
    ]
    assert (found["id"], found["text"], found["query"]) == ("q", RECORD.text, RECORD.query)


def test_without_a_candidate_there_is_no_answer() -> None:
    (found,) = answer([RECORD], [np.zeros((0, 2))], ["answer"])
    assert found["predicted"] is None and found["start"] is None and found["ranked"] == []


def test_of_equal_candidates_the_first_one_is_predicted() -> None:
    (found,) = answer([RECORD], [np.array([[0, 2.0], [1, 2.0], [2, 2.0]])], ["answer"])
    assert [row["mention"] for row in found["ranked"]] == ["Ann", "Bob", "Oslo"]
