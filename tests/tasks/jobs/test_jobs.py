"""Fine-tune, evaluate and predict, from files to files, on tiny encoders."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from task_jobs import evaluate, predict_rows, score
from tiny_encoders import TYPING_ROWS

from loreweave.errors import CheckpointError, ConfigurationError, DataError
from loreweave.tasks.contract import Reading
from loreweave.tasks.jobs.checkpoints import load_checkpoint_of, task_of
from loreweave.tasks.jobs.finetune import DataFiles, finetune_task
from loreweave.tasks.registry import load_task, training_of
from loreweave.training.settings.configuration import fill

TASK = load_task("entity-typing")
SETTINGS: dict[str, Any] = {
    "epochs": 2, "batch_size": 4, "gradient_accumulation_steps": 1, "leftover": "flush", "device": "cpu",
    "dev_fraction": 0.25, "dev_split_by": "doc", "optimizer": {"learning_rate": 0.01, "bias_correction": True},
}  # fmt: skip
CONFIG = fill(training_of(TASK).config, SETTINGS)


def silent(line: str) -> None:
    """Report to nobody."""


@pytest.fixture(scope="module", params=["tiny_luke", "tiny_bert"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Any]]:
    """The run's folder, its data file and its results."""
    folder = tmp_path_factory.mktemp("run")
    data = folder / "train.json"
    data.write_text(json.dumps(TYPING_ROWS), encoding="utf-8")
    source = str(request.getfixturevalue(request.param))
    config = replace(CONFIG, epochs=6)
    results = finetune_task(TASK, source, DataFiles(train=data, test=data), config, folder / "run", report=silent)
    return folder / "run", data, results


def test_it_learns_and_keeps_its_record(trained: tuple[Path, Path, dict[str, Any]]) -> None:
    run, _, results = trained
    assert results["test"]["micro_f1"] > 0.9
    assert json.loads((run / "results.json").read_text()) == results
    assert json.loads((run / "config.json").read_text())["settings"]["head"] == "auto"
    ids = json.loads((run / "records.json").read_text())
    assert len(ids["train"]) == 12 and len(ids["dev"]) == 4 and not set(ids["train"]) & set(ids["dev"])
    assert {"train", "test"} == set(json.loads((run / "config.json").read_text())["data"])


def test_an_evaluation_in_another_number_format_than_the_run_says_so(tiny_bert: Path, tmp_path: Path) -> None:
    built = training_of(TASK).build(str(tiny_bert), ["person", "place"], CONFIG)
    built.save_pretrained(tmp_path / "run" / "model")
    data = write(tmp_path / "a.jsonl", [{"text": "Ann left", "start": 0, "end": 3, "labels": ["person"]}])

    def said(trained_in: str, place: str = "run") -> list[str]:
        write(tmp_path / "run" / "config.json", [{"settings": {"precision": trained_in}}])
        lines: list[str] = []
        evaluate(TASK, tmp_path / place, data, report=lines.append)
        return [line for line in lines if "precision" in line]

    expected = (
        "scored in fp32; the run scored its dev data in bf16, so that the last digits can differ "
        "(--precision bf16 scores as the run did)"
    )
    assert said("bf16") == said("bf16", "run/model") == [expected]
    assert said("fp32") == []


def test_evaluation_needs_the_folder_and_a_file_only(trained: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    run, data, results = trained
    evaluation, written = evaluate(TASK, run, data, output=tmp_path / "out", report=silent)
    assert evaluation.metrics == results["test"]
    assert json.loads((tmp_path / "out" / "results.json").read_text()) == written
    ours, theirs = (np.load(folder / "predictions" / name) for folder, name in
                    ((run, "test.npz"), (tmp_path / "out", "train.npz")))  # fmt: skip
    np.testing.assert_allclose(ours["logits"], theirs["logits"], rtol=1e-5, atol=1e-5)
    moved, _ = evaluate(TASK, run / "model", data, batch_size=3, report=silent)
    assert moved.metrics == results["test"]


def test_predictions_come_in_order_with_offsets(trained: tuple[Path, Path, dict[str, Any]]) -> None:
    run, data, _ = trained
    rows = json.loads(data.read_text())
    loaded = load_checkpoint_of(training_of(TASK), run)
    answers = list(predict_rows(TASK, loaded, (("here", row) for row in rows), batch_size=3))
    assert [(a["start"], a["end"]) for a in answers] == [(row["start"], row["end"]) for row in rows]
    assert [a["id"] for a in answers] == [record.id for record in training_of(TASK).read(data, None, False).records]
    right = [set(a["predicted"]) == set(row["labels"]) for a, row in zip(answers, rows, strict=True)]
    assert sum(right) >= 14


def test_the_folder_says_its_task(trained: tuple[Path, Path, dict[str, Any]]) -> None:
    assert task_of(trained[0] / "model") == "entity-typing"


def test_a_label_that_training_lacks_is_named(trained: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    run, data, _ = trained
    rows = json.loads(data.read_text())
    rows[3]["labels"] = ["river"]
    (tmp_path / "dev.json").write_text(json.dumps(rows))
    with pytest.raises(DataError, match="label 'river'"):
        evaluate(TASK, run, tmp_path / "dev.json", report=silent)
    lines: list[str] = []
    _, results = evaluate(TASK, run, tmp_path / "dev.json", skip_bad=True, report=lines.append)
    assert results["records"] == 15 and "skipped 1 record: " in lines[0]


def test_wrong_requests(tiny_bert: Path, typing_file: Path, tmp_path: Path) -> None:
    files = DataFiles(train=typing_file)
    with pytest.raises(ConfigurationError, match="setting 'metric': 'micro_f'"):
        finetune_task(TASK, str(tiny_bert), files, replace(CONFIG, metric="micro_f"), tmp_path / "a", report=silent)
    with pytest.raises(ConfigurationError, match="exclude each other"):
        finetune_task(TASK, str(tiny_bert), replace(files, dev=typing_file), CONFIG, tmp_path / "b", report=silent)
    with pytest.raises(CheckpointError, match="no such file or folder"):
        load_checkpoint_of(TASK, tmp_path / "c")
    with pytest.raises(ConfigurationError, match="--data FOLDER"):
        DataFiles.choose(TASK, None, train=None, dev=None, test=None)
    with pytest.raises(DataError, match="no training file"):
        DataFiles.choose(TASK, tmp_path / "..", train=None, dev=None, test=None)


def test_a_folder_without_the_usual_names_shows_its_files(tmp_path: Path) -> None:
    for name in ("jaquad_train_0000.json.gz", "jaquad_dev_0000.json.gz", ".hidden"):
        (tmp_path / name).touch()
    said = (
        "found no training file, expected a name like train.json "
        "(files here: jaquad_dev_0000.json.gz, jaquad_train_0000.json.gz); --train and --dev name other files"
    )
    with pytest.raises(DataError, match=re.escape(said)):
        DataFiles.choose(TASK, tmp_path, train=None, dev=None, test=None)


def test_a_checkpoint_of_another_task_is_refused(tiny_bert: Path, tmp_path: Path) -> None:
    config = json.loads((tiny_bert / "config.json").read_text()) | {"loreweave": {"task": "ner"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="found a checkpoint for ner, expected one for entity-typing"):
        load_checkpoint_of(TASK, tmp_path)


@pytest.mark.parametrize("block", [1, 3])
def test_a_block_is_answered_before_more_is_read(trained: tuple[Path, Path, dict[str, Any]], block: int) -> None:
    run, data, _ = trained
    read: list[int] = []

    def queries() -> Iterator[tuple[str, dict[str, Any]]]:
        for number, row in enumerate(json.loads(data.read_text())):
            read.append(number)
            yield "here", row

    answers = predict_rows(TASK, load_checkpoint_of(training_of(TASK), run), queries(), block=block)
    next(answers)
    assert len(read) == block
    assert len(list(answers)) == 15


def test_evaluation_replaces_no_other_results(trained: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    """Neither a run's, ever, nor an evaluation's unless told to."""
    run, data, results = trained
    with pytest.raises(ConfigurationError, match="contains a run"):
        evaluate(TASK, run, data, output=run, overwrite=True, report=silent)
    assert json.loads((run / "results.json").read_text()) == results
    evaluate(TASK, run, data, output=tmp_path / "out", report=silent)
    with pytest.raises(ConfigurationError, match="contains other results"):
        evaluate(TASK, run, data, output=tmp_path / "out", report=silent)
    evaluate(TASK, run, data, output=tmp_path / "out", overwrite=True, report=silent)


# ---- relation classification, and what every task's jobs say about bad input -------------------------------------------

RELATIONS = load_task("relation-classification")
PAIRS: list[dict[str, Any]] = [
    {"text": text, "head": {"start": text.index(name), "end": text.index(name) + len(name)},
     "tail": {"start": text.index(place), "end": text.index(place) + len(place)}, "label": label}
    for name, place in (("Ann", "Oslo"), ("Bob", "Paris"), ("She", "Oslo"), ("He", "Paris"))
    for text, label in ((f"{name} lives in {place} .", "lives"), (f"{name} works at a bank in {place} .", "works"),
                        (f"{place} is long and {name} works .", "no_relation"))
]  # fmt: skip


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("encoder", ["tiny_luke", "tiny_bert"])
def test_relations_from_file_to_prediction(encoder: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    data = write(tmp_path / "train.jsonl", PAIRS)
    bad = PAIRS[0] | {"tail": PAIRS[0]["head"]}
    dev = write(tmp_path / "dev.jsonl", [*PAIRS, bad, PAIRS[1] | {"label": "owns"}])
    settings = {name: value for name, value in SETTINGS.items() if not name.startswith("dev_")} | {"epochs": 12}
    lines: list[str] = []
    results = finetune_task(
        RELATIONS, str(request.getfixturevalue(encoder)), DataFiles(train=data, dev=dev, test=data),
        fill(training_of(RELATIONS).config, settings), tmp_path / "run", reading=Reading(skip_bad=True), report=lines.append,
    )  # fmt: skip
    assert results["test"]["micro_f1"] > 0.9
    assert lines.count("dev: micro and macro scores exclude 'no_relation'") == 1, "once, not after every epoch"
    listed = json.loads((tmp_path / "run" / "left_out.json").read_text())
    assert [line.split(":")[0] for line in listed["dev"]] == ["line 13", "line 14"] and "train" not in listed
    assert f"{dev}: skipped 2 records: bad tail (1), label 'owns' unknown to the model (1)" in lines
    loaded = load_checkpoint_of(training_of(RELATIONS), tmp_path / "run")
    answers = list(predict_rows(RELATIONS, loaded, (("here", row) for row in PAIRS)))
    assert sum(answer["predicted"] == row["label"] for answer, row in zip(answers, PAIRS, strict=True)) >= 11
    assert task_of(tmp_path / "run" / "model") == "relation-classification"
    evaluation, _ = score(RELATIONS, data, write(tmp_path / "answers.jsonl", answers), report=silent)
    assert evaluation.metrics == results["test"], "answers find their records again"
    _, again = evaluate(RELATIONS, tmp_path / "run", dev, skip_bad=True, report=silent)
    assert again["left_out"] == listed["dev"] and again["records"] == 12
    negatives = write(tmp_path / "negatives.jsonl", PAIRS[2::3])
    _, empty = evaluate(RELATIONS, tmp_path / "run", negatives, report=lines.append)
    assert empty["micro_recall"] == 0.0 and "no record has a relation other than" in lines[-1] and lines[-1] in empty["notes"]


@pytest.mark.parametrize("bias", [True, False])
def test_a_run_says_what_plain_transformers_makes_of_its_model(
    bias: bool, tiny_luke: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lines of README.md run as a reader would run them, and give the outputs of the model."""
    lines: list[str] = []
    settings = {"epochs": 1, "classifier_bias": bias, "device": "cpu", "keep": "last", "leftover": "flush"}
    config = fill(training_of(RELATIONS).config, settings)
    run, data = tmp_path / "run", DataFiles(train=write(tmp_path / "train.jsonl", PAIRS))
    finetune_task(RELATIONS, str(tiny_luke), data, config, run, report=lines.append)
    said = [line for line in lines if "plain transformers" in line]
    ignored = f"plain transformers ignores classifier_bias of {run / 'model'} and gives other outputs (docs/models.md)"
    assert said == ([ignored] if bias else [])
    code = (run / "model" / "README.md").read_text().partition("```python\n")[2].partition("```")[0]
    monkeypatch.chdir(run / "model")
    names: dict[str, Any] = {}
    exec(code, names)
    assert type(names["model"]).__module__.partition(".")[0] == ("loreweave" if bias else "transformers")
    wanted = load_checkpoint_of(training_of(RELATIONS), run).model.eval()(**names["inputs"])
    assert names["outputs"].logits.tolist()[0] == pytest.approx(wanted.logits.tolist()[0])


def test_a_label_that_training_lacks_is_named_with_its_line(tiny_bert: Path, tmp_path: Path) -> None:
    dev = write(tmp_path / "dev.jsonl", [PAIRS[0], PAIRS[1] | {"label": "owns"}])
    files = DataFiles(train=write(tmp_path / "train.jsonl", PAIRS), dev=dev)
    config = fill(training_of(RELATIONS).config, {"device": "cpu"})
    with pytest.raises(DataError, match="dev.jsonl, line 2, field 'labels': found the label 'owns', expected one of"):
        finetune_task(RELATIONS, str(tiny_bert), files, config, tmp_path / "run", report=silent)


def test_a_split_of_which_nothing_is_left_is_an_error(tiny_bert: Path, tmp_path: Path) -> None:
    files = DataFiles(train=write(tmp_path / "train.jsonl", PAIRS), dev=write(tmp_path / "dev.jsonl", [{"text": 1, "head": 2}]))
    config = fill(training_of(RELATIONS).config, {"device": "cpu"})
    with pytest.raises(DataError, match="dev.jsonl: found no record that can be used"):
        finetune_task(RELATIONS, str(tiny_bert), files, config, tmp_path / "run", reading=Reading(skip_bad=True), report=silent)


def test_texts_that_are_on_both_sides_are_counted(tiny_bert: Path, tmp_path: Path) -> None:
    files = DataFiles(train=write(tmp_path / "train.jsonl", PAIRS), test=write(tmp_path / "test.jsonl", PAIRS[:2]))
    lines: list[str] = []
    settings = {"device": "cpu", "epochs": 1, "keep": "last", "dev_fraction": 0.3, "leftover": "flush"}
    config = fill(training_of(RELATIONS).config, settings)
    finetune_task(RELATIONS, str(tiny_bert), files, config, tmp_path / "run", report=lines.append)
    leaks = [line for line in lines if "also in the training data" in line]
    trained = set(json.loads((tmp_path / "run" / "records.json").read_text())["train"])
    shared = len(trained & {"1", "2"})  # each of the texts is there once, and the test file has the first two
    have = "has" if shared == 1 else "have"
    expected = [f"{shared} of 2 test records {have} a text that is also in the training data"] if shared else []
    assert leaks == expected and len(trained) == 8  # none of dev


def test_what_a_run_used_counts_all_of_it(tiny_bert: Path, tmp_path: Path) -> None:
    """Also the building of the model, before the engine begins."""

    def slow_build(*arguments: Any) -> Any:
        busy = time.process_time()
        while time.process_time() - busy < 0.5:
            pass
        return training_of(RELATIONS).build(*arguments)

    files = DataFiles(train=write(tmp_path / "train.jsonl", PAIRS))
    config = fill(training_of(RELATIONS).config, {"device": "cpu", "epochs": 1, "keep": "last", "leftover": "flush"})
    finetune_task(
        replace(RELATIONS, training=replace(training_of(RELATIONS), build=slow_build)),
        str(tiny_bert),
        files,
        config,
        tmp_path / "run",
        report=silent,
    )
    used = json.loads((tmp_path / "run" / "status.json").read_text())["used"]
    assert used["seconds"] >= 0.5 and used["cpu_seconds"] >= 0.5


def test_other_names_of_the_label_numbers_are_other_data(tiny_bert: Path, tmp_path: Path) -> None:
    file, info = tmp_path / "train.json", tmp_path / "dataset_info.json"
    file.write_text(json.dumps([{"tokens": ["Mia", "sings"], "ner_tags": [1, 0]}] * 4))

    def name(label: str) -> None:
        feature = {"feature": {"names": ["O", label], "_type": "ClassLabel"}, "_type": "Sequence"}
        info.write_text(json.dumps({"features": {"ner_tags": feature}}))

    task = load_task("ner")
    config = fill(training_of(task).config, {"epochs": 1, "batch_size": 2, "gradient_accumulation_steps": 1, "device": "cpu"})

    def stop(line: str) -> None:
        if " with 1 label: " in line:
            raise KeyboardInterrupt

    def train(resume: bool) -> None:
        files = DataFiles(train=file)
        finetune_task(task, str(tiny_bert), files, config, tmp_path / "run", resume=resume, report=stop)

    name("B-PER")
    with pytest.raises(KeyboardInterrupt):
        train(resume=False)
    with pytest.raises(KeyboardInterrupt):
        train(resume=True)
    name("B-ORG")
    with pytest.raises(ConfigurationError, match=r"data\.train.*dataset_info\.json sha256"):
        train(resume=True)


def test_a_balanced_part_is_reported_and_recorded(tiny_bert: Path, tmp_path: Path) -> None:
    persons = [row for row in TYPING_ROWS if row["labels"] == ["person"]]
    places = [row for row in TYPING_ROWS if row["labels"] != ["person"]][:3]
    (tmp_path / "train.json").write_text(json.dumps([*persons, *places]))
    files = DataFiles(train=tmp_path / "train.json", dev=tmp_path / "train.json")
    said: list[str] = []
    settings = {**SETTINGS, "epochs": 1, "dev_fraction": None, "dev_split_by": None, "train_balance": 1}
    config = fill(training_of(TASK).config, settings)
    results = finetune_task(TASK, str(tiny_bert), files, config, tmp_path / "run", report=said.append)
    assert "train_balance=1: 6 of 11 records (person 3 of 8, city 3 of 3)" in said and results["examples"] == 6
    ids = json.loads((tmp_path / "run" / "records.json").read_text())["train"]
    assert len(ids) == 6 and {"9", "10", "11"} < set(ids)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("ner", "train_balance is not read: the labels are those of mentions, and a sentence can have several"),
        ("entity-linking", "train_balance is not read: a mention has an entity, not a class"),
        ("few-shot-relation", "train_balance is not read: each class has equally many examples in an episode"),
    ],
)
def test_tasks_without_a_class_of_a_record_are_not_balanced(task: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        fill(training_of(load_task(task)).config, {"train_balance": 1})
