"""Scores of cloze questions: by hand, for our outputs and for files of predictions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loreweave.errors import DataError
from loreweave.tasks.cloze_qa.record import ClozeRecord
from loreweave.tasks.cloze_qa.scoring import score, score_predictions

TEXT = "James Watt met Watt in Glasgow."
SPANS = ((0, 10), (15, 19), (23, 30))
RECORDS = [
    ClozeRecord("q1", TEXT, "@placeholder met him", SPANS, ("James Watt", "J. Watt"), (0,)),
    ClozeRecord("q2", TEXT, "he met @placeholder", SPANS, ("Watt",), (1,)),
    ClozeRecord("q3", TEXT, "in @placeholder", SPANS, ("Glasgow",), (2,)),
    ClozeRecord("q4", TEXT, "@placeholder?", SPANS),
    ClozeRecord("q5", TEXT, "nobody knows @placeholder", (), ("Greenock",)),
]
OUTPUTS = [np.array(rows, dtype=float).reshape(-1, 2) for rows in (
    [[0, 0.0], [1, 1.0], [2, -1.0]], [[0, -2.0], [1, 3.0]], [[0, 4.0]], [[2, 0.5]], [],
)]  # fmt: skip


def write(folder: Path, content: Any) -> Path:
    path = folder / "predictions.json"
    path.write_text("\n".join(map(json.dumps, content)) if isinstance(content, list) else json.dumps(content))
    return path


def test_the_best_candidate_is_scored_against_every_answer() -> None:
    """q1: Watt against James Watt and J. Watt; q2 is right; q3 is wrong, because its answer was in no window; q5 has none."""
    found = score(RECORDS, OUTPUTS, ["answer"])
    assert found.metrics == {"exact_match": 0.25, "f1": pytest.approx((2 / 3 + 1) / 4)}
    assert [row["predicted"] for row in found.predictions] == ["Watt", "Watt", "James Watt", "Glasgow", None]
    first, *_, last = found.predictions
    assert first["gold"] == ["James Watt", "J. Watt"] and first["exact_match"] == 0 and first["f1"] == pytest.approx(2 / 3)
    assert last["predicted"] is None and last["probability"] is None and last["f1"] == 0
    assert found.files["official"] == {"q1": "Watt", "q2": "Watt", "q3": "James Watt", "q4": "Glasgow"}
    assert found.notes == ["1 query has no gold answer: predicted, but not scored"]
    assert found.arrays["record"].tolist() == [0, 0, 0, 1, 1, 2, 3] and found.arrays["logits"].shape == (7, 2)


def test_queries_without_gold_are_only_predicted() -> None:
    found = score(RECORDS[3:4], OUTPUTS[3:4], ["answer"])
    assert found.metrics == {} and found.predictions[0]["predicted"] == "Glasgow" and "gold" not in found.predictions[0]


OFFICIAL = {"q1": "the James Watt", "q2": "Watt", "q3": "London", "q9": "x"}


@pytest.mark.parametrize("lines", [False, True])
def test_missing_predictions_are_wrong_and_said_to_be(tmp_path: Path, lines: bool) -> None:
    rows = [{"idx": id, "label": text} for id, text in OFFICIAL.items() if id != "q9"]
    found = score_predictions(RECORDS, write(tmp_path, rows if lines else OFFICIAL))
    assert found.metrics == {"exact_match": 0.5, "f1": 0.5}
    assert "no prediction for 2 of 5" in found.notes[0] and "q4, q5" in found.notes[0]
    assert any("q9" in note for note in found.notes) != lines
    assert [row["predicted"] for row in found.predictions] == ["the James Watt", "Watt", "London", None, None]


@pytest.mark.parametrize("number", [1, 3])
def test_layouts_of_the_datasets_library(tmp_path: Path, number: int) -> None:
    """One row alone is no object from ids to texts, and a JSON list has the same rows."""
    records = [replace(record, id=str(place)) for place, record in enumerate(RECORDS[:number])]
    texts = ["James Watt", "Watt", "Glasgow"][:number]
    rows = [{"idx": {"passage": 0, "query": place}, "prediction_text": text} for place, text in enumerate(texts)]
    assert score_predictions(records, write(tmp_path, rows)).metrics["exact_match"] == 1
    (tmp_path / "list.json").write_text(json.dumps(rows))
    assert score_predictions(records, tmp_path / "list.json").metrics["exact_match"] == 1


def test_two_queries_with_one_id_both_count(tmp_path: Path) -> None:
    """The official script takes the prediction for both; ours has an id of its own for the second."""
    twice = [RECORDS[1], ClozeRecord("q2#2", TEXT, "in @placeholder", SPANS, ("Glasgow",), (2,), given_id="q2")]
    assert score_predictions(twice, write(tmp_path, {"q2": "Watt"})).metrics == {"exact_match": 0.5, "f1": 0.5}
    assert score_predictions(twice, write(tmp_path, {"q2": "Watt", "q2#2": "Glasgow"})).metrics["exact_match"] == 1
    for second in ("q2", "q2#2"):
        rows = [{"id": "q2", "predicted": "Watt"}, {"id": second, "predicted": "Glasgow"}]
        assert score_predictions(twice, write(tmp_path, rows)).metrics["exact_match"] == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"q1": ["Watt"]}, "field 'q1': found .*expected the text of the answer"),
        ({"a": "Watt"}, "no prediction for any of 5 queries; the ids are a, expected those of the gold file: q1"),
        ({}, "found no prediction"),
        ([{"id": "q1", "predicted": 3}, {"id": "q2", "predicted": "x"}], "line 1, field 'predicted': found 3"),
        ([{"id": "q1"}, {"id": "q2"}], "line 1, field 'predicted': found nothing"),
        ([{"id": "q1", "predicted": "a"}, {"id": "q1", "predicted": "b"}], "line 2.*a second prediction for the id 'q1'"),
    ],
)
def test_what_is_no_prediction_is_named(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        score_predictions(RECORDS, write(tmp_path, content))


def test_text_is_no_file_of_predictions_and_nothing_to_score_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "predictions.txt").write_text("Watt\n")
    with pytest.raises(DataError, match="found no JSON, expected an object"):
        score_predictions(RECORDS, tmp_path / "predictions.txt")
    with pytest.raises(DataError, match="found no query with an answer"):
        score_predictions(RECORDS[3:4], write(tmp_path, OFFICIAL))
