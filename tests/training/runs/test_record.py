"""The run's folder: what it refuses, keeps and says."""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loreweave.errors import ConfigurationError
from loreweave.training.runs import record as run_record
from loreweave.training.runs import status as run_status
from loreweave.training.runs.endings import Interrupted
from loreweave.training.runs.record import RunRecord

CONFIG = {"epochs": 2, "optimizer": {"learning_rate": 1e-5}}


def made(path: Path, **kwargs: Any) -> RunRecord:
    return RunRecord.create(path, "finetuning", CONFIG, command=["/bin/loreweave", "finetune", "a b"], **kwargs)


def test_a_new_run(tmp_path: Path) -> None:
    record = made(tmp_path / "run")
    assert json.loads((record.path / "config.json").read_text()) == CONFIG
    environment = json.loads((record.path / "environment.json").read_text())
    assert environment["packages"]["torch"] and environment["python"]
    assert record.status()["status"] == "running" and record.status()["kind"] == "finetuning"
    assert record.resume_command() == "loreweave finetune 'a b' --resume"


def test_another_run_is_replaced_only_when_asked(tmp_path: Path) -> None:
    made(tmp_path).log(step=1, split="dev")
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(ConfigurationError, match="contains the same run, and a process is training it now"):
        made(tmp_path)
    assert made(tmp_path, overwrite=True).metrics() == []
    assert (tmp_path / "mine.txt").exists()


@pytest.mark.parametrize("found", ["the same run", "the same run that is done", "another run", "a run that cannot be read"])
def test_a_folder_in_which_a_run_is_trained_has_no_way_out_that_is_refused(found: str, tmp_path: Path) -> None:
    record, asked = made(tmp_path), CONFIG
    record.log(step=1, split="train", loss=1.0)
    if found == "the same run that is done":
        record.set_status("done")
    elif found == "another run":
        asked = CONFIG | {"epochs": 7}
    elif found != "the same run":
        (tmp_path / "config.json").write_text("{")
    with pytest.raises(ConfigurationError, match="a process is training it now; wait for it, or use another folder$"):
        RunRecord.create(tmp_path, "finetuning", asked)
    (tmp_path / "lock.json").unlink()
    with pytest.raises(ConfigurationError, match="--overwrite"):
        RunRecord.create(tmp_path, "finetuning", asked)


@pytest.mark.parametrize("name", ["config.json", "environment.json", "status.json"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_run_that_was_killed_while_it_began_can_be_replaced(
    name: str, overwrite: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if overwrite:
        made(tmp_path).finish({"f1": 0.5})
    write = run_record.write_json

    def killed(path: Path, value: object) -> None:
        if path.name == name:
            raise KeyboardInterrupt
        write(path, value)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(run_record, "write_json", killed)
        patch.setattr(run_status, "write_json", killed)
        made(tmp_path, overwrite=overwrite)
    record = made(tmp_path, overwrite=True)
    assert record.status()["status"] == "running" and "ended" not in record.status()
    assert json.loads((tmp_path / "config.json").read_text()) == CONFIG


def test_a_run_without_its_configuration_is_not_resumed(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(ConfigurationError, match="no run to resume"):
        RunRecord.reopen(tmp_path, CONFIG)


def test_a_folder_that_is_no_run_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigurationError, match="does not contain a run"):
        made(tmp_path, overwrite=True)
    with pytest.raises(ConfigurationError, match="found a file"):
        made(tmp_path / "thesis.txt")


def test_reopening_wants_an_unfinished_run_of_the_same_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no run to resume"):
        RunRecord.reopen(tmp_path, CONFIG)
    record = made(tmp_path / "run")
    changed = {"epochs": 2, "optimizer": {"learning_rate": 2e-5}}
    with pytest.raises(ConfigurationError, match=r"optimizer.learning_rate was 1e-05, now 2e-05"):
        RunRecord.reopen(record.path, changed)
    RunRecord.reopen(record.path, CONFIG)
    record.finish({"f1": 0.5})
    with pytest.raises(ConfigurationError, match="done"):
        RunRecord.reopen(record.path, CONFIG)


def test_a_folder_that_was_refused_is_free_for_others(tmp_path: Path) -> None:
    """A process that lives on, as a notebook does, keeps only the folder that it trains in."""
    record = made(tmp_path)
    with record.watch():
        record.finish({})
    assert not (tmp_path / "lock.json").exists()
    for refused in (lambda: RunRecord.reopen(tmp_path, CONFIG), lambda: made(tmp_path)):
        with pytest.raises(ConfigurationError):
            refused()
        assert not (tmp_path / "lock.json").exists()


def test_inputs_add_up_and_a_resumed_run_must_find_all_of_them(tmp_path: Path) -> None:
    record = made(tmp_path)
    record.keep_inputs(lambda: {"model": {"weights": "1"}})
    record.keep_inputs(lambda: {"updates": 5})
    again = RunRecord.reopen(tmp_path, CONFIG)
    with pytest.raises(ConfigurationError, match="other data: model: other content in weights"):
        again.keep_inputs(lambda: {"model": {"weights": "2"}})
    again.keep_inputs(lambda: {"model": {"weights": "1"}})
    with pytest.raises(ConfigurationError, match="updates was 5, now 6"):
        again.keep_inputs(lambda: {"updates": 6})
    made(tmp_path, overwrite=True).keep_inputs(lambda: {"updates": 6})  # a new run may read what it likes


def test_an_older_record_of_the_same_process_goes_on(tmp_path: Path) -> None:
    record = made(tmp_path)
    RunRecord.reopen(tmp_path, CONFIG)
    record.log(step=1, split="train", loss=0.5)
    assert len(record.metrics()) == 1


@pytest.mark.parametrize(
    ("error", "status"),
    [(ValueError("x"), "failed"), (KeyboardInterrupt(), "interrupted"), (Interrupted("x"), "interrupted")],
)
def test_the_end_is_noted(tmp_path: Path, error: BaseException, status: str) -> None:
    record = made(tmp_path)
    with pytest.raises(type(error)), record.watch():
        raise error
    assert record.status()["status"] == status and "ended" in record.status()


def test_what_a_run_used_is_noted_and_a_resumed_run_adds_to_it(tmp_path: Path) -> None:
    record = made(tmp_path)
    with pytest.raises(KeyboardInterrupt), record.watch():
        busy = time.process_time()
        while time.process_time() - busy < 0.02:
            pass
        raise KeyboardInterrupt
    first = record.status()["used"]
    assert first["seconds"] >= 0.02 and first["cpu_seconds"] >= 0.02 and 0.01 < first["peak_memory_gib"] < 1000
    again = RunRecord.reopen(tmp_path, CONFIG)
    with again.watch():
        again.finish({})
    second = again.status()["used"]
    assert all(second[name] >= first[name] for name in first) and second["cpu_seconds"] < first["cpu_seconds"] + 5


def test_predictions_and_losses(tmp_path: Path) -> None:
    record = made(tmp_path)
    rows = [{"id": "a"}, {"id": "b"}]
    record.save_predictions("dev_epoch1", {"logits": np.ones((2, 3))}, rows, files={"official": {"a": "Watt"}})
    record.save_predictions("dev_epoch10", {}, rows, {"per_label": []})
    record.keep_predictions("dev_epoch1", "dev")
    assert json.loads((tmp_path / "predictions" / "dev.official.json").read_text()) == {"a": "Watt"}
    assert not record.tables("dev")  # those of epoch 10 are not taken
    assert np.load(tmp_path / "predictions" / "dev.npz")["logits"].shape == (2, 3)
    assert len((tmp_path / "predictions" / "dev.jsonl").read_text().splitlines()) == 2
    record.save_train_loss([3.0, 2.0, 1.0])
    for step in (1, 2, 3):
        record.log(step=step, split="train")
    record.forget_after(2)
    assert record.train_loss() == [3.0, 2.0] and [row["step"] for row in record.metrics()] == [1, 2]


def test_tensorboard_gets_the_numbers(tmp_path: Path) -> None:
    record = made(tmp_path)
    record.open_tensorboard()
    record.log(step=3, split="dev", micro_f1=0.5, note="text")
    assert list((tmp_path / "tensorboard").glob("events*"))
    assert record.metrics() == [{"step": 3, "split": "dev", "micro_f1": 0.5, "note": "text"}]


def test_tensorboard_gets_the_settings_for_its_hparams_tab(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    config = {"task": "ner", "settings": {"seed": 3, "optimizer": {"learning_rate": 0.5}, "patience": None}}
    record = RunRecord.create(tmp_path, "finetuning", config)
    record.open_tensorboard()
    record.log(step=1, split="train", loss=2.0)
    record.log(step=1, split="dev", micro_f1=0.5)
    record.finish({})
    board = EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    parts = board.PluginTagToContent("hparams")
    session = HParamsPluginData.FromString(parts["_hparams_/session_start_info"]).session_start_info.hparams
    assert (session["seed"].number_value, session["optimizer.learning_rate"].number_value) == (3, 0.5)
    assert session["patience"].string_value == "none"
    experiment = HParamsPluginData.FromString(parts["_hparams_/experiment"]).experiment
    assert [metric.name.tag for metric in experiment.metric_infos] == ["dev/micro_f1"]
    assert [event.value for event in board.Scalars("dev/micro_f1")] == [0.5]


def test_other_processes_write_nothing(tmp_path: Path) -> None:
    record = made(tmp_path / "run", is_writer=False)
    record.log(step=1, split="dev")
    record.finish({})
    assert not (tmp_path / "run").exists()


def test_the_command_to_resume_starts_as_many_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["/lib/loreweave/__main__.py", "pretrain", "r"]
    record = RunRecord.create(tmp_path / "run", "pretraining", CONFIG, command=command)
    assert record.resume_command() == "python -m loreweave pretrain r --resume"
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert record.resume_command() == "torchrun --nproc-per-node 2 -m loreweave pretrain r --resume"


@pytest.mark.parametrize("program", ["", "-c", "B.py", "/env/ipykernel_launcher.py", "/own/package/__main__.py"])
def test_a_run_of_a_script_is_resumed_by_the_same_call(program: str, tmp_path: Path) -> None:
    record = RunRecord.create(tmp_path / "run", "pretraining", CONFIG, command=[program, "-f", "x"])
    assert record.resume_command() == f"the same call with output='{tmp_path / 'run'}' and resume=True"


def test_a_run_that_failed_before_it_trained_makes_room(tmp_path: Path) -> None:
    record = RunRecord.create(tmp_path / "run", "finetuning", {"rate": -1})
    with pytest.raises(ValueError), record.watch():
        raise ValueError("a wrong setting")
    RunRecord.create(tmp_path / "run", "finetuning", {"rate": 1})
    assert json.loads((tmp_path / "run" / "config.json").read_text()) == {"rate": 1}


def test_a_failed_run_that_trained_is_kept(tmp_path: Path) -> None:
    record = RunRecord.create(tmp_path / "run", "finetuning", {})
    with pytest.raises(ValueError), record.watch():
        record.log(step=1, split="train", loss=1.0)
        raise ValueError("in the middle")
    with pytest.raises(ConfigurationError, match="contains the same run, which has failed; --resume continues it, --overwrite"):
        RunRecord.create(tmp_path / "run", "finetuning", {})


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("running", "the folder contains the same run, which has crashed; --resume continues it, --overwrite begins again"),
        ("interrupted", "the folder contains the same run, which is interrupted; --resume continues it"),
        ("done", "the folder contains the same run, which is done; --overwrite repeats it"),
    ],
)
def test_the_same_run_in_the_folder_is_told_from_another(state: str, message: str, tmp_path: Path) -> None:
    asked = {"settings": {"epochs": 6, "seed": 0}}
    record = RunRecord.create(tmp_path / "run", "finetuning", asked)
    record.log(step=1, split="train", loss=1.0)
    with suppress(KeyboardInterrupt), record.watch():
        if state == "done":
            record.finish({})
        raise KeyboardInterrupt
    record.set_status(state)
    with pytest.raises(ConfigurationError, match=message):
        RunRecord.create(tmp_path / "run", "finetuning", asked)
    other = {"settings": {"epochs": 7, "seed": 0}}
    with pytest.raises(ConfigurationError) as raised:
        RunRecord.create(tmp_path / "run", "finetuning", other)
    assert "another run (settings.epochs was 6, now 7); use --overwrite or another folder" in str(raised.value)
    if state != "done":
        way_out = "Give the settings of the run, or begin another run (--overwrite, or another folder)"
        with pytest.raises(ConfigurationError, match=re.escape(f"settings.epochs was 6, now 7. {way_out}")):
            RunRecord.reopen(tmp_path / "run", other)


def test_what_was_left_out_is_kept_where_there_is_any(tmp_path: Path) -> None:
    record = RunRecord(tmp_path)
    record.save_left_out({})
    assert not (tmp_path / "left_out.json").exists()
    record.save_left_out({"train": ["line 3: found 'x'"]})
    assert json.loads((tmp_path / "left_out.json").read_text()) == {"train": ["line 3: found 'x'"]}
