"""NER from files to files: trained, scored, asked, checked, with bad input named or left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from task_jobs import evaluate, predict_rows

import loreweave
from loreweave.cli.main import main
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.jobs.check import check_files
from loreweave.tasks.jobs.checkpoints import load_checkpoint_of
from loreweave.tasks.jobs.finetune import DataFiles, finetune_task
from loreweave.tasks.ner import PARTS
from loreweave.tasks.registry import load_task, training_of
from loreweave.training.settings.configuration import fill

TASK = load_task("ner")
SETTINGS: dict[str, Any] = {
    "epochs": 12, "batch_size": 4, "gradient_accumulation_steps": 1, "leftover": "flush", "device": "cpu", "keep": "last",
    "optimizer": {"learning_rate": 0.005, "bias_correction": True, "max_grad_norm": 1.0},
}  # fmt: skip
SENTENCES = [
    [(name, "B-PER"), ("lives", "O"), ("in", "O"), (place, "B-LOC"), (".", "O")]
    for name in ("Ann", "Bob", "She", "He")
    for place in ("Oslo", "Paris", "the")
] + [[("the", "B-LOC"), ("river", "I-LOC"), ("is", "O"), ("long", "O")]] * 4


def silent(line: str) -> None:
    """Report to nobody."""


def write(path: Path, sentences: list[list[tuple[str, str]]], start: str = "-DOCSTART- O\n\n") -> Path:
    path.write_text(start + "\n".join("".join(f"{token} {tag}\n" for token, tag in sentence) for sentence in sentences))
    return path


@pytest.fixture(scope="module", params=["tiny_luke", "tiny_bert"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Any]]:
    """The run's folder, its data file and its results."""
    folder = tmp_path_factory.mktemp("run")
    data = write(folder / "train.txt", SENTENCES)
    source = str(request.getfixturevalue(request.param))
    files = DataFiles(train=data, test=data)
    of_head = {"max_entity_length": 40} if request.param == "tiny_luke" else {}
    config = fill(training_of(TASK).config, SETTINGS | of_head)
    results = finetune_task(TASK, source, files, config, folder / "run", report=silent)
    return folder / "run", data, results


Trained = tuple[Path, Path, dict[str, Any]]


def test_it_learns_and_scores_alike_from_the_folder_alone(trained: Trained, tmp_path: Path) -> None:
    run, data, results = trained
    assert results["test"]["micro_f1"] > 0.9
    evaluation, _ = evaluate(TASK, run, data, batch_size=3, output=tmp_path / "out", report=silent)
    assert evaluation.metrics == results["test"]
    rows = [json.loads(line) for line in (tmp_path / "out" / "predictions" / "train.jsonl").read_text().splitlines()]
    assert len(rows) == 16 and rows[0]["id"] == "train:1"
    # the run's own predictions, scored as another system's
    scored = PARTS.score_predictions(
        training_of(TASK).read(data, None, False).records, tmp_path / "out" / "predictions" / "train.jsonl"
    )
    assert scored.metrics == results["test"]


def test_raw_text_gets_characters(trained: Trained) -> None:
    run, _, _ = trained
    predictor = loreweave.load(run)
    assert predictor.labels == ["LOC", "PER"]
    text = "Ann lives  in\nOslo."
    names, nothing = predictor.predict([text, ""])
    assert [(found["mention"], found["label"]) for found in names] == [("Ann", "PER"), ("Oslo", "LOC")] and nothing == []
    assert all(text[found["start"] : found["end"]] == found["mention"] and 0 < found["probability"] <= 1 for found in names)
    with pytest.raises(DataError, match="text 0: found mentions, expected none"):
        predictor.predict([text], mentions=[[(0, 3)]])
    (row,) = predictor.predict_rows([{"text": text}])
    assert row["id"] == "1" and [found["mention"] for found in row["predicted"]] == ["Ann", "Oslo"]


def test_a_long_text_is_found_in_whole(trained: Trained) -> None:
    """Eight windows of 64 sub-words."""
    run, _, _ = trained
    loaded = load_checkpoint_of(training_of(TASK), run)
    text = "Ann lives in Oslo . " * 50
    (row,) = predict_rows(TASK, loaded, [("here", {"text": text})])
    assert all(text[found["start"] : found["end"]] == found["mention"] for found in row["predicted"])
    assert {found["start"] // 100 for found in row["predicted"]} == set(range(10))  # in every window
    assert loaded.encoding.report() == "sentences read in parts (1)"


def test_labels_unseen_in_training_are_named_or_left_out(trained: Trained, tmp_path: Path) -> None:
    run, _, _ = trained
    data = write(tmp_path / "test.txt", [*SENTENCES[:2], [("Ann", "B-ORG")]])
    with pytest.raises(DataError, match="line 15, field 'labels': found the label 'ORG', expected one of .* LOC, PER"):
        evaluate(TASK, run, data, report=silent)
    said: list[str] = []
    _, results = evaluate(TASK, run, data, skip_bad=True, report=said.append)
    assert results["skipped"] == {"label 'ORG' unknown to the model": 1} and "line 15" in said[1]


def test_no_gold_at_evaluation_is_said(trained: Trained, tmp_path: Path) -> None:
    run, _, _ = trained
    said: list[str] = []
    data = write(tmp_path / "test.txt", [[("is", "O"), ("long", "O")]])
    evaluation, _ = evaluate(TASK, run, data, report=said.append)
    of_file, *of_scores = said
    assert "NO MENTION in 1 sentence:" in of_file and of_scores == evaluation.notes
    assert evaluation.metrics["micro_f1"] == 0 and "no record has a gold mention" in of_scores[0]


def test_checking_finds_what_a_run_would_meet(tmp_path: Path, tiny_luke: Path) -> None:
    row = {"text": "Ann lives", "entities": [[0, 3, "PER"], [0, 9, "PER"], [0, 2, "PER"], [0, 99, "PER"]]}
    path = tmp_path / "train.jsonl"
    path.write_text("\n".join(json.dumps(row | {"entities": row["entities"][:count]}) for count in (3, 4, 0)))
    found = check_files(TASK, [path], model=str(tiny_luke), max_length=40, report=silent)
    (line,) = found["files"]
    assert line["bad"] == 1 and "found the span (0, 99)" in line["errors"][0] and line["overlaps"] == 1
    assert line["cut"] == "mentions that cut a word (1)" and line["unlabelled"] == 1
    assert not any("without a label" in finding for finding in found["findings"])  # a text without names is none to look at


def test_a_threshold_from_dev_is_used_wherever_the_model_is(tiny_luke: Path, tmp_path: Path) -> None:
    """Two epochs at a low rate: the model still says "no mention" everywhere, but ranks its spans."""
    dev, test = write(tmp_path / "dev.txt", SENTENCES[::2]), write(tmp_path / "test.txt", SENTENCES[1::2])
    settings = SETTINGS | {"epochs": 2, "keep": "best", "max_entity_length": 40, "tune_threshold": True, "prior_bias": True}
    settings |= {"optimizer": {"learning_rate": 1e-3, "head_learning_rate": 2e-3, "bias_correction": True}}
    said: list[str] = []
    files, config = DataFiles(train=dev, dev=dev, test=test), fill(training_of(TASK).config, settings)
    results = finetune_task(TASK, str(tiny_luke), files, config, tmp_path / "run", report=said.append)
    assert results["threshold"] < 0 < results["dev"]["micro_f1"]
    assert results["chosen_on_dev"] == ["threshold"]
    note = "dev: threshold is chosen on these data, so that their scores are too high; data of a test file show the model's"
    assert said.count(note) == 1, "once, and not after every epoch"
    assert any(line.startswith("prior_bias: ") and "labels are NIL" in line for line in said)
    assert f"threshold {results['threshold']:g}" in next(line for line in reversed(said) if line.startswith("epoch "))
    for data, split in ((dev, "dev"), (test, "test")):
        evaluation, found = evaluate(TASK, tmp_path / "run", data)
        assert evaluation.metrics == pytest.approx(results[split]) and found["threshold"] == results["threshold"]
    name = next((tmp_path / "run").rglob("config.json"), None)
    places = [path for path in (tmp_path / "run").rglob("config.json") if "loreweave" in json.loads(path.read_text())]
    assert name is not None and len(places) == 1
    query = " ".join(token for token, _ in SENTENCES[0])
    assert loreweave.load(tmp_path / "run").predict([query])[0]
    stored = json.loads(places[0].read_text())
    stored["loreweave"]["threshold"] = 100
    places[0].write_text(json.dumps(stored))
    assert loreweave.load(tmp_path / "run").predict([query]) == [[]]


def test_a_threshold_needs_dev_data(tiny_luke: Path, tmp_path: Path) -> None:
    files = DataFiles(train=write(tmp_path / "train.txt", SENTENCES))
    config = fill(training_of(TASK).config, SETTINGS | {"tune_threshold": True})
    with pytest.raises(ConfigurationError, match="tune_threshold is read only with .*, found no dev data"):
        finetune_task(TASK, str(tiny_luke), files, config, tmp_path / "run", report=silent)


def test_the_command_line(tmp_path: Path, tiny_bert: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "train.txt", SENTENCES)
    run = str(tmp_path / "run")
    settings = ["epochs=1", "keep=last", "batch_size=4", "device=cpu"]
    assert main(["finetune", "ner", "--model", str(tiny_bert), "--train", str(data), "--output", run, *settings]) == 0
    capsys.readouterr()
    questions = tmp_path / "questions.jsonl"
    questions.write_text(json.dumps({"text": "Ann lives."}) + "\n" + json.dumps({"tokens": ["Bob", "sang"], "id": "b"}))
    assert main(["predict", "ner", "--model", run, str(questions), "--device", "cpu"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["id"] for row in rows] == ["1", "b"] and all("predicted" in row for row in rows)
    predictions = tmp_path / "mine.txt"
    predictions.write_text(data.read_text())
    assert main(["score", "ner", "--gold", str(data), "--predictions", str(predictions), "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert results["micro_f1"] == results["macro_f1"] == 1 and results["per_label"][0]["gold"] == 16
    questions.write_text('{"text": 3}')
    assert main(["predict", "ner", "--model", run, str(questions), "--device", "cpu"]) == 1
    assert "questions.jsonl, line 1: field 'text': found 3, expected a string" in capsys.readouterr().err
