from typing import Any

import pytest

from loreweave.attention.capture.predictions import MOST_LABELS, prediction_of, with_answer
from loreweave.attention.captured import Prediction


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            {"predicted": [{"start": 0, "end": 3, "label": "person", "probability": 0.5}], "gold": ["x"]},
            Prediction(["person 0-3"], [0.5], ["x"], ["person 0-3"]),
        ),
        (
            {"predicted": "no", "probability": 0.7, "probabilities": {"yes": 0.3, "no": 0.7}},
            Prediction(["no", "yes"], [0.7, 0.3], None, ["no"]),
        ),
        (  # a threshold of its own: the most probable label is not above it, or a less probable one is
            {"predicted": ["b", "a"], "probabilities": {"a": 0.3, "b": 0.4, "c": 0.1}, "gold": ["a"]},
            Prediction(["b", "a", "c"], [0.4, 0.3, 0.1], ["a"], ["b", "a"]),
        ),
        ({"predicted": ["a", "b"]}, Prediction(["a", "b"], [None, None], None, ["a", "b"])),
        ({"predicted": [], "gold": []}, Prediction([], [], [], [])),
        ({"predicted": 3.7000000476}, Prediction(["3.7"], [None], None, ["3.7"])),
        (
            {"predicted": "Oslo", "probability": 0.6, "gold": ["Oslo", "Oslo", "in Oslo"]},
            Prediction(["Oslo"], [0.6], ["Oslo", "in Oslo"], ["Oslo"], True),
        ),
        (
            {"predicted": "", "probability": 0.6, "gold": []},
            Prediction(["no answer"], [0.6], ["no answer"], ["no answer"], True),
        ),
        (
            {
                "predicted": "Ann", "probability": 0.9, "gold": ["Ann"],
                "ranked": [{"mention": "Ann", "start": 0, "end": 3, "probability": 0.9},
                           {"mention": "Bob", "start": 8, "end": 11, "probability": 0.2}],
            },
            Prediction(["Ann", "Bob 8-11"], [0.9, 0.2], ["Ann"], ["Ann"], True),
        ),
        (
            {
                "predicted": [{"head": 0, "tail": 2, "label": "in", "probability": 0.8}],
                "gold": [{"head": 1, "tail": 2, "label": "in"}],
            },
            Prediction(["in 0\u21922"], [0.8], ["in 1\u21922"], ["in 0\u21922"]),
        ),
        (
            {
                "predicted": [{"start": 0, "end": 4, "entity": "Q585", "label": "Oslo", "probability": 0.8}],
                "gold": [{"start": 0, "end": 4, "entity": "Q585", "mention": "Oslo"}],
            },
            Prediction(["Oslo 0-4"], [0.8], ["Oslo 0-4"], ["Oslo 0-4"]),
        ),
    ],
)  # fmt: skip
def test_predictions_of_any_task_become_labels(row: dict[str, Any], expected: Prediction) -> None:
    assert prediction_of(row) == expected


def test_mentions_of_a_text_are_shown_with_their_words() -> None:
    text = "Ann lives in Oslo."
    row = {
        "predicted": [{"start": 0, "end": 3, "label": "PER", "probability": 0.5},
                      {"start": 13, "end": 17, "entity": "Q585", "label": "Oslo", "probability": 0.8}],
        "gold": [{"start": 0, "end": 3, "label": "PER"}, {"start": 4, "end": 9, "label": "PER"}],
    }  # fmt: skip
    found = prediction_of(row, text)
    assert found is not None and found.predicted == ["PER 0-3 “Ann”", "Oslo 13-17"]
    assert found.gold == ["PER 0-3 “Ann”", "PER 4-9 “lives”"]


def test_a_row_without_an_answer_has_no_prediction() -> None:
    assert prediction_of({"text": "Ann"}) is None


def test_all_predicted_labels_are_kept() -> None:
    shares = {f"label {number}": 1 - number / 100 for number in range(MOST_LABELS + 5)}
    found = prediction_of({"predicted": list(shares)[: MOST_LABELS + 2], "probabilities": shares})
    assert found is not None and found.predicted == found.labels == list(shares)[: MOST_LABELS + 2]


def test_a_scored_row_gets_the_probabilities_of_an_answer() -> None:
    scored = {"id": "1", "predicted": ["a", "b"], "gold": ["b"]}
    assert with_answer(scored, {"id": "x", "predicted": ["b", "a"], "probabilities": {"b": 0.9, "a": 0.6}}) == {
        "id": "1", "predicted": ["b", "a"], "gold": ["b"], "probabilities": {"b": 0.9, "a": 0.6}
    }  # fmt: skip
    assert with_answer(scored, None) == scored
