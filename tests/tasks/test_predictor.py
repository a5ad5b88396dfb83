"""`loreweave.load`."""

from __future__ import annotations

from pathlib import Path

import pytest

import loreweave
from loreweave.errors import CheckpointError, DataError
from loreweave.tasks.entity_typing.model import EntityTypingConfig, build


@pytest.fixture
def saved(tiny_luke: Path, tmp_path: Path) -> Path:
    build(str(tiny_luke), ["person", "place"], EntityTypingConfig()).save_pretrained(tmp_path)
    return tmp_path


def test_answers_are_grouped_by_text(saved: Path) -> None:
    predictor = loreweave.load(saved, device="cpu")
    assert predictor.labels == ["person", "place"]
    texts = ["Ann lives in Oslo .", "the river is long", "Bob"]
    answers = predictor.predict(texts, mentions=[[(0, 3), (13, 17)], [], [(0, 3)]])
    assert [[answer["mention"] for answer in group] for group in answers] == [["Ann", "Oslo"], [], ["Bob"]]
    (row,) = predictor.predict_rows([{"text": texts[0], "start": 0, "end": 3}])
    assert row["probabilities"] == pytest.approx(answers[0][0]["probabilities"], abs=1e-5)


def test_wrong_requests(saved: Path, tiny_bert: Path) -> None:
    predictor = loreweave.load(saved, device="cpu")
    with pytest.raises(DataError, match="a list of texts"):
        predictor.predict("Ann")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="mentions for 1 texts, expected 2"):
        predictor.predict(["Ann", "Bob"], mentions=[[(0, 3)]])
    with pytest.raises(DataError, match="span"):
        predictor.predict(["Ann"], mentions=[[(0, 9)]])
    with pytest.raises(DataError, match="query 1"):
        predictor.predict_rows([{"text": "Ann"}])
    with pytest.raises(CheckpointError, match="what task"):
        loreweave.load(tiny_bert)
