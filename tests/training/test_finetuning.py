"""The engine on a toy task: updates, selection, early stop, resume to the same numbers, interruption."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor
from toy_finetuning import CONFIG, load, run, toy_job, with_loss

from loreweave.errors import ConfigurationError, DataError, LoreweaveError
from loreweave.training.evaluation import Evaluation
from loreweave.training.finetuning import EvaluationSet, FinetuningJob, finetune
from loreweave.training.runs.endings import Interrupted
from loreweave.training.runs.record import RunRecord
from loreweave.training.settings.configuration import fill, to_dict
from loreweave.training.settings.finetuning import FinetuningConfig
from loreweave.training.task_model import TaskModel


def test_a_run_leaves_its_record(tmp_path: Path) -> None:
    results = run(tmp_path / "run", replace(CONFIG, evaluate_before_training=True))
    assert [row["epoch"] for row in results["epochs"]] == [0, 1, 2, 3, 4]
    # 33 examples in batches of 2: 17 batches, of which the last fills no update of 2: 8 updates an epoch.
    assert results["updates"] == 32 and results["epochs"][1]["step"] == 8
    scores = [row["dev"]["micro_f1"] for row in results["epochs"][1:]]
    assert results["best_epoch"] == 1 + int(np.argmax(scores)) and results["dev"]["micro_f1"] == max(scores)
    assert results["dev"]["micro_f1"] > results["epochs"][0]["dev"]["micro_f1"]
    stored = json.loads((tmp_path / "run" / "results.json").read_text())
    assert stored == results
    names = {path.name for path in (tmp_path / "run" / "predictions").iterdir()}
    assert {"dev_epoch0.npz", "dev_epoch4.jsonl", "dev.npz", "test.jsonl"} <= names
    assert len(np.load(tmp_path / "run" / "train_loss.npy")) == 32
    assert not (tmp_path / "run" / "checkpoints").exists()
    assert json.loads((tmp_path / "run" / "status.json").read_text())["status"] == "done"


def test_flush_makes_one_smaller_update(tmp_path: Path) -> None:
    assert run(tmp_path / "run", replace(CONFIG, leftover="flush", epochs=2))["updates"] == 18


def test_gradient_accumulation_is_a_larger_batch(tmp_path: Path) -> None:
    """Without dropout, 2 x 2 and 4 x 1 are the same run: the loss is divided by the labels of the whole update."""
    losses = []
    for size, steps in ((2, 2), (4, 1)):
        job = toy_job(32)
        job.built.model.dropout.p = 0.0
        config = replace(CONFIG, batch_size=size, gradient_accumulation_steps=steps, epochs=2)
        run(tmp_path / f"{size}", config, job)
        losses.append(np.load(tmp_path / f"{size}" / "train_loss.npy"))
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_keep_last_without_dev(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="dev_fraction"):
        run(tmp_path / "run", job=replace(toy_job(), dev=None))
    results = run(tmp_path / "other", replace(CONFIG, keep="last"), replace(toy_job(), dev=None))
    assert results["best_epoch"] == 4 and "test" in results and "dev" not in results


def test_patience_stops(tmp_path: Path) -> None:
    job = toy_job()
    assert job.dev is not None
    constant = EvaluationSet(job.dev.examples, lambda outputs: Evaluation({"micro_f1": 0.5}))
    config, lines = replace(CONFIG, patience=2, epochs=9), list[str]()
    record = RunRecord.create(tmp_path / "run", "finetuning", to_dict(config))
    results = finetune(replace(job, dev=constant), config, record, report=lines.append)
    assert len(results["epochs"]) == 3 and results["best_epoch"] == 1
    assert lines[-1] == "stopped early, by patience=2: epoch 1 has the best dev micro_f1"


def test_patience_counts_also_when_the_last_weights_are_kept(tmp_path: Path) -> None:
    job = toy_job()
    assert job.dev is not None
    constant = EvaluationSet(job.dev.examples, lambda outputs: Evaluation({"micro_f1": 0.5}))
    config = replace(CONFIG, patience=2, epochs=9, keep="last")
    results = run(tmp_path / "run", config, replace(job, dev=constant))
    assert len(results["epochs"]) == 3 and results["best_epoch"] == 3
    with pytest.raises(ConfigurationError, match="patience"):
        run(tmp_path / "other", config, replace(job, dev=None))


def test_a_run_whose_patience_had_ended_trains_no_more_when_resumed(tmp_path: Path) -> None:
    """It was killed between its last epoch and its last evaluation."""
    job = toy_job()
    assert job.dev is not None and job.test is not None
    constant = EvaluationSet(job.dev.examples, lambda outputs: Evaluation({"micro_f1": 0.5}))
    config = replace(CONFIG, patience=2, epochs=9)
    whole = run(tmp_path / "whole", config, replace(job, dev=constant))

    def kill(outputs: list[np.ndarray]) -> Evaluation:
        raise RuntimeError("killed")

    stopped = replace(toy_job(), dev=constant, test=EvaluationSet(job.test.examples, kill))
    with pytest.raises(RuntimeError, match="killed"):
        run(tmp_path / "run", config, stopped)
    record = RunRecord.reopen(tmp_path / "run", to_dict(config))
    resumed = finetune(replace(toy_job(), dev=constant), config, record, report=lambda line: None)
    assert resumed == whole and resumed["updates"] == 24
    np.testing.assert_array_equal(*(np.load(tmp_path / name / "train_loss.npy") for name in ("run", "whole")))


class Deciding(TaskModel):
    """Its decision on dev is the number of the epoch in tenths."""

    def tune(self, records: Any, examples: Any, outputs: Any) -> None:
        self.decide({"threshold": self.model.config.to_dict().get("threshold", 0) + 0.125})

    def decision(self) -> dict[str, float]:
        found = self.model.config.to_dict().get("threshold")
        return {} if found is None else {"threshold": found}

    def decide(self, decision: Any) -> None:
        self.model.config.threshold = decision.get("threshold")


def deciding(built: TaskModel) -> Deciding:
    return Deciding(built.model, built.encoding, built.loss)


def test_what_is_chosen_on_dev_goes_with_the_weights_that_are_kept(tmp_path: Path) -> None:
    """The second epoch is the best of four; the test data are scored with its choice, also if the run was killed before."""

    def job(kill: bool = False) -> FinetuningJob:
        made = toy_job()
        built, (dev, test) = deciding(made.built), (made.dev, made.test)
        assert dev is not None and test is not None

        def scored(outputs: Any) -> Evaluation:
            return Evaluation({"micro_f1": 0.75 if built.decision() == {"threshold": 0.25} else 0.5})

        def score_test(outputs: Any) -> Evaluation:
            if kill:
                raise RuntimeError("killed")
            return Evaluation({"micro_f1": built.decision()["threshold"]})

        tuned = EvaluationSet(dev.examples, scored, lambda outputs: built.tune([], [], outputs))
        kept = EvaluationSet(test.examples, score_test)
        return replace(made, built=built, dev=tuned, test=kept, load=lambda path: deciding(load(path)))

    results = run(tmp_path / "whole", job=job())
    assert [epoch["decision"] for epoch in results["epochs"]] == [{"threshold": 0.125 * number} for number in (1, 2, 3, 4)]
    assert results["best_epoch"] == 2 and results["threshold"] == 0.25 and results["test"] == {"micro_f1": 0.25}
    with pytest.raises(RuntimeError, match="killed"):
        run(tmp_path / "run", job=job(kill=True))
    record = RunRecord.reopen(tmp_path / "run", to_dict(CONFIG))
    assert finetune(job(), CONFIG, record, report=lambda line: None) == results


def test_tensorboard_of_a_resumed_run_has_every_step_once(tmp_path: Path) -> None:
    config = replace(CONFIG, tensorboard=True, log_steps=1, epochs=2)
    job = toy_job()

    def killed(outputs: Any, labels: Tensor, num_items_in_batch: Any = None) -> Tensor:
        if len(RunRecord(tmp_path / "run").metrics()) > 12:
            raise RuntimeError("killed")
        return job.built.loss(outputs, labels, num_items_in_batch)

    with pytest.raises(RuntimeError, match="killed"):
        run(tmp_path / "run", config, with_loss(job, killed))
    record = RunRecord.reopen(tmp_path / "run", to_dict(config))
    finetune(toy_job(), config, record, report=lambda line: None)
    steps = [row["step"] for row in record.metrics() if row["split"] == "train"]
    assert steps == list(range(1, 17)) == [step for step, _ in scalars(record, "train/loss")]


def scalars(record: RunRecord, name: str) -> list[tuple[int, float]]:
    """(step, value) of every event that was written under a name, in order."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    files = sorted((record.path / "tensorboard").glob("events*"))
    events = [event for file in files for event in EventFileLoader(str(file)).Load()]
    return [(e.step, v.tensor.float_val[0]) for e in events for v in e.summary.value if v.tag == name]


@pytest.mark.parametrize("by_length", [False, True])
def test_two_processes_train_on_every_example_once(tmp_path: Path, by_length: bool) -> None:
    """33 examples in batches of 2: the second process has no batch in the last update of an epoch."""
    common = ["leftover=flush", "batch_size=2", f"bucket_by_length={str(by_length).lower()}", "epochs=2"]
    script = Path(__file__).with_name("finetuning_script.py")
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(script)]
    command = [*launch, str(tmp_path / "two"), *common, "gradient_accumulation_steps=1"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "destroy_process_group" not in done.stderr
    job = toy_job()
    job.built.model.dropout.p = 0.0
    config = fill(FinetuningConfig, to_dict(CONFIG), [*common, "gradient_accumulation_steps=2"])
    one = run(tmp_path / "one", config, job)
    two = json.loads((tmp_path / "two" / "results.json").read_text())
    losses = [np.load(tmp_path / folder / "train_loss.npy") for folder in ("one", "two")]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)
    assert len(losses[0]) == 18 and two["updates"] == one["updates"] == 18
    assert two["dev"] == one["dev"] and two["test"] == one["test"]


def test_an_epoch_without_update_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="leftover=flush"):
        run(tmp_path / "run", replace(CONFIG, gradient_accumulation_steps=64))


def test_without_an_example_no_setting_helps(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no training example: every record was left out"):
        run(tmp_path / "run", job=replace(toy_job(), examples=[]))


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    def broken(outputs: Any, labels: Tensor, num_items_in_batch: Any = None) -> Tensor:
        return outputs.logits.sum() * float("nan")

    with pytest.raises(LoreweaveError, match="nan at step"):
        run(tmp_path / "run", replace(CONFIG, log_steps=1), with_loss(toy_job(), broken))
    assert json.loads((tmp_path / "run" / "status.json").read_text())["status"] == "failed"


def test_a_run_that_ends_before_its_first_log_line_stops_too(tmp_path: Path) -> None:
    def broken(outputs: Any, labels: Tensor, num_items_in_batch: Any = None) -> Tensor:
        return outputs.logits.sum() * float("nan")

    with pytest.raises(LoreweaveError, match="is not finite"):
        run(tmp_path / "run", replace(CONFIG, log_steps=1000), with_loss(toy_job(), broken))


@pytest.mark.parametrize("stop_at", [3, 8, 19])
def test_an_interrupted_run_resumes_to_the_same_numbers(tmp_path: Path, stop_at: int) -> None:
    whole = run(tmp_path / "whole")
    job, calls = toy_job(), 0

    def interrupting(outputs: Any, labels: Tensor, num_items_in_batch: Any = None) -> Tensor:
        nonlocal calls
        calls += 1
        if calls == 2 * stop_at:
            os.kill(os.getpid(), signal.SIGINT)
        return job.built.loss(outputs, labels, num_items_in_batch)

    with pytest.raises(Interrupted, match="--resume") as stopped, suppress(LoreweaveError):  # a loop over seeds stops, too
        run(tmp_path / "run", job=with_loss(job, interrupting))
    assert f"interrupted at update {stop_at} of 32" in str(stopped.value)
    assert json.loads((tmp_path / "run" / "status.json").read_text())["status"] == "interrupted"
    record = RunRecord.reopen(tmp_path / "run", to_dict(CONFIG))
    resumed = finetune(toy_job(), CONFIG, record, report=lambda line: None)
    assert resumed == whole
    losses = [np.load(tmp_path / folder / "train_loss.npy") for folder in ("run", "whole")]
    np.testing.assert_array_equal(*losses)
    for name in ("dev", "test", "dev_epoch4"):
        one, other = (np.load(tmp_path / folder / "predictions" / f"{name}.npz") for folder in ("run", "whole"))
        np.testing.assert_array_equal(one["logits"], other["logits"])


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigurationError, match="epochs"):
        fill(FinetuningConfig, {"epochs": 0})
    with pytest.raises(ConfigurationError, match="dev_fraction"):
        fill(FinetuningConfig, {"dev_fraction": 1.5})


def test_fp16_on_a_cpu_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="fp16"):
        run(tmp_path / "run", replace(CONFIG, precision="fp16"))


def test_bf16_trains(tmp_path: Path) -> None:
    assert run(tmp_path / "run", replace(CONFIG, precision="bf16", epochs=1))["updates"] == 8
