"""`loreweave finetune`: from files to a run's folder, and Ctrl-C with the command to go on."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from tiny_encoders import TYPING_ROWS, make_tiny_bert

from loreweave.cli.main import main
from loreweave.training import precision
from loreweave.training.precision import Choice

QUICK = ["epochs=2", "batch_size=4", "gradient_accumulation_steps=1", "optimizer.learning_rate=0.01", "--device", "cpu"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny plain encoder."""
    return str(make_tiny_bert(tmp_path_factory.mktemp("bert")))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with all three splits."""
    folder = tmp_path / "data"
    folder.mkdir()
    for split in ("train", "dev", "test"):
        (folder / f"{split}.json").write_text(json.dumps(TYPING_ROWS))
    return folder


def test_a_run_from_a_data_folder(encoder: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["finetune", "entity-typing", "--model", encoder, "--data", str(data), "--output", str(tmp_path / "run")]
    assert main([*command, *QUICK, "--json", "--resume"]) == 0  # as jobs say that are put into the queue again
    out, err = capsys.readouterr()
    assert "found no run to resume" in err
    assert json.loads(out) == json.loads((tmp_path / "run" / "results.json").read_text())
    assert "records: 16 train, 16 dev, 16 test" in err and "epoch 2/2" in err and "shards" not in err
    assert main([*command, *QUICK]) == 2
    assert "contains the same run, which is done; --overwrite repeats it" in capsys.readouterr().err
    assert main([*command, *QUICK, "--overwrite"]) == 0
    shown = capsys.readouterr().out
    assert "micro_f1\t" in shown
    tables = json.loads((tmp_path / "run" / "results.json").read_text())["tables"]
    assert set(tables) == {"dev", "test"}
    rows = tables["test"]["per_label"]
    assert [row["label"] for row in rows] == ["city", "person", "place"]
    assert all(f"\n{row['label']}\t{row['gold']}\t{row['predicted']}\t{row['correct']}\t" in shown for row in rows)
    evaluate = ["evaluate", "entity-typing", "--model", str(tmp_path / "run"), "--data", str(data / "test.json"), "--json"]
    assert main(evaluate) == 0
    assert json.loads(capsys.readouterr().out)["per_label"] == rows  # the same table as that of evaluate


def test_the_processes_part_also_when_a_run_fails(
    encoder: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []
    monkeypatch.setattr("loreweave.training.devices.close_process_group", lambda: closed.append(True))
    command = ["finetune", "entity-typing", "--model", encoder, "--data", str(data), "--output", str(tmp_path / "run")]
    assert main([*command, *QUICK, "epochs=0"]) == 2 and not closed
    assert main([*command, *QUICK, "precision=fp16"]) == 2 and closed == [True]


@pytest.mark.parametrize(
    ("extra", "status", "message"),
    [
        (["--train", "x.json"], 2, "or --data"),
        (["--recipe", "luke-base/pretraining-1"], 2, "is for pretraining"),
        (["--recipe", "no/such"], 2, "unknown recipe"),
        (["epoch=3"], 2, "did you mean 'epochs'"),
        (["head=lukes"], 2, "head"),
        (["--overwrite", "--resume"], 2, "exclude"),
        (["head=luke"], 2, "needs a LUKE"),
        (["precision=fp16", "--device", "cpu"], 2, "fp16"),
        (["--model", "nowhere/at/all"], 1, "nowhere/at/all"),
    ],
)
def test_mistakes_are_one_message(
    extra: list[str], status: int, message: str, encoder: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["finetune", "entity-typing", "--model", encoder, "--data", str(data), "--output", str(tmp_path / "run")]
    assert main([*command, *extra]) == status
    err = capsys.readouterr().err
    assert message in err and "Traceback" not in err


def test_a_recipe_with_overrides(encoder: str, data: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    files = ["--train", str(data / "train.json"), "--test", str(data / "test.json"), "--recipe", "minilm/entity-typing"]
    overrides = ["dev_fraction=0.25", "dev_split_by=doc", *QUICK]
    assert main(["finetune", "entity-typing", "--model", encoder, *files, "--output", str(output), *overrides]) == 0
    settings = json.loads((output / "config.json").read_text())["settings"]
    assert settings["optimizer"] == {
        "learning_rate": 0.01, "betas": [0.9, 0.999], "epsilon": 1e-6, "weight_decay": 0.01, "bias_correction": True,
        "max_grad_norm": 1.0, "no_decay": ["bias", "LayerNorm.weight"], "rate_factors": {"classifier": 30.0},
        "head_learning_rate": None,
    }  # fmt: skip


def test_a_split_that_is_not_possible_names_the_file(
    encoder: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = str(data / "train.json")
    command = ["finetune", "entity-typing", "--model", encoder, "--train", train, "--output", str(tmp_path / "run")]
    assert main([*command, "dev_fraction=0.25", "dev_split_by=page", *QUICK]) == 1
    assert f"{train}, field 'page': record 1: found no 'page' to split by, but doc" in capsys.readouterr().err


def test_auto_precision_is_said_recorded_and_kept(
    encoder: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recipe says auto; a run that goes on elsewhere keeps what it began with, and says that."""
    output = tmp_path / "run"
    files = ["--train", str(data / "train.json"), "--recipe", "minilm/entity-typing"]
    command = ["finetune", "entity-typing", "--model", encoder, *files, "--output", str(output), "dev_fraction=0.25", *QUICK]
    monkeypatch.setattr(precision, "best_precision", lambda device: Choice("bf16", "it was fast"))
    assert main(command) == 0
    assert "precision: bf16 (auto: it was fast)" in capsys.readouterr().err
    assert json.loads((output / "config.json").read_text())["settings"]["precision"] == "bf16"
    status = json.loads((output / "status.json").read_text())
    (output / "status.json").write_text(json.dumps(status | {"status": "interrupted"}))
    monkeypatch.setattr(precision, "best_precision", lambda device: Choice("fp32", "it was slow"))
    main([*command, "--resume"])
    said = capsys.readouterr().err
    assert "precision: bf16, as the run began; this machine would choose fp32: it was slow" in said
    assert "other settings" not in said


def test_ctrl_c_keeps_a_checkpoint_and_says_how_to_go_on(
    encoder: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "run"
    command = ["finetune", "entity-typing", "--model", encoder, "--data", str(data), "--output", str(output)]
    command += [*QUICK, "epochs=20", "log_steps=1"]
    monkeypatch.setattr("sys.argv", ["/usr/bin/loreweave", *command])

    def press_ctrl_c() -> None:
        for _ in range(2000):
            if (output / "metrics.jsonl").exists():
                os.kill(os.getpid(), signal.SIGINT)
                return
            time.sleep(0.01)

    presser = threading.Thread(target=press_ctrl_c)
    presser.start()
    assert main(command) == 130
    presser.join()
    err = capsys.readouterr().err
    assert "to resume: loreweave finetune entity-typing" in err and "--resume" in err and "Traceback" not in err
    assert json.loads((output / "status.json").read_text())["status"] == "interrupted"
    assert main([*command, "--resume"]) == 0
    assert len(json.loads((output / "results.json").read_text())["epochs"]) == 20
    assert main([*command, "--resume"]) == 2
    assert "nothing to resume" in capsys.readouterr().err


def test_two_labels_for_a_model_that_chooses_one_are_found_in_their_file(
    encoder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [*TYPING_ROWS[:5], {**TYPING_ROWS[0], "labels": ["city", "place"]}]
    rows = [{**row, "labels": row["labels"][: 1 + (row is rows[-1])]} for row in rows]
    train, more = tmp_path / "train.jsonl", tmp_path / "more.jsonl"
    more.write_text("".join(json.dumps(row) + "\n" for row in rows[:-1]))
    train.write_text(more.read_text() + "\n" + json.dumps(rows[-1]) + "\n")
    command = ["finetune", "entity-typing", "--model", encoder, "--output", str(tmp_path / "run"), *QUICK]
    command += ["--train", str(more), "--train", str(train), "multi_label=false", "keep=last"]
    assert main(command) == 1
    assert f"{train}, line 7, field 'labels': found the labels city, place of " in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    assert main([*command, "--skip-bad"]) == 0
    err = capsys.readouterr().err
    assert f"{train}: skipped 1 record: labels that do not go with the settings (1)" in err and "records: 10 train" in err


def test_without_dev_data_it_is_said_that_the_last_epoch_is_kept(
    encoder: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--train", str(data / "train.json")]
    command = ["finetune", "entity-typing", "--model", encoder, "--output", str(tmp_path / "run"), *QUICK, "epochs=1", *files]
    assert main(command) == 2  # before the folder is made
    assert "no dev data to select the best epoch: give --dev FILE or dev_fraction=0.1" in capsys.readouterr().err
    assert main([*command, "keep=last", "patience=2"]) == 2 and not (tmp_path / "run").exists()
    command += ["keep=last", "--overwrite"]
    said = "no dev data: the last epoch is kept and {}; --dev FILE or dev_fraction=0.1 selects the best epoch"
    for more, scored in (([], "nothing is scored"), (["--test", str(data / "test.json")], "only the test data are scored")):
        capsys.readouterr()
        assert main([*command, *more]) == 0
        assert said.format(scored) in capsys.readouterr().err
    assert main([*command, "dev_fraction=0.25"]) == 0
    assert "no dev data" not in capsys.readouterr().err


def test_epochs_on_the_command_line_are_trained_whatever_the_recipes_minimum_is(
    encoder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.txt").write_text("Ann B-PER\nlives O\nin O\nOslo B-LOC\n\n" * 4)
    command = ["finetune", "ner", "--model", encoder, "--train", str(tmp_path / "train.txt"), "--recipe", "minilm/ner"]
    command += ["--output", str(tmp_path / "run"), "--device", "cpu", "keep=last", "precision=fp32", "epochs=1"]
    assert main(command) == 0
    err = capsys.readouterr().err
    assert "epoch 1/1" in err and "min_updates" not in err
    assert json.loads((tmp_path / "run" / "results.json").read_text())["updates"] == 1


def test_a_misspelt_model_is_noticed_before_the_data_are_read_and_recipes_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "train.jsonl"
    bad.write_text("{")
    where = ["--train", str(bad), "--output", str(tmp_path / "run"), "dev_fraction=0.5"]
    assert main(["finetune", "ner", "--model", "minilmm", *where]) == 1
    assert "did you mean the encoder 'minilm'" in capsys.readouterr().err
    assert main(["finetune", "ner", "--model", "minilm", *where]) == 1
    err = capsys.readouterr().err
    line = "using the default settings; recipes for this model: minilm/ner, minilm/ner-shared (choose one with --recipe NAME)"
    assert line in err and "train.jsonl" in err
    assert main(["finetune", "ner", "--model", "minilm", "--recipe", "minilm/ner", *where]) == 1
    assert "recipes for this model" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["span_features=words"], "span_features is read only with head=luke (a tag is read from the state of one word)"),
        (["head=tags", "max_entity_length=64"], "max_entity_length is read only with head=luke"),
        (["entity_aware_attention=false"], "entity_aware_attention is read only with a LUKE, found no LUKE; leave it out"),
        (
            ["evaluate_test_every_epoch=true"],
            "evaluate_test_every_epoch is read only with test data, found no test data; leave",
        ),
        (["metric=micro_f1"], "metric is read only with dev data, or test data, found no dev data and no test data"),
        (["dev_split_by=doc"], "dev_split_by is read only with a value of dev_fraction, found dev_fraction=null; leave it out"),
        (["schedule.warmup_steps=4", "schedule.warmup_ratio=0.5"], "schedule.warmup_ratio is read only with"),
    ],
)
def test_a_setting_that_is_not_read_stops_before_the_training(
    encoder: str, tmp_path: Path, given: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.txt").write_text("Ann B-PER\nlives O\nin O\nOslo B-LOC\n\n" * 4)
    command = ["finetune", "ner", "--model", encoder, "--train", str(tmp_path / "train.txt"), "keep=last", "leftover=flush"]
    assert main([*command, "--output", str(tmp_path / "run"), "--device", "cpu", *given]) == 2
    assert f"Error: {message}" in capsys.readouterr().err and not (tmp_path / "run" / "model").exists()


@pytest.mark.parametrize(
    ("task", "given", "message"),
    [
        (
            "entity-typing",
            ["entity_aware_attention=false"],
            "entity_aware_attention is read only with head=luke, found head=ma",
        ),
        ("relation-classification", ["max_mention_length=9"], "max_mention_length is read only with head=luke and multi_label"),
        ("ner", ["keep=best", "nested=true"], "nested is read only with head=luke (tags of words cannot nest)"),
        ("entity-typing", ["head=luke"], "head=luke needs a LUKE"),
        ("entity-typing", ["patience=2"], "patience is read only with dev data"),
        ("entity-typing", ["colour=red"], "unknown setting 'colour'; the nearest of"),
        ("few-shot-ner", ["patience=2"], "patience is not read: training on a source is not scored"),
    ],
)
def test_settings_are_checked_before_the_data(
    task: str, given: list[str], message: str, encoder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The training file does not exist, and there are no dev data."""
    command = ["finetune", task, "--model", encoder, "--train", str(tmp_path / "missing"), "--output", str(tmp_path / "run")]
    assert main([*command, *given]) == 2
    err = capsys.readouterr().err
    assert message in err and "recipes for this model" not in err
    if "unknown setting" in message:
        assert main(["finetune", task, "--model", encoder, "--output", str(tmp_path / "run"), *given]) == 2
        err = capsys.readouterr().err
        assert message in err and f"'loreweave tasks {task}' lists all" in err


def test_a_default_undoes_a_recipe_for_another_head(encoder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The way out that the message names."""
    (tmp_path / "train.txt").write_text("Ann B-PER\nlives O\nin O\nOslo B-LOC\n\n" * 4)
    command = ["finetune", "ner", "--model", encoder, "--train", str(tmp_path / "train.txt"), "leftover=flush"]
    command += [
        "--device",
        "cpu",
        "--recipe",
        "minilm/ner-shared",
        "--output",
        str(tmp_path / "run"),
        "head=tags",
        "keep=last",
        "epochs=1",
    ]
    assert main([*command, "max_entity_length=128"]) == 2
    assert "(shared_words=false is its default)" in capsys.readouterr().err
    assert main([*command, "max_entity_length=128", "shared_words=false", "precision=fp32"]) == 0
