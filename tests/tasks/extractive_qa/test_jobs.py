"""Extractive question answering from files to files: trained, evaluated, asked, scored, checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from task_jobs import evaluate, score, silent
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

import loreweave
from loreweave.cli.main import main
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.jobs.check import check_files
from loreweave.tasks.jobs.finetune import DataFiles, finetune_task
from loreweave.tasks.registry import load_task, training_of
from loreweave.training.settings.configuration import fill

TASK = load_task("extractive-qa")
SETTINGS: dict[str, Any] = {
    "epochs": 10, "batch_size": 4, "gradient_accumulation_steps": 1, "device": "cpu", "max_length": 24, "doc_stride": 6,
    "optimizer": {"learning_rate": 0.005, "bias_correction": True, "max_grad_norm": 1.0}, "keep": "best",
}  # fmt: skip
NAMES, PLACES = ("ann", "bob", "he", "she"), ("oslo", "paris", "a bank", "the river")


def squad(with_negative: bool) -> dict[str, Any]:
    """Where somebody works. Half of the contexts for SQuAD 2.0 do not say it."""
    paragraphs = []
    for n, name in enumerate(NAMES):
        for p, place in enumerate(PLACES):
            none = with_negative and (n + p) % 2 == 1
            context = f"{name} is long and {name} is long" if none else f"{name} is long and {name} works in {place}"
            answers = [] if none else [{"text": place, "answer_start": context.index(place)}]
            asked = {"id": f"{n}{p}", "question": f"{name} works in", "answers": answers}
            paragraphs.append({"context": context, "qas": [asked | ({"is_impossible": none} if with_negative else {})]})
    return {"version": "v2.0" if with_negative else "1.1", "data": [{"title": "works", "paragraphs": paragraphs}]}


Trained = tuple[bool, Path, Path, dict[str, Any]]


@pytest.fixture(scope="module", params=[False, True], ids=["squad11", "squad20"])
def trained(request: pytest.FixtureRequest, tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Whether there are questions without an answer; the run's folder, its data file and its results."""
    folder = tmp_path_factory.mktemp("run")
    data = folder / "train-v1.1.json"
    data.write_text(json.dumps(squad(request.param)), encoding="utf-8")
    files = DataFiles(train=data, dev=data, test=data)
    config = fill(training_of(TASK).config, SETTINGS)
    results = finetune_task(TASK, str(tiny_bert), files, config, folder / "run", report=silent)
    return request.param, folder / "run", data, results


def test_it_learns_and_a_saved_run_scores_the_same(trained: Trained, tmp_path: Path) -> None:
    with_negative, run, data, results = trained
    assert results["metric"] == "f1" and results["dev"]["f1"] > 0.8
    assert ("null_threshold" in results) == with_negative == ("no_answer_f1" in results["dev"])
    evaluation, found = evaluate(TASK, run, data, output=tmp_path / "out", report=silent)
    assert evaluation.metrics == pytest.approx(results["test"], abs=1e-3)
    if with_negative:
        assert found["null_threshold"] == results["null_threshold"]
        assert evaluation.metrics["f1"] == pytest.approx(evaluation.metrics["best_f1"])  # it was chosen on these data
    again, _ = score(TASK, data, tmp_path / "out" / "predictions" / "train-v1.jsonl", report=silent)
    assert again.metrics["f1"] == pytest.approx(evaluation.metrics["f1"])


def test_files_have_the_layouts_of_the_official_scripts(trained: Trained, tmp_path: Path) -> None:
    with_negative, run, data, results = trained
    evaluate(TASK, run, data, output=tmp_path / "out", report=silent)
    for folder, name in ((tmp_path / "out" / "predictions", "train-v1"), (run / "predictions", "dev")):
        answers, best = (json.loads((folder / f"{name}.{end}.json").read_text()) for end in ("official", "nbest"))
        assert len(answers) == len(best) == 16 and set(best["00"][0]) == {"text", "probability", "start_logit", "end_logit"}
        assert (folder / f"{name}.null_odds.json").exists() == with_negative
        found, _ = score(TASK, data, folder / f"{name}.official.json", report=silent)
        assert found.metrics["f1"] == pytest.approx(results["dev"]["f1"], abs=1e-3)
        if not with_negative:
            assert {id: rows[0]["text"] for id, rows in best.items()} == answers


def test_queries_and_their_answers(trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_negative, run, data, _ = trained
    context = "ann is long and ann works in oslo ."
    predictor = loreweave.load(run, device="cpu")
    ((answer,),) = predictor.predict([("ann works in", context)])
    assert context[answer["start"] : answer["end"]] == answer["predicted"] == "oslo" and answer["context"] == context
    assert 0 < answer["probability"] <= 1 and ("null_score" in answer) == with_negative
    (query,) = predictor.predict_rows([{"id": 7, "question": "ann works in", "context": context}])
    assert query == answer | {"id": 7}
    path = tmp_path / "queries.jsonl"
    path.write_text(json.dumps({"question": "ann works in", "context": context}) + '\n{"question": "who"}\n')
    asked = ["predict", "extractive-qa", "--model", str(run), "--device", "cpu"]
    assert main([*asked, str(path), "top=3"]) == 1
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["predicted"] == "oslo" and len(first["n_best"]) == 3
    assert {name: first[name] for name in ("start", "end", "probability")} | {"text": "oslo"} in first["n_best"]
    assert second["error"].startswith("field 'context': found nothing")
    assert main([*asked, str(data), "--format", "squad"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    evaluation, _ = evaluate(TASK, run, data, report=silent)
    assert [a["predicted"] for a in answers] == [row["predicted"] for row in evaluation.predictions]
    assert main([*asked, str(data)]) == 1
    assert "--format squad reads its questions" in capsys.readouterr().out


def test_as_many_answers_as_are_asked_for_or_an_error(trained: Trained) -> None:
    """Of 13 or more words, there are enough spans."""
    _, run, _, _ = trained
    query = {"question": "ann works in", "context": "ann is long and bob is long and she works in oslo and he works in paris"}
    said = r"setting 'top': found 21, but n_best_size=20 answers are made; give n_best_size=21 too"
    with pytest.raises(ConfigurationError, match=said):
        loreweave.load(run, device="cpu", settings={"top": 21})
    with pytest.raises(ConfigurationError, match="setting 'top': found 3, but n_best_size=2 answers are made"):
        loreweave.load(run, device="cpu", settings={"top": 3, "n_best_size": 2})
    (answer,) = loreweave.load(run, device="cpu", settings={"top": 30, "n_best_size": 30}).predict_rows([query])
    assert len(answer["n_best"]) == 30
    (answer,) = loreweave.load(run, device="cpu", settings={"top": 20}).predict_rows([query])
    assert len(answer["n_best"]) == 20


def test_settings_of_an_evaluation(trained: Trained) -> None:
    with_negative, run, data, results = trained
    if not with_negative:
        with pytest.raises(ConfigurationError, match="setting 'null_threshold': .no answer. is never predicted here"):
            evaluate(TASK, run, data, settings=["null_threshold=1"], report=silent)
        return
    always, _ = evaluate(TASK, run, data, settings=["null_threshold=1000"], report=silent)
    never, _ = evaluate(TASK, run, data, settings=["null_threshold=-1000"], report=silent)
    assert always.metrics["no_answer_f1"] == 0 and never.metrics["no_answer_f1"] == 1 and never.metrics["has_answer_f1"] == 0
    forced, _ = evaluate(TASK, run, data, settings=["with_negative=false"], report=silent)
    assert forced.metrics["has_answer_f1"] == always.metrics["has_answer_f1"] and "best_f1" not in forced.metrics
    short, _ = evaluate(TASK, run, data, settings=["max_answer_length=1", "null_threshold=1000"], report=silent)
    assert all(" " not in row["predicted"] for row in short.predictions)


def test_a_given_threshold_is_not_called_chosen(trained: Trained) -> None:
    with_negative, run, data, results = trained
    if not with_negative:
        return
    lines: list[str] = []
    evaluate(TASK, run, data, settings=["null_threshold=1000"], report=lines.append)
    assert "null_threshold 1000, given" in lines
    lines.clear()
    evaluate(TASK, run, data, report=lines.append)
    assert f"null_threshold {results['null_threshold']:g}, chosen on the dev data of the training" in lines


def test_plain_transformers_gives_the_same_answers(trained: Trained) -> None:
    with_negative, run, _, _ = trained
    if with_negative:
        return
    question, context = "bob works in", "bob is long and bob works in paris ."
    ((answer,),) = loreweave.load(run, device="cpu").predict([(question, context)])
    model, words = (cls.from_pretrained(run / "model") for cls in (AutoModelForQuestionAnswering, AutoTokenizer))
    inputs = words(question, context, return_tensors="pt", return_offsets_mapping=True)
    offsets = inputs.pop("offset_mapping")[0].tolist()
    with torch.no_grad():
        found = model(**inputs)
    start, end = int(found.start_logits.argmax()), int(found.end_logits.argmax())
    assert context[offsets[start][0] : offsets[end][1]] == answer["predicted"] == "paris"


def test_a_published_checkpoint_needs_no_training_data(trained: Trained, tiny_bert: Path, tmp_path: Path) -> None:
    """A folder of transformers, whose config.json has nothing of ours; the data say whether there may be no answer."""
    with_negative, run, data, results = trained
    model = AutoModelForQuestionAnswering.from_pretrained(run / "model")
    del model.config.loreweave
    model.save_pretrained(tmp_path / "model")
    AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(tmp_path / "model")
    evaluation, found = evaluate(TASK, tmp_path / "model", data, report=silent)
    assert ("no_answer_f1" in evaluation.metrics) == with_negative and "null_threshold" not in found
    if not with_negative:
        assert evaluation.metrics == pytest.approx(results["dev"], abs=1e-3)
    ((answer,),) = loreweave.load(tmp_path / "model", device="cpu").predict([("ann works in", "ann works in oslo")])
    assert answer["predicted"] and "null_score" not in answer


def test_an_answer_does_not_depend_on_the_gold_answers_of_the_queries_beside_it(trained: Trained, tmp_path: Path) -> None:
    """A published checkpoint does not say whether there may be no answer; queries may keep the gold answers of their file."""
    _, run, _, _ = trained
    model = AutoModelForQuestionAnswering.from_pretrained(run / "model")
    del model.config.loreweave
    model.save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(run / "model").save_pretrained(tmp_path)
    predictor = loreweave.load(tmp_path, device="cpu")
    asked = {"question": "ann works in", "context": "ann works in oslo"}
    alone = predictor.predict_rows([asked])
    assert predictor.predict_rows([asked, asked | {"answers": []}])[:1] == alone and "null_score" not in alone[0]
    with pytest.raises(ConfigurationError, match="setting 'null_threshold': .no answer. is never predicted here"):
        loreweave.load(tmp_path, device="cpu", settings={"null_threshold": 0})


def test_training_goes_on_with_the_head_of_a_checkpoint(trained: Trained, tmp_path: Path) -> None:
    with_negative, run, data, results = trained
    said: list[str] = []
    settings = SETTINGS | {"epochs": 1, "evaluate_before_training": True}
    config = fill(training_of(TASK).config, settings)
    found = finetune_task(TASK, str(run), DataFiles(train=data, dev=data), config, tmp_path / "run", report=said.append)
    assert any(line.endswith("training goes on with its head") for line in said)
    assert found["epochs"][0]["epoch"] == 0 and found["epochs"][0]["dev"]["f1"] == pytest.approx(results["dev"]["f1"], abs=1e-3)


def test_questions_without_an_answer_in_training(trained: Trained, tiny_bert: Path, tmp_path: Path) -> None:
    with_negative, _, data, _ = trained
    asked = [
        "finetune",
        "extractive-qa",
        "--model",
        str(tiny_bert),
        "--train",
        str(data),
        "epochs=1",
        "device=cpu",
        "batch_size=8",
    ]
    asked += ["gradient_accumulation_steps=1", "with_negative=false", "--output"]
    if not with_negative:
        assert main([*asked, str(tmp_path / "run")]) == 0
        return
    config = fill(training_of(TASK).config, SETTINGS | {"with_negative": False, "keep": "last"})
    files = DataFiles(train=data)
    with pytest.raises(DataError, match=r"question 1, field 'answers': found a question without an answer, .*--skip-bad"):
        finetune_task(TASK, str(tiny_bert), files, config, tmp_path / "run", report=silent)
    assert main([*asked, str(tmp_path / "run"), "--skip-bad"]) == 0
    evaluation, results = evaluate(TASK, tmp_path / "run", data, report=silent)
    assert results["records"] == 16 and evaluation.metrics["no_answer_exact_match"] == 0
    note = "8 records have labels that the model does not know and cannot predict: no answer"
    assert loreweave.load(tmp_path / "run").labels == ["answer"] and note not in results["notes"]


def test_a_luke_and_a_data_folder(tiny_luke: Path, tmp_path: Path) -> None:
    for name, negative in (("train-v2.0.json", True), ("dev-v2.0.json", True)):
        (tmp_path / name).write_text(json.dumps(squad(negative)), encoding="utf-8")
    asked = ["finetune", "extractive-qa", "--model", str(tiny_luke), "--data", str(tmp_path), "--output", str(tmp_path / "run")]
    settings = ["epochs=1", "device=cpu", "batch_size=4", "gradient_accumulation_steps=1", "optimizer.learning_rate=0.001"]
    assert main([*asked, *settings, "feature_cache=" + str(tmp_path / "cache")]) == 0
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert "null_threshold" in results
    again = [part if part != str(tmp_path / "run") else str(tmp_path / "again") for part in asked]
    assert main([*again, *settings, "feature_cache=" + str(tmp_path / "cache")]) == 0
    assert json.loads((tmp_path / "again" / "results.json").read_text())["dev"] == results["dev"]
    evaluation, _ = evaluate(TASK, tmp_path / "run", tmp_path / "dev-v2.0.json", report=silent)
    assert evaluation.metrics == pytest.approx(results["dev"], abs=1e-3)


def test_what_is_cut_is_said_once_in_training_and_in_evaluation(tiny_bert: Path, tmp_path: Path) -> None:
    context = "ann works in oslo"
    row = {"id": "1", "question": "ann works in " * 10, "context": context, "answers": [{"text": "oslo", "answer_start": 13}]}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    said = list[str]()
    config = fill(training_of(TASK).config, SETTINGS | {"epochs": 1, "keep": "last", "max_query_length": 8})
    finetune_task(TASK, str(tiny_bert), DataFiles(train=tmp_path / "a.jsonl"), config, tmp_path / "run", report=said.append)
    assert [line for line in said if line.startswith("encoding")] == ["encoding: questions cut (1)"]
    said.clear()
    _, results = evaluate(TASK, tmp_path / "run", tmp_path / "a.jsonl", report=said.append)
    assert [line for line in said if "cut" in line] == ["encoding: questions cut (1)"]
    assert results["encoding"] == "questions cut (1)"
    said.clear()
    (tmp_path / "short.jsonl").write_text(json.dumps(row | {"question": "ann works in"}))
    evaluate(TASK, tmp_path / "run", tmp_path / "short.jsonl", report=said.append)
    assert not any("encoding" in line for line in said)


def test_check_counts_what_is_odd(tiny_bert: Path, tmp_path: Path) -> None:
    data = squad(True)
    qas = data["data"][0]["paragraphs"][0]["qas"]
    qas.append({"id": "00", "question": "he", "answers": [{"text": "nowhere", "answer_start": 3}]})
    qas.append({"id": "x", "question": "she", "answers": [{"text": "slo", "answer_start": 0}]})
    qas.append({"id": "y", "question": " ", "answers": []})
    path = tmp_path / "train.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    found = check_files(TASK, [path], model=str(tiny_bert), max_length=20, report=silent)
    row = found["files"][0]
    assert row["records"] == 18 and row["bad"] == 1
    assert "1 answer does not occur in its context: it is scored, but cannot be learned or predicted" in row["notes"]
    assert any(line.endswith("answer that does not occur in its context, 'nowhere'") for line in row["listed"]["odd"])
    assert len(row["listed"]["dropped"]) == sum(row["dropped"].values()) == 0
    assert "answers that equal no span of sub-words (1)" in row["cut"]
    assert {each["label"]: each["train.json"] for each in found["labels"]} == {"answer": 10, "no answer": 8}
    assert any("1 question has the id of another" in line for line in found["findings"])


def test_a_metric_that_the_dev_data_do_not_have_is_refused_before_training(tiny_bert: Path, tmp_path: Path) -> None:
    """`best_f1` needs questions without an answer, and a threshold is no score."""
    plain, negative = tmp_path / "v1.json", tmp_path / "v2.json"
    plain.write_text(json.dumps(squad(False)), encoding="utf-8")
    negative.write_text(json.dumps(squad(True)), encoding="utf-8")
    said = list[str]()
    for metric, dev, known in (
        ("best_f1", plain, "exact_match, f1"),
        ("best_f1_threshold", negative, "exact_match, f1, has_answer_exact_match, has_answer_f1, no_answer_exact_match, "
         "no_answer_f1, best_exact_match, best_f1"),
    ):  # fmt: skip
        config = fill(training_of(TASK).config, SETTINGS | {"metric": metric})
        message = f"setting 'metric': found {metric}, by which these dev data cannot select an epoch; expected one of {known}$"
        with pytest.raises(ConfigurationError, match=message):
            finetune_task(TASK, str(tiny_bert), DataFiles(train=negative, dev=dev), config, tmp_path / "r", report=said.append)
    assert not (tmp_path / "r").exists()


def test_metrics_of_one_split_alone_are_in_the_table(
    tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, negative = tmp_path / "v1.json", tmp_path / "v2.json"
    plain.write_text(json.dumps(squad(False)), encoding="utf-8")
    negative.write_text(json.dumps(squad(True)), encoding="utf-8")
    settings = ["epochs=1", "device=cpu", "batch_size=8", "gradient_accumulation_steps=1", "keep=best"]
    asked = ["finetune", "extractive-qa", "--model", str(tiny_bert), "--train", str(negative), *settings]
    more = ["metric=no_answer_f1", "evaluate_test_every_epoch=true"]
    for dev, test, others in ((negative, plain, more), (plain, negative, [])):
        folder = tmp_path / dev.stem
        assert main([*asked, "--dev", str(dev), "--test", str(test), "--output", str(folder), *others]) == 0
        shown = [line.split("\t") for line in capsys.readouterr().out.splitlines() if line.count("\t") == 2]
        rows = {name: values for name, *values in shown}
        assert rows["metric"] == ["dev", "test"] and "-" not in rows["f1"]
        assert [value == "-" for value in rows["no_answer_f1"]] == [dev is plain, test is plain]


def test_longer_inputs_than_in_training(trained: Trained, tiny_luke: Path, tmp_path: Path) -> None:
    """28 words of a context, 3 of a question and 3 special tokens; the encoder has 64 positions."""
    _, run, data, _ = trained
    config = fill(training_of(TASK).config, SETTINGS | {"epochs": 1, "max_length": 11, "keep": "last"})
    finetune_task(TASK, str(tiny_luke), DataFiles(train=data), config, tmp_path / "luke", report=silent)
    row = {"question": "ann works in", "context": " ".join(["ann is long and"] * 6) + " ann works in oslo", "answers": ["oslo"]}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    for folder, own in ((run, 24), (tmp_path / "luke", 11)):
        for length, windows in ((None, True), (own, True), (40, False), (1000, False)):
            settings = [] if length is None else [f"max_length={length}"]
            _, results = evaluate(TASK, folder, tmp_path / "a.jsonl", settings=settings, report=silent)
            assert ("several windows" in results["encoding"]) == windows, (folder, length)
