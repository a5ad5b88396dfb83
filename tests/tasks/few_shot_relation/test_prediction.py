"""Predictions from a support file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loreweave.errors import DataError
from loreweave.tasks.contract import Execution, Reading
from loreweave.tasks.few_shot_relation.prediction import predict
from loreweave.tasks.few_shot_relation.settings import PredictionSettings

HOW = Execution(device="cpu", report=lambda line: None)
QUERY = {"text": "bob works at paris .", "head": {"start": 0, "end": 3}, "tail": {"start": 13, "end": 18}}


def test_a_sentence_of_the_support_gets_its_relation(tiny_bert: Path, tmp_path: Path, fewrel_file: Path) -> None:
    rows = json.loads(fewrel_file.read_text())
    support = tmp_path / "support.json"
    support.write_text(json.dumps({"works": rows["works"][1:2], "lives": rows["lives"][:3]}))
    answer = predict(tiny_bert, support, PredictionSettings(), HOW)
    first, second, third = answer([("line 1", QUERY), ("line 2", QUERY | {"id": "mine"}), ("line 3", QUERY)], 2)
    assert first["predicted"] == "works" and set(first["probabilities"]) == {"works", "lives"}
    assert first["probability"] == max(first["probabilities"].values())
    assert sum(first["probabilities"].values()) == pytest.approx(1)
    assert first["head"] == {"start": 0, "end": 3, "mention": "bob"}
    assert [each["id"] for each in (first, second, third)] == ["1", "mine", "3"]
    with pytest.raises(DataError, match="line 7: field 'tail': found nothing"):
        list(answer([("line 7", {"text": "x", "head": {"start": 0, "end": 1}})], 1))


def test_a_support_has_relations_to_choose_from(tiny_bert: Path, tmp_path: Path, fewrel_file: Path) -> None:
    support = tmp_path / "support.json"
    support.write_text(json.dumps({"works": json.loads(fewrel_file.read_text())["works"]}))
    with pytest.raises(DataError, match="support.json: found 1 relation, expected a support with two or more"):
        predict(tiny_bert, support, PredictionSettings(), HOW)


def test_bad_records_of_a_support_are_named_or_left_out(tiny_bert: Path, tmp_path: Path, fewrel_file: Path) -> None:
    rows, support, said = json.loads(fewrel_file.read_text()), tmp_path / "support.json", list[str]()
    support.write_text(json.dumps({"works": [*rows["works"][:1], {"tokens": 3}], "lives": rows["lives"][:3]}))
    with pytest.raises(DataError, match="support.json, .*tokens"):
        predict(tiny_bert, support, PredictionSettings(), HOW)
    execution = Execution(device="cpu", reading=Reading(skip_bad=True), report=said.append)
    predict(tiny_bert, support, PredictionSettings(), execution)
    assert said[0].startswith(f"{support}: skipped 1 record: bad ") and "support: 4 sentences" in said[-1]


def test_truncated_sentences_of_the_support_are_said(tiny_bert: Path, tmp_path: Path) -> None:
    """5 + 80 words, 4 markers and 2 special tokens are 27 more than the 64 positions."""
    ends, said = {"head": QUERY["head"], "tail": QUERY["tail"]}, list[str]()
    texts = {"works": f"{QUERY['text']} {'the river is long ' * 20}", "lives": QUERY["text"]}
    support = tmp_path / "support.jsonl"
    support.write_text("\n".join(json.dumps({"text": text, **ends, "label": label}) for label, text in texts.items()))
    answer = predict(tiny_bert, support, PredictionSettings(), Execution(device="cpu", report=said.append))
    counts = "texts (2), texts truncated (1), tokens dropped (27), mentions (4), mentions kept (4)"
    assert said[-1] == f"encoding of the support: {counts}"
    list(answer([("line 1", QUERY)], 1))
    assert said[-1] == f"encoding of the support: {counts}", "the query fits"
