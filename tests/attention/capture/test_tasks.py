import json
from pathlib import Path

import numpy as np
import pytest
from family_cases import make_encoder
from tiny_encoders import TYPING_ROWS
from transformers import AutoModelForMaskedLM

import loreweave
from loreweave.attention.capture.tasks import TaskCapture
from loreweave.errors import ConfigurationError, DataError


@pytest.fixture(params=["tiny_luke", "tiny_bert"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    data = tmp_path / "train.json"
    data.write_text(json.dumps(TYPING_ROWS), encoding="utf-8")
    encoder = request.getfixturevalue(request.param)
    loreweave.finetune("entity-typing", str(encoder), train=data, output=tmp_path / "run", epochs=1, keep="last", device="cpu")
    return tmp_path / "run"


def test_a_checkpoint_is_captured_with_its_own_inputs_and_prediction(run: Path) -> None:
    (found,) = TaskCapture(str(run), device="cpu").text("Ann lives in Oslo .", [(13, 17)])
    tokens = found.queries
    at = [place for place, kind in enumerate(tokens.classes) if kind == "marker"]
    assert len(at) == 2 and tokens.text[at[0] + 1 : at[1]] == ["Oslo"]
    answer = loreweave.load(run, device="cpu").predict(["Ann lives in Oslo ."], mentions=[[(13, 17)]])[0][0]
    assert found.prediction is not None
    assert dict(zip(found.prediction.labels, found.prediction.probabilities, strict=True)) == pytest.approx(
        answer["probabilities"], abs=1e-6
    )
    best = max(answer["probabilities"], key=answer["probabilities"].get)
    assert list(found.relevance) == [best] and found.relevance[best].shape == (len(tokens), len(tokens))
    assert (found.relevance[best] >= 0).all() and found.relevance[best].any()
    for entity in found.entities:
        assert tokens.classes[entity.row] == "entity" and found.text[entity.start : entity.end] == "Oslo"


def test_records_of_a_file_have_their_gold_labels(run: Path, tmp_path: Path) -> None:
    capture = TaskCapture(str(run), device="cpu", layers=[1], explain=2)
    found = list(capture.file(tmp_path / "train.json", 3))
    assert [each.prediction.gold for each in found if each.prediction] == [["person"], ["city", "place"], ["person"]]
    assert all(each.layers == [1] and len(each.relevance) == 2 for each in found)
    (one,) = capture.file(tmp_path / "train.json", 3, ids=[found[1].id])
    np.testing.assert_array_equal(one.weights, found[1].weights)
    with pytest.raises(DataError, match="no record with the id 'zz'"):
        list(capture.file(tmp_path / "train.json", 3, ids=["zz"]))


def test_gradients_are_computed_only_if_they_are_wanted(run: Path) -> None:
    capture = TaskCapture(str(run), device="cpu", explain=0)
    calls: list[object] = []
    capture.loaded.model.register_forward_pre_hook(lambda model, given: calls.append(model))
    (found,) = capture.text("Ann lives in Oslo .", [(13, 17)])
    assert not found.relevance and found.prediction is not None and len(calls) == 1


def test_a_mention_is_wanted_where_the_task_predicts_for_one(run: Path) -> None:
    with pytest.raises(DataError, match="use --mention"):
        TaskCapture(str(run), device="cpu").text("Ann lives in Oslo .")


def test_the_labels_of_a_record_are_those_that_predict_answers(run: Path, tmp_path: Path) -> None:
    (found,) = TaskCapture(str(run), device="cpu").file(tmp_path / "train.json", 1)
    row = {name: TYPING_ROWS[0][name] for name in ("start", "end")} | {"text": TYPING_ROWS[0]["sent"]}
    (answer,) = loreweave.load(run, device="cpu").predict_rows([row])
    assert found.prediction is not None and found.prediction.predicted == answer["predicted"]
    assert dict(zip(found.prediction.labels, found.prediction.probabilities, strict=True)) == pytest.approx(
        answer["probabilities"], abs=1e-6
    )


def test_a_text_that_is_too_long_is_said_to_be_cut(tiny_bert: Path, tmp_path: Path) -> None:
    data = tmp_path / "train.json"
    long = {"sent": "Ann lives . " * 40, "start": 0, "end": 3, "labels": ["person"]}
    data.write_text(json.dumps([*TYPING_ROWS, long]), encoding="utf-8")
    loreweave.finetune(
        "entity-typing", str(tiny_bert), train=data, output=tmp_path / "run", epochs=1, keep="last", device="cpu", max_length=16
    )
    said: list[str] = []
    capture = TaskCapture(str(tmp_path / "run"), device="cpu", explain=0, report=said.append)
    found = list(capture.file(data, None))
    assert [bool(each.cut) for each in found] == [False] * len(TYPING_ROWS) + [True]
    words = sum(kind in ("word", "mention", "punctuation") for kind in found[-1].queries.classes)
    assert words < 16 and found[-1].cut == f"read the first {words} of 120 sub-words"
    assert len(said) == 1 and f"(example {found[-1].id}): read the first {words} of 120 sub-words" in said[0]
    (text,) = capture.text(long["sent"], [(0, 3)])
    assert text.cut == found[-1].cut and len(said) == 2 and "(example 1): read the first" in said[1]


def test_tasks_without_a_model_of_their_own_are_refused(tmp_path: Path) -> None:
    folder = make_encoder("bert", tmp_path, AutoModelForMaskedLM)
    with pytest.raises(ConfigurationError, match="fact-probing: its model is not accessible"):
        TaskCapture(str(folder), "fact-probing", device="cpu")
