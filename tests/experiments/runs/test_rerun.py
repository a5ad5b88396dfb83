"""A run is repeated from its record alone, with the same numbers bit by bit."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from pretraining_runs import settings as pretraining_settings
from task_jobs import silent
from tiny_encoders import TYPING_ROWS
from tiny_worlds import make_world

import loreweave
from loreweave.errors import ConfigurationError, LoreweaveError
from loreweave.experiments.runs.comparison import differences
from loreweave.experiments.runs.folders import read_run
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.run import run as pretrain
from loreweave.training.settings.configuration import fill


@pytest.fixture
def trained(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of `finetune` whose files were given relative to the working directory, with dropout."""
    monkeypatch.chdir(tmp_path)
    for name, rows in {"train": TYPING_ROWS[:10], "more": TYPING_ROWS[10:], "dev": TYPING_ROWS}.items():
        Path(f"{name}.json").write_text(json.dumps(rows))
    loreweave.finetune(
        "entity-typing", tiny_bert, "epochs=2", "batch_size=4", "optimizer.learning_rate=0.01", "precision=fp32",
        train=["train.json", "more.json"], dev="dev.json", output="run", device="cpu", report=silent,
    )  # fmt: skip
    return tmp_path / "run"


def test_a_finetuning_run_is_repeated_from_anywhere(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    again = loreweave.rerun(trained, output="again", report=silent)
    assert again.differences == []
    assert (again.path / "model" / "config.json").is_file() and again.path == Path("again")
    other = loreweave.rerun(trained, "seed=5", output="other", report=silent)
    assert read_run(Path("other")).settings["seed"] == 5
    assert any(line.startswith("the loss of") for line in other.differences)
    assert any("model.safetensors" in line for line in other.differences)
    assert other.differences[0].startswith("setting seed was ") and other.differences[0].endswith(", now 5")
    shutil.rmtree(trained / "model")  # as a search does with the weights that it does not keep
    assert differences(trained, again.path) == []


def test_moved_data_are_named_and_changed_data_are_refused(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "moved").mkdir()
    (tmp_path / "dev.json").rename(tmp_path / "moved" / "development.json")
    with pytest.raises(ConfigurationError, match="which was the run's dev; --file dev=PATH names another"):
        loreweave.rerun(trained, output=tmp_path / "again", report=silent)
    again = loreweave.rerun(trained, output=tmp_path / "again", files={"dev": "moved/development.json"}, report=silent)
    assert again.differences == []
    with pytest.raises(ConfigurationError, match="inputs are not those of the run: dev was"):
        loreweave.rerun(trained, output=tmp_path / "other", files={"dev": "train.json"}, report=silent)
    with pytest.raises(ConfigurationError, match="--file test: the run has no file of this name; it has train, dev, train_2"):
        loreweave.rerun(trained, output=tmp_path / "other", files={"test": "train.json"}, report=silent)
    assert not (tmp_path / "other").exists()


def test_what_cannot_be_repeated_is_refused(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="found no run"):
        loreweave.rerun(tmp_path / "moved", output=tmp_path / "again", report=silent)
    for overwrite in (False, True):
        with pytest.raises(ConfigurationError, match="contains the run that is repeated; choose another folder"):
            loreweave.rerun(trained, output=trained, overwrite=overwrite, report=silent)
    assert (trained / "results.json").is_file()
    (tmp_path / "thesis").mkdir()
    thesis = {"experimental_configurations": {"log_parameters": {"seed": 1}}, "evaluation_predict_label": {"label_list": []}}
    (tmp_path / "thesis" / "results.json").write_text(json.dumps(thesis))
    with pytest.raises(ConfigurationError, match="found no config.json; runs of the LUKE thesis tools cannot be repeated"):
        loreweave.rerun(tmp_path / "thesis", output=tmp_path / "again", report=silent)
    with pytest.raises(ConfigurationError, match="--directory names the folder"):
        loreweave.rerun(trained, output=tmp_path / "again", directory=tmp_path / "gone", report=silent)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigurationError, match="the run had 1 processes, this one has 2; use 'loreweave rerun"):
        loreweave.rerun(trained, output=tmp_path / "again", report=silent)


@pytest.mark.parametrize(
    ("results", "said"),
    [
        (
            {"models": {"m": {}}, "settings": {}, "scores": []},
            "of a probe, which 'loreweave probe MODEL ... SETTING=VALUE ...'",
        ),
        ({"models": {"m": {}}, "tests": []}, "of a bias probe, which 'loreweave probe MODEL ... --bias FILE' repeats"),
        (
            {"task": "ner", "gold": "g.json", "predictions": "p.jsonl", "notes": []},
            "of 'loreweave score', which 'loreweave score ner --gold g.json --predictions p.jsonl' repeats",
        ),
        ({"task": "ner", "model": "m", "notes": []}, "results of older versions cannot be repeated"),
    ],
)
def test_results_without_settings_are_named(results: dict[str, object], said: str, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(json.dumps(results))
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        loreweave.rerun(tmp_path, output=tmp_path / "again", report=silent)


def test_another_environment_is_reported(trained: Path, tmp_path: Path) -> None:
    path = trained / "environment.json"
    found = json.loads(path.read_text())
    found["packages"]["torch"] = "2.0.0"
    path.write_text(json.dumps(found))
    lines: list[str] = []
    loreweave.rerun(trained, output=tmp_path / "again", report=lines.append)
    assert [line for line in lines if line.startswith("environment: torch was '2.0.0', now")]


def test_an_evaluation_is_recorded_and_repeated(trained: Path, tmp_path: Path) -> None:
    loreweave.evaluate("entity-typing", "run", data="dev.json", output="scores", device="cpu", report=silent)
    found = read_run(tmp_path / "scores")
    assert (found.kind, found.state, found.task, found.model) == ("evaluation", "done", "entity-typing", "run")
    assert found.main_scores == ["micro_f1"] and next(iter(found.scores)) != "micro_f1"
    assert found.status["files"] == {"data": "dev.json"} and found.status["used"]["seconds"] > 0
    again = loreweave.rerun(tmp_path / "scores", output=tmp_path / "again", report=silent)
    assert again.differences == [] and read_run(tmp_path / "again").scores == found.scores
    loreweave.evaluate("entity-typing", "run", data="dev.json", output="scores", device="cpu", report=silent, overwrite=True)
    with pytest.raises(ConfigurationError, match="contains other results"):
        loreweave.evaluate("entity-typing", "run", data="dev.json", output="scores", device="cpu", report=silent)
    with pytest.raises(ConfigurationError, match="contains a run with results of its own"):
        loreweave.evaluate("entity-typing", "run", data="dev.json", output="run", device="cpu", report=silent)


def test_an_evaluation_that_fails_says_so(trained: Path, tmp_path: Path) -> None:
    Path("bad.json").write_text('[{"sent": "Ann", "start": 0, "end": 9, "labels": ["person"]}]')
    with pytest.raises(LoreweaveError):
        loreweave.evaluate("entity-typing", "run", data="bad.json", output="scores", device="cpu", report=silent)
    found = read_run(tmp_path / "scores")
    assert found.state == "failed" and "bad.json" in str(found.error)
    loreweave.evaluate("entity-typing", "run", data="dev.json", output="scores", device="cpu", report=silent)
    assert read_run(tmp_path / "scores").state == "done"


def test_pretraining_is_repeated(minilm_dir: Path, tmp_path: Path) -> None:
    world = make_world(tmp_path / "world", minilm_dir)
    pretrain(fill(PretrainingConfig, pretraining_settings(world, tmp_path / "run", epochs=1, precision="fp32")))
    again = loreweave.rerun(tmp_path / "run", output=tmp_path / "again", report=silent)
    assert again.differences == []
    other = loreweave.rerun(tmp_path / "run", "seed=3", "steps=1", output=tmp_path / "other", report=silent)
    assert any(line.startswith("loss was") for line in other.differences)
    assert other.differences[:2] == ["setting steps was null, now 1", "setting seed was 0, now 3"]
    inputs = json.loads((tmp_path / "run" / "inputs.json").read_text())
    inputs[f"data {world / 'data'}"]["entities.jsonl"] = "another hash"
    (tmp_path / "run" / "inputs.json").write_text(json.dumps(inputs))
    with pytest.raises(ConfigurationError, match="inputs are not those of the run: data .*: missing: entities.jsonl. settings"):
        loreweave.rerun(tmp_path / "run", "steps=1", output=tmp_path / "changed", report=silent)
    assert not (tmp_path / "changed").exists()
    loreweave.rerun(tmp_path / "run", f"data={world / 'data'}", "steps=1", output=tmp_path / "named", report=silent)
    with pytest.raises(ConfigurationError, match="--file train: the run has no file of this name; its data are settings"):
        loreweave.rerun(tmp_path / "run", output=tmp_path / "changed", files={"train": world}, report=silent)


def test_runs_that_were_not_finished_are_not_called_equal(trained: Path, tmp_path: Path) -> None:
    (trained / "results.json").unlink()
    assert differences(trained, trained)[0].endswith("is missing: the run was not finished")
