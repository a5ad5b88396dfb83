"""Text classification from files to files: trained, scored, asked, checked; classes and numbers, texts and pairs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from glue_files import LABELLED
from task_jobs import evaluate, score
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

import loreweave
from loreweave.cli.main import main
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.contract import Execution
from loreweave.tasks.jobs.check import check_files
from loreweave.tasks.jobs.evaluate import evaluate_task
from loreweave.tasks.jobs.finetune import DataFiles, finetune_task
from loreweave.tasks.registry import load_task, training_of
from loreweave.training.settings.configuration import fill

TASK = load_task("text-classification")
SETTINGS: dict[str, Any] = {
    "epochs": 8, "batch_size": 4, "device": "cpu",
    "optimizer": {"learning_rate": 0.005, "bias_correction": True, "max_grad_norm": 1.0},
}  # fmt: skip
NAMES, PLACES = ("ann", "bob", "he", "she"), ("oslo", "paris", "a bank", "the river")


def silent(line: str) -> None:
    """Report to nobody."""


def lines(*rows: tuple[object, ...]) -> str:
    return "".join("\t".join(map(str, row)) + "\n" for row in rows)


FILES = {
    # whether somebody lives in a city; the second text of a pair says where
    "texts": lines(
        ("text", "label"), *((f"{n} lives in {p}", "yes" if p in PLACES[:2] else "no") for n in NAMES for p in PLACES)
    ),
    "pairs": lines(
        ("index", "sentence1", "sentence2", "label"),
        *((first * 4 + second, n, p, "entailment" if p in PLACES[:2] else "not_entailment")
          for first, n in enumerate(NAMES) for second, p in enumerate(PLACES)),
    ),
    "numbers": lines(("text_a", "text_b", "score"), *((n, p, 5.0 if p in PLACES[:2] else 0.5) for n in NAMES for p in PLACES)),
}  # fmt: skip
Trained = tuple[str, Path, Path, dict[str, Any]]


@pytest.fixture(scope="module", params=["texts", "pairs", "numbers"])
def trained(request: pytest.FixtureRequest, tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Kind of data, the run's folder, its data file and its results."""
    folder = tmp_path_factory.mktemp("run")
    data = folder / "train.tsv"
    data.write_text(FILES[request.param], encoding="utf-8")
    config = fill(training_of(TASK).config, SETTINGS)
    files = DataFiles(train=data, dev=data, test=data)
    results = finetune_task(TASK, str(tiny_bert), files, config, folder / "run", report=silent)
    return request.param, folder / "run", data, results


def test_it_learns_and_selects_by_the_metric_of_its_labels(trained: Trained, tmp_path: Path) -> None:
    kind, run, data, results = trained
    metric = "spearman" if kind == "numbers" else "accuracy"
    assert results["metric"] == metric
    assert results["test"][metric] > 0.8
    evaluation, _ = evaluate(TASK, run, data, output=tmp_path / "out", report=silent)
    assert evaluation.metrics == pytest.approx(results["test"], abs=1e-5)
    rows = [json.loads(line) for line in (tmp_path / "out" / "predictions" / "train.jsonl").read_text().splitlines()]
    assert len(rows) == 16 and ("text_pair" in rows[0]) == (kind != "texts")
    again, _ = score(TASK, data, tmp_path / "out" / "predictions" / "train.jsonl", report=silent)
    assert again.metrics == pytest.approx(evaluation.metrics, abs=1e-5)


def test_plain_transformers_gives_the_same_answers(trained: Trained) -> None:
    kind, run, _, _ = trained
    if kind == "numbers":
        return
    query = {"text": "ann lives in oslo"} if kind == "texts" else {"text": "ann", "text_pair": "oslo"}
    (answer,) = loreweave.load(run).predict_rows([query])
    model, tokenizer = (cls.from_pretrained(run / "model") for cls in (AutoModelForSequenceClassification, AutoTokenizer))
    (theirs,) = pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu")([query])
    assert (theirs["label"], theirs["score"]) == (answer["predicted"], pytest.approx(answer["probability"], abs=1e-5))


def test_a_text_where_the_model_reads_pairs_is_named(trained: Trained, tmp_path: Path) -> None:
    kind, run, _, _ = trained
    if kind != "pairs":
        return
    data = tmp_path / "dev.jsonl"
    data.write_text("".join(json.dumps({"id": id, "text": "bob", "label": "entailment"}) + "\n" for id in "ab"))
    with pytest.raises(DataError, match=r"dev.jsonl, record a, field 'text_pair': found one text, expected a pair"):
        evaluate(TASK, run, data)
    with pytest.raises(DataError, match=r"dev.jsonl, record a, field 'text_pair': found one text, expected a pair"):
        check_files(TASK, [data], model=str(run), report=silent)


def test_texts_of_python_and_lines_of_the_shell(trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kind, run, _, _ = trained
    predictor = loreweave.load(run)
    if kind != "texts":
        with pytest.raises(DataError, match="found one text, expected a pair"):
            predictor.predict(["ann lives in oslo"])
        asked = [("ann", "oslo"), {"text": "bob", "text_pair": "the river"}, {"text": "ann", "pair": "oslo", "id": "last"}]
        (first,), (second,), (third,) = predictor.predict(asked)
        assert (first["id"], first["text"], first["text_pair"], third["id"]) == ("0", "ann", "oslo", "2:last")
        assert first["predicted"] == pytest.approx(third["predicted"]) != second["predicted"]
        (same,) = predictor.predict_rows([{"text": "ann", "text_pair": "oslo"}])
        assert same["predicted"] == pytest.approx(first["predicted"])
        with pytest.raises(DataError, match="text 0: found mentions of a pair of texts or of a dict, expected none"):
            predictor.predict(asked[:1], mentions=[[(0, 3)]])
        with pytest.raises(DataError, match=r"text 1: found \('ann',\), expected a text, a pair of texts, or a dict"):
            predictor.predict([asked[0], ("ann",)])
        return
    (first,), (second,) = predictor.predict(["ann lives in oslo", "bob lives in the river"])
    assert (first["predicted"], second["predicted"]) == ("yes", "no")
    with pytest.raises(DataError, match="text 0: found mentions, expected none: a query of this task is a text alone"):
        predictor.predict(["ann lives in oslo"], mentions=[[(0, 3)]])
    (tmp_path / "texts.txt").write_text("ann lives in oslo\nbob lives in the river\n")
    assert main(["predict", "text-classification", "--model", str(run), str(tmp_path / "texts.txt")]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(answer["id"], answer["predicted"]) for answer in answers] == [("1", "yes"), ("2", "no")]


@pytest.mark.parametrize("labelled", [True, False])
def test_predict_reads_the_tables_of_training(
    trained: Trained, labelled: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kind, run, data, _ = trained
    table = tmp_path / "test.tsv"
    rows = [line.split("\t") for line in data.read_text().splitlines()]
    table.write_text("".join("\t".join(row if labelled else row[:-1]) + "\n" for row in rows))
    predict = ["predict", "text-classification", "--model", str(run), "--device", "cpu"]
    if kind == "texts" and not labelled:
        return  # one column is no table
    assert main([*predict, str(table)]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    queries = [{"text": row[-2]} if kind == "texts" else {"text": row[-3], "text_pair": row[-2]} for row in rows[1:]]
    expected = loreweave.load(run, device="cpu").predict_rows(queries)
    assert [answer["predicted"] for answer in answers] == pytest.approx([answer["predicted"] for answer in expected])
    assert answers[5]["id"] == ("5" if kind == "pairs" else "6")
    assert ("label" in answers[0] or "score" in answers[0]) == labelled


def test_the_model_of_one_task_starts_another(trained: Trained, tmp_path: Path) -> None:
    """As RTE from MNLI: the head is left out and said so."""
    kind, run, _, _ = trained
    if kind != "pairs":
        return
    data, said = tmp_path / "train.tsv", list[str]()
    data.write_text(FILES["numbers"], encoding="utf-8")
    config = fill(training_of(TASK).config, SETTINGS | {"epochs": 1, "keep": "last"})
    finetune_task(TASK, str(run), DataFiles(train=data), config, tmp_path / "run", report=said.append)
    assert any("the head for text-classification (2 classes) is left out" in line for line in said)


def test_a_file_without_labels_is_predicted(trained: Trained, tmp_path: Path) -> None:
    kind, run, _, _ = trained
    if kind != "pairs":
        return
    data = tmp_path / "test.tsv"
    data.write_text("index\tsentence1\tsentence2\n7\toslo\toslo\n", encoding="utf-8")
    evaluation, results = evaluate(TASK, run, data, output=tmp_path / "out", report=silent)
    assert evaluation.metrics == {} and results["notes"] == ["no record has a label: nothing is scored"]
    (row,) = map(json.loads, (tmp_path / "out" / "predictions" / "test.jsonl").read_text().splitlines())
    assert row["id"] == "7" and row["predicted"] in ("entailment", "not_entailment")


def test_what_cannot_be_trained_on(tiny_bert: Path, tmp_path: Path) -> None:
    data = tmp_path / "train.tsv"
    data.write_text(FILES["texts"] + "a text\t\n", encoding="utf-8")
    files = DataFiles(train=data, dev=data)
    with pytest.raises(DataError, match="line 18, field 'labels': found no label, expected one"):
        finetune_task(TASK, str(tiny_bert), files, fill(training_of(TASK).config, SETTINGS), tmp_path / "run", report=silent)
    data.write_text(FILES["numbers"], encoding="utf-8")
    with pytest.raises(ConfigurationError, match="setting 'metric': found f1, but the labels are numbers; expected pearson"):
        finetune_task(
            TASK, str(tiny_bert), files, fill(training_of(TASK).config, SETTINGS | {"metric": "f1"}), tmp_path / "run",
            report=silent,
        )  # fmt: skip


def test_a_folder_of_glue_whose_test_file_has_no_labels(tiny_bert: Path, tmp_path: Path) -> None:
    for split in ("train", "dev"):
        (tmp_path / f"{split}.tsv").write_text(FILES["pairs"], encoding="utf-8")
    (tmp_path / "test.tsv").write_text("index\tsentence1\tsentence2\n0\tann\toslo\n", encoding="utf-8")
    asked = ["finetune", "text-classification", "--model", str(tiny_bert), "--data", str(tmp_path), "--output"]
    assert main([*asked, str(tmp_path / "run"), "epochs=1", "device=cpu", "evaluate_test_every_epoch=true"]) == 0
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["test"] == {} and set(results["dev"]) > {"accuracy", "f1"}
    (row,) = map(json.loads, (tmp_path / "run" / "predictions" / "test.jsonl").read_text().splitlines())
    assert row["predicted"] in ("entailment", "not_entailment")
    (tmp_path / "dev.tsv").write_text("index\tsentence1\tsentence2\n0\tann\toslo\n", encoding="utf-8")
    assert main([*asked, str(tmp_path / "other"), "epochs=1", "device=cpu"]) == 1


def test_check_counts_what_is_odd(tmp_path: Path) -> None:
    train, test = tmp_path / "train.tsv", tmp_path / "test.tsv"
    train.write_text("text\tlabel\na\tx\na\ty\nb\tx\nb\tx\nc\t\n", encoding="utf-8")
    test.write_text("text\tlabel\nb\tz\n", encoding="utf-8")
    found = check_files(TASK, [train, test], report=silent)
    counts = found["files"][0]
    assert (counts["records"], counts["unlabelled"], counts["duplicates"], counts["conflicts"]) == (5, 1, 2, 1)
    assert {row["label"]: row["train.tsv"] for row in found["labels"]} == {"x": 3, "y": 1, "z": 0}
    assert any(line.startswith("test.tsv") and line.endswith(" z") for line in found["findings"])


def test_a_published_model_whose_labels_are_in_capitals(tiny_bert: Path, tmp_path: Path) -> None:
    """As those of MNLI on the Hub; `--labels` gives them the names of GLUE's files."""
    names = {0: "CONTRADICTION", 1: "NEUTRAL", 2: "ENTAILMENT"}
    model = AutoModelForSequenceClassification.from_pretrained(tiny_bert, id2label=names)
    model.save_pretrained(tmp_path / "model")
    AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(tmp_path / "model")
    data = tmp_path / "dev.tsv"
    data.write_text(LABELLED["mnli"], encoding="utf-8")
    with pytest.raises(DataError, match="found the label 'neutral', .*'NEUTRAL' differs only in case; .* takes --labels FILE"):
        evaluate(TASK, tmp_path / "model", data, report=silent)
    labels = ["contradiction", "neutral", "entailment"]
    execution = Execution(device="cpu", labels=labels, report=silent)
    evaluation, results = evaluate_task(TASK, tmp_path / "model", data, execution=execution)
    assert results["records"] == 2 and {row["gold"] for row in evaluation.predictions} == {"neutral", "entailment"}


def test_a_dev_file_that_does_not_fit_the_model_is_named(tiny_bert: Path, tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text(FILES["pairs"])
    (tmp_path / "dev.jsonl").write_text(json.dumps({"id": "a", "text": "ann", "label": "entailment"}) + "\n")
    files = DataFiles(train=tmp_path / "train.tsv", dev=tmp_path / "dev.jsonl")
    config = fill(training_of(TASK).config, SETTINGS)
    with pytest.raises(DataError, match=r"dev.jsonl, record a, field 'text_pair': found one text, expected a pair"):
        finetune_task(TASK, str(tiny_bert), files, config, tmp_path / "run", report=silent)


@pytest.mark.parametrize("ratings", [(4.0, 1.0), (4, 1)])
def test_whole_ratings_are_numbers_for_a_model_of_numbers(
    ratings: tuple[float, float], tiny_bert: Path, tmp_path: Path
) -> None:
    """The ratings of the dev file are whole by chance. Alone they would be classes."""
    train, dev, said = tmp_path / "train.tsv", tmp_path / "dev.tsv", list[str]()
    train.write_text(lines(("text", "label"), ("ann is long", 4.5), ("bob is long", 0.5)))
    dev.write_text(lines(("text", "label"), ("ann is long", ratings[0]), ("bob is long", ratings[1])))
    files, config = DataFiles(train=train, dev=dev), fill(training_of(TASK).config, SETTINGS | {"epochs": 1})
    finetune_task(TASK, str(tiny_bert), files, config, tmp_path / "run", report=said.append)
    assert f"{dev}: labels are read as numbers, as those of the training data" in said
    evaluation, _ = evaluate(TASK, tmp_path / "run", dev, report=silent)
    assert [row["gold"] for row in evaluation.predictions] == [4.0, 1.0] and "pearson" in evaluation.metrics
    checked = check_files(TASK, [train, dev])
    assert checked["labels"] == [{"label": "number", "train.tsv": 2, "dev.tsv": 2}]


def test_how_labels_were_read_is_said_before_the_error_about_one(tiny_bert: Path, tmp_path: Path) -> None:
    """The training ratings are whole by chance, so that they are read as classes; the note says what to do."""
    train, dev, said = tmp_path / "train.tsv", tmp_path / "dev.tsv", list[str]()
    train.write_text(lines(("text", "label"), ("ann is long", 4.0), ("bob is long", 1.0)))
    dev.write_text(lines(("text", "label"), ("ann is long", 4.5), ("bob is long", 0.5)))
    files, config = DataFiles(train=train, dev=dev), fill(training_of(TASK).config, SETTINGS | {"epochs": 1})
    with pytest.raises(DataError, match="dev.tsv, line 2, field 'labels': found the label 'number', expected .*: 1, 4"):
        finetune_task(TASK, str(tiny_bert), files, config, tmp_path / "run", report=said.append)
    note = "labels are read as classes, not as numbers (--format table:text=...,score=... reads them as numbers)"
    assert f"{train}: {note}" in said
