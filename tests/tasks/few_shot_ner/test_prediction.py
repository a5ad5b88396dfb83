"""Entities of a support's types in any sentence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from loreweave.errors import DataError
from loreweave.tasks.contract import Execution, Reading
from loreweave.tasks.few_shot_ner.encoding import WordExample
from loreweave.tasks.few_shot_ner.prediction import predict, read_query
from loreweave.tasks.few_shot_ner.settings import PredictionSettings, SupportTuning
from loreweave.tasks.few_shot_ner.support_tuning import SupportTuner, Tuned
from loreweave.tasks.jobs.predictor import Predictor, load
from loreweave.tasks.ner.reader import query as ner_query


def ask(
    model: Path, data: Path, rows: list[dict[str, Any]], block: int = 2, settings: PredictionSettings | None = None
) -> list[dict[str, Any]]:
    answer = predict(model, data, settings or PredictionSettings(), Execution(device="cpu", report=lambda line: None))
    return list(answer(((f"line {n}", row) for n, row in enumerate(rows, 1)), block))


def test_a_sentence_of_the_support_gets_its_own_entities(tiny_bert: Path, source_file: Path) -> None:
    rows = [{"text": "ann lives  in oslo"}, {"tokens": ["bob", "works", "at", "a", "bank"], "id": 7}, {"text": "the"}]
    first, second, third = ask(tiny_bert, source_file, rows)
    assert [(e["start"], e["end"], e["mention"], e["label"]) for e in first["predicted"]] == [
        (0, 3, "ann", "person"), (14, 18, "oslo", "place"),
    ]  # fmt: skip
    assert second["id"] == 7 and second["predicted"][1]["label"] == "group" and third["id"] == "3"
    assert all(0 < e["probability"] <= 1 for e in first["predicted"])


def test_the_support_is_fine_tuned_on_once(tiny_bert: Path, source_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    tune = SupportTuner.tune

    def counted(tuner: SupportTuner, examples: Sequence[WordExample]) -> Tuned:
        calls.append(len(examples))
        return tune(tuner, examples)

    monkeypatch.setattr(SupportTuner, "tune", counted)
    settings = PredictionSettings(fine_tune=True, fine_tuning=SupportTuning(max_steps=2))
    rows: list[dict[str, Any]] = [{"text": "ann lives in oslo"}, {"text": "bob works"}, {"text": "the bank"}]
    one_by_one = ask(tiny_bert, source_file, rows, 1, settings)
    assert len(calls) == 1
    assert [row["predicted"] for row in one_by_one] == [
        row["predicted"] for row in ask(tiny_bert, source_file, rows, 3, settings)
    ]


def test_words_and_signs_of_a_text_are_tokens() -> None:
    text = read_query({"text": "Ann (MIT)."}, "0")
    assert [text.text[start:end] for start, end in text.metadata["tokens"]] == ["Ann", "(", "MIT", ")", "."]


def test_blank_parts_of_tokens_are_left_out_as_for_ner() -> None:
    tokens = ["Ann ", " ", "sang", "\t"]
    text = read_query({"tokens": tokens}, "0")
    (record,) = ner_query({"tokens": tokens}, "0")
    assert text.text == record.text == "Ann  sang"
    assert list(map(tuple, text.metadata["tokens"])) == list(record.sentence.words) == [(0, 3), (5, 9)]


@pytest.mark.parametrize(
    "row", [{}, {"text": " "}, {"tokens": []}, {"tokens": [" "]}, {"tokens": [1]}, {"text": "a", "tokens": "a"}]
)
def test_a_bad_query_is_named(tiny_bert: Path, source_file: Path, row: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="line 2: found .*expected 'text'"):
        ask(tiny_bert, source_file, [{"text": "ann"}, row])


def test_a_support_without_entities(tiny_bert: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("ann O\n")
    with pytest.raises(DataError, match="found no entity"):
        ask(tiny_bert, tmp_path / "a.txt", [])


def test_what_is_left_out_of_the_support_is_said(tiny_bert: Path, tmp_path: Path) -> None:
    support, said = tmp_path / "a.txt", list[str]()
    support.write_text("x ann B_person\nx sang O\n\nbroken\n\nx bob B_person\n")
    with pytest.raises(DataError, match="a.txt, line 4: found 1 column"):
        predict(tiny_bert, support, PredictionSettings(format="columns:1,2"), Execution(device="cpu", report=said.append))
    execution = Execution(device="cpu", report=said.append, reading=Reading(skip_bad=True))
    predict(tiny_bert, support, PredictionSettings(format="columns:1,2"), execution)
    assert f"{support}: skipped 1 record: bad record (1)" in said
    assert f"{support}: tags in another spelling: 'B_person' as 'B-person'" in said
    assert "support: 2 sentences with the type person" in said[-1].replace("types", "type")


def test_words_of_the_support_that_are_not_read_are_said(tiny_bert: Path, tmp_path: Path) -> None:
    """Of 64 positions, 62 are for words: the last 8 of 70 are cut, the only person among them."""
    support, said = tmp_path / "a.txt", list[str]()
    support.write_text("the O\n" * 69 + "ann B-person\n\nbob B-place\n")
    answer = predict(tiny_bert, support, PredictionSettings(), Execution(device="cpu", report=said.append))
    assert said[-1] == "encoding of the support: words cut off (8)"
    list(answer([("line 1", {"text": "ann"})], 1))
    assert said[-1] == "encoding of the support: words cut off (8)", "the query fits"


def test_tags_of_a_support_that_are_numbers(tiny_bert: Path, tmp_path: Path) -> None:
    support, names, said = tmp_path / "a.jsonl", tmp_path / "names.txt", list[str]()
    support.write_text('{"tokens": ["ann", "sang"], "tags": [1, 0]}')
    names.write_text("O\nB-person\n")
    predict(tiny_bert, support, PredictionSettings(tag_names=names), Execution(device="cpu", report=said.append))
    assert said[-1].endswith("person")


def test_from_python(tiny_bert: Path, source_file: Path) -> None:
    predictor = load(tiny_bert, task="few-shot-ner", data=source_file, device="cpu")
    assert isinstance(predictor, Predictor)
    (answer,) = predictor.predict_rows([{"text": "paris"}])
    assert answer["text"] == "paris" and "predicted" in answer


@pytest.mark.parametrize("block", [1, 4])
def test_what_is_cut_of_queries_is_said_once(tiny_bert: Path, source_file: Path, tmp_path: Path, block: int) -> None:
    """Those 100 words in 62 places; what is cut of the support, again in every block, does not count."""
    support = tmp_path / "support.txt"
    support.write_text(source_file.read_text().rstrip() + "\n\n" + "bob B-person\n" + "is O\n" * 90)
    said: list[str] = []
    answer = predict(tiny_bert, support, PredictionSettings(), Execution(device="cpu", report=said.append))
    rows = [{"text": "ann"}, {"tokens": ["is"] * 100}, {"text": "the"}]
    assert len(list(answer(((f"line {n}", row) for n, row in enumerate(rows, 1)), block))) == 3
    assert said[-1] == "encoding: words cut off (38)"
