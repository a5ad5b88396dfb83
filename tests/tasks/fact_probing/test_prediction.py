"""`predict`: sentences with a gap to words and entities."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from family_cases import make_encoder
from transformers import AutoModelForMaskedLM

import loreweave
from loreweave.cli.main import main
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.errors import CheckpointError, DataError


def test_plain_text_and_templates(known_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    queries = tmp_path / "queries.txt"
    queries.write_text("Ann lives in [MASK] .\nBob works at the [Y] .\nNo gap here.\n")
    assert main(["predict", "fact-probing", "--model", str(known_bert), str(queries), "--device", "cpu", "top=2"]) == 1
    first, second, bad = map(json.loads, capsys.readouterr().out.splitlines())
    assert [answer["text"] for answer in first["predicted"]] == ["paris", "oslo"] and first["id"] == "1"
    assert second["text"] == "Bob works at the [MASK] ." and len(second["predicted"]) == 2
    assert bad["error"].startswith("field 'text': found no [MASK] in 'No gap here.'")


def test_python(known_bert: Path) -> None:
    said = r'the task of this model is unknown; it is not fine-tuned: task="fact-probing" asks its masked-word head; give task='
    with pytest.raises(CheckpointError, match=said):
        loreweave.load(known_bert)
    predictor = loreweave.load(known_bert, task="fact-probing", device="cpu", settings={"top": 1})
    (answers,) = predictor.predict(["Ann lives in [MASK]."])
    assert [answer["text"] for answer in answers[0]["predicted"]] == ["paris"]
    row = {"template": "[X] lives in [Y] .", "subject": "Mia"}
    (found,) = predictor.predict_rows([row])
    assert found["text"] == "Mia lives in [MASK] ." and found["subject"] == "Mia"


def test_the_entity_head_answers_with_entities(known_luke: Path) -> None:
    predictor = loreweave.load(known_luke, task="fact-probing", device="cpu", settings={"head": "entities"})
    (answers,) = predictor.predict(["Ann lives in [MASK]."])
    assert [answer["text"] for answer in answers[0]["predicted"]] == ["Paris", "Oslo"]
    with pytest.raises(DataError, match="2 .MASK. in .*, expected one in the place of the answer"):
        predictor.predict(["[MASK] lives in [MASK]."])


def test_the_candidates_of_the_entity_head_are_collected_once(known_luke: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = loreweave.load(known_luke, task="fact-probing", device="cpu", settings={"head": "entities"})
    read, items = [], EntityVocabulary.items

    def counted(self: EntityVocabulary) -> Any:
        read.append(len(self))
        return items(self)

    monkeypatch.setattr(EntityVocabulary, "items", counted)
    for _ in range(3):
        (answers,) = predictor.predict(["Ann lives in [MASK]."])
        assert [answer["text"] for answer in answers[0]["predicted"]] == ["Paris", "Oslo"]
    assert len(read) == 1


def test_the_mask_token_of_the_model_is_a_gap_too(tmp_path: Path) -> None:
    make_encoder("roberta", tmp_path, AutoModelForMaskedLM)
    predictor = loreweave.load(tmp_path, task="fact-probing", device="cpu", settings={"top": 3})
    own, ours = predictor.predict(["ann lives in <mask> .", "ann lives in [MASK] ."])
    assert own[0]["predicted"] == ours[0]["predicted"] and len(ours[0]["predicted"]) == 3
