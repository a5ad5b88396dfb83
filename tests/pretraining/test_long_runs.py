"""Long runs that must be able to go on: full disks, numbers that are not finite, rivals, other data; what a resumed run says.

A table over a small graph, without an encoder: a run takes a moment.
"""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.errors import ConfigurationError, LoreweaveError
from loreweave.pretraining import run as run_module
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.run import run
from loreweave.pretraining.trainer import PretrainingTrainer
from loreweave.training.runs import record as run_record
from loreweave.training.runs.record import RunRecord
from loreweave.training.settings.configuration import fill


def build(folder: Path, order: list[int] | None = None, label: str = "town") -> Path:
    """A graph of 20 entities, in an order."""
    order = order or list(range(20))
    place = {number: row for row, number in enumerate(order)}
    entities = [GraphEntity(f"Q{i}", f"{label} {i}", "") for i in order]
    triples = [[place[i], i % 2, place[(i * 7 + 3) % 20]] for i in range(20)]
    relations = [GraphRelation("P0", "near", ""), GraphRelation("P1", "far", "")]
    KnowledgeGraph.from_parts(entities, relations, {"train": triples}).save(folder, overwrite=True)
    return folder


def config(tmp_path: Path, name: str = "run", **changes: Any) -> PretrainingConfig:
    graph = tmp_path / "graph"
    if not graph.exists():
        build(graph)
    objective = {"graph": str(graph), "micro_batch_size": 4, "entities": "table", "table_size": 8, "scorer": "distmult"}
    values = {"model": None, "output": str(tmp_path / name), "objectives": {"knowledge_embedding": objective}, "device": "cpu"}
    values |= {"batch_size": 1, "micro_batch_size": 1, "steps": 9, "log_steps": 4, "save_steps": 3}
    return fill(PretrainingConfig, values | {"schedule": {"warmup_steps": 0}, "optimizer": {"learning_rate": 0.1}} | changes)


def stop_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Break off before update `step` + 1, as a kill does: nothing is saved."""
    train = PretrainingTrainer.training_step

    def stopping(self: PretrainingTrainer, *arguments: Any, **named: Any) -> Any:
        if self.state.global_step >= step:
            raise KeyboardInterrupt
        return train(self, *arguments, **named)

    monkeypatch.setattr(PretrainingTrainer, "training_step", stopping)


def weights(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(path / "model" / "knowledge_embedding.safetensors")


def full_disk(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_resumed_run_logs_and_counts_as_one_that_never_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken off after update 5, resumed at the checkpoint of 3: the line of 4 has the mean of updates 1 to 4."""
    whole = run(config(tmp_path, "whole")).record
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_at(patch, 5)
        run(config(tmp_path))
    mark = json.loads((tmp_path / "run" / "checkpoints" / "checkpoint-3" / "complete.json").read_text())
    result = run(config(tmp_path), resume=True)
    assert result.record.metrics() == whole.metrics() and [row["step"] for row in whole.metrics()] == [4, 8, 9]
    assert result.results["seconds"] > mark["state"]["seconds"] > 0
    both = weights(tmp_path / "whole"), weights(tmp_path / "run")
    assert all(torch.equal(both[0][name], both[1][name]) for name in both[0])


def test_half_a_metrics_line_is_dropped_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = run(config(tmp_path, "whole")).record
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_at(patch, 8)
        run(config(tmp_path))
    with open(tmp_path / "run" / "metrics.jsonl", "a") as file:
        file.write('{"step": 8, "split": "tr')
    assert run(config(tmp_path), resume=True).record.metrics() == whole.metrics()
    assert "dropped the last line" in capsys.readouterr().err


@pytest.mark.parametrize("there", ["nothing", "an empty folder", "a wrong setting", "killed at once"])
def test_resuming_where_nothing_has_begun_begins(tmp_path: Path, there: str, capsys: pytest.CaptureFixture[str]) -> None:
    if there == "an empty folder":
        (tmp_path / "run").mkdir()
    if there == "a wrong setting":
        with pytest.raises(LoreweaveError):
            run(config(tmp_path, model="no/such/model"))
    if there == "killed at once":
        RunRecord.create(tmp_path / "run", "pretraining", {})
        (tmp_path / "run" / "config.json").unlink()
    run(config(tmp_path), resume=True)
    assert RunRecord(tmp_path / "run").status()["status"] == "done"
    assert "found no run to resume" in capsys.readouterr().err


def test_weights_that_are_not_finite_are_never_saved_over_healthy_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No log line before the end: the check is that of the save."""
    train = PretrainingTrainer.training_step

    def spoil(self: PretrainingTrainer, *arguments: Any, **named: Any) -> Any:
        loss = train(self, *arguments, **named)
        if self.state.global_step == 5:
            with torch.no_grad():
                self.model.get_parameter("extra_heads.knowledge_embedding.entity_embeddings.weight")[7, 3] = float("inf")
        return loss

    asked = config(tmp_path, log_steps=100)
    with monkeypatch.context() as patch:
        patch.setattr(PretrainingTrainer, "training_step", spoil)
        with pytest.raises(LoreweaveError, match=r"entity_embeddings\.weight are not finite at step 6.*checkpoint-3, is kept"):
            run(asked)
    record = RunRecord(tmp_path / "run")
    assert [path.name for path in record.checkpoints.all()] == ["checkpoint-3"]
    assert record.status()["status"] == "failed" and not record.model_path.exists()
    run(asked, resume=True)
    assert "resuming at step 3" in capsys.readouterr().err
    assert all(bool(tensor.isfinite().all()) for tensor in weights(record.path).values())


def test_a_model_that_is_not_finite_is_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = PretrainingTrainer.training_step

    def spoil(self: PretrainingTrainer, *arguments: Any, **named: Any) -> Any:
        loss = train(self, *arguments, **named)
        if self.state.global_step == 8:
            next(iter(self.model.parameters())).grad.fill_(float("nan"))  # type: ignore[union-attr]
        return loss

    monkeypatch.setattr(PretrainingTrainer, "training_step", spoil)
    with pytest.raises(LoreweaveError, match="not finite at the end"):
        run(config(tmp_path, save_steps=0, optimizer={"learning_rate": 0.1, "max_grad_norm": 0.0}))
    assert not (tmp_path / "run" / "model").exists()


@pytest.mark.parametrize("writer", ["optimizer.pt", "trainer_state.json", "complete.json"])
def test_a_disk_that_is_full_at_a_checkpoint(
    writer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The half of it is removed, the status says what failed, and the run goes on from the checkpoint before."""
    whole = run(config(tmp_path, "whole")).record
    save = PretrainingTrainer._save_optimizer_and_scheduler

    def filled(self: PretrainingTrainer, folder: str) -> None:
        save(self, folder)
        if not folder.endswith("-6"):
            return
        if writer == "optimizer.pt":
            (Path(folder) / writer).write_bytes(b"half")
            full_disk()
        monkeypatch.setattr(type(self.state), "save_to_json", full_disk)
        if writer == "complete.json":
            monkeypatch.setattr(type(self.state), "save_to_json", lambda state, path: Path(path).touch())
            monkeypatch.setattr("loreweave.training.runs.checkpoints.write_json", full_disk)

    with monkeypatch.context() as patch:
        patch.setattr(PretrainingTrainer, "_save_optimizer_and_scheduler", filled)
        with pytest.raises(LoreweaveError, match=r"checkpoint-6: could not be written .*No space left.* resume=True"):
            run(config(tmp_path))
    monkeypatch.undo()
    record = RunRecord(tmp_path / "run")
    assert record.status()["status"] == "failed" and "checkpoint-6" in record.status()["error"]
    assert [path.name for path in record.checkpoints.all()] == ["checkpoint-3"]
    run(config(tmp_path), resume=True)
    assert record.metrics() == whole.metrics() and record.status()["status"] == "done"


def test_a_checkpoint_cut_by_a_power_failure_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_at(patch, 7)
        run(config(tmp_path))
    (tmp_path / "run" / "checkpoints" / "checkpoint-6" / "trainer_state.json").write_text("")
    run(config(tmp_path), resume=True)
    said = capsys.readouterr().err
    assert "skipped" in said and "trainer_state.json has 0 bytes" in said and "resuming at step 3" in said


@pytest.mark.parametrize("save_steps", [0, 3])
def test_no_room_for_the_model(save_steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a checkpoint the weights are put elsewhere; with one the run goes on from it."""
    save = run_module.save_model

    def filled(begun: Any, module: Any, path: Path) -> None:
        save(begun, module, path)
        if path.parent == tmp_path / "run":
            full_disk()

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(run_module, "save_model", filled)
        with pytest.raises(LoreweaveError, match="saved to" if not save_steps else "resume=True"):
            run(config(tmp_path, save_steps=save_steps))
    record = RunRecord(tmp_path / "run")
    assert record.status()["status"] == "failed" and "model" in record.status()["error"]
    assert not record.model_path.exists()
    rescued = list(tmp_path.glob("loreweave-model-*/knowledge_embedding.safetensors"))
    assert len(rescued) == (save_steps == 0)
    if save_steps:
        run(config(tmp_path, save_steps=save_steps), resume=True)
        assert record.model_path.exists()


def test_done_is_said_before_anything_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(path: Path, **_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(run_record.RunRecord, "_make_room", lambda *_: None)
        patch.setattr(run_record.shutil, "rmtree", lambda path, **_: killed(path) if Path(path).name == "checkpoints" else None)
        patch.setattr(run_record.RunRecord, "_end", _end_once)
        run(config(tmp_path))
    record = RunRecord(tmp_path / "run")
    assert record.status()["status"] == "done" and record.checkpoints.newest().step == 9
    with pytest.raises(ConfigurationError, match="the run is done"):
        run(config(tmp_path), resume=True)
    assert not record.checkpoints_path.exists()


_end = RunRecord._end


def _end_once(self: RunRecord, status: str, **values: Any) -> None:
    """What a process that is killed says after `done`: nothing."""
    if self.status()["status"] != "done":
        _end(self, status, **values)


HOLD = """
import sys
from loreweave.training.runs.record import RunRecord
record = RunRecord.create(sys.argv[1], "pretraining", {})
record.log(step=1, split="train", loss=1.0)
print("running", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("how", [{}, {"resume": True}, {"overwrite": True}], ids=str)
def test_a_run_that_is_trained_now_is_not_touched(tmp_path: Path, how: dict[str, bool]) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "running\n"
    said = f"process {child.pid} on" if how else "another run .*, and a process is training it now; wait for it, or use another"
    with pytest.raises(ConfigurationError, match=said):
        run(config(tmp_path), **how)
    record = RunRecord(tmp_path / "run")
    assert record.status()["status"] == "running" and len(record.metrics()) == 1
    child.communicate("\n")
    if how:
        run(config(tmp_path), overwrite=True)


@pytest.mark.parametrize(
    ("order", "label", "said"),
    [
        ([*range(1, 20), 0], "town", "objectives.knowledge_embedding.graph: other content in"),
        (None, "village", "objectives.knowledge_embedding.graph: other content in"),
    ],
)
def test_other_data_is_refused_by_name(
    order: list[int] | None, label: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rebuilt with its entities in another order, or with other texts; the same again is taken."""
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_at(patch, 5)
        run(config(tmp_path))
    build(tmp_path / "graph", order, label)
    with pytest.raises(ConfigurationError, match=f"cannot resume on other data: {said}"):
        run(config(tmp_path), resume=True)
    build(tmp_path / "graph")
    assert run(config(tmp_path), resume=True).results["steps"] == 9


def test_event_files_are_written_when_asked_for(tmp_path: Path) -> None:
    assert not (run(config(tmp_path)).record.path / "tensorboard").exists()
    record = run(config(tmp_path, tensorboard=True), overwrite=True).record
    assert list((record.path / "tensorboard").glob("events*"))
