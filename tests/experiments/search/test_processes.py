"""Searches as processes: several workers, kill -9 of each kind of process, groups of torchrun, and jobs of a cluster."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_encoders import TYPING_ROWS, make_tiny_bert
from toy_search import silent, toy_sweep, use_toy
from toy_search_program import PAUSE_VARIABLE, program

from loreweave.experiments.search.launchers.local import environments, visible_gpus
from loreweave.experiments.search.launchers.scripts import script_of
from loreweave.experiments.search.launchers.slurm import submit
from loreweave.experiments.search.run import search
from loreweave.experiments.search.study import begin
from loreweave.experiments.search.sweep import read_sweep

VARY = {"dropout": [0.0, 0.1, 0.2, 0.3], "batch_size": [2, 4]}


def wait_for(condition: Callable[[], bool], seconds: float = 900) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.05)


def kept(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in ("trial", "state", "value", "dropout", "batch_size")} for row in rows]


@pytest.mark.slow
def test_nothing_is_lost_when_workers_and_the_main_process_are_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = toy_sweep(tmp_path, design="grid", vary=VARY)
    (tmp_path / "sweep.json").write_text(json.dumps(sweep))
    out = tmp_path / "out"
    python = program(tmp_path)
    command = [python, "-m", "loreweave", "search", str(tmp_path / "sweep.json"), "--output", str(out)]

    def running() -> list[Path]:
        return [path for path in (out / "trials").glob("*/lock.json") if not (path.parent / "results.json").exists()]

    slow = {**os.environ, PAUSE_VARIABLE: "3600"}
    alone = subprocess.Popen(command, env=slow, stderr=subprocess.DEVNULL)
    wait_for(lambda: len(running()) == 1)
    alone.kill()  # the worker is the main process
    alone.wait()
    several = subprocess.Popen([*command, "--workers", "2"], env=slow, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: len(list((out / "trials").glob("*/lock.json"))) == 2 and len(_workers(out)) == 2)
        workers = _workers(out)
        os.kill(workers[0], signal.SIGKILL)
    finally:
        several.kill()
        several.wait()
    wait_for(lambda: not any(_alive(worker) for worker in workers))  # workers do not outlive the main process
    trained = use_toy(monkeypatch)
    found = search(sweep, output=out, report=silent)
    assert trained == [f"{number:04d}" for number in range(8)]
    whole = search(sweep, output=tmp_path / "whole", report=silent)
    assert kept(found.trials) == kept(whole.trials) and found.best is not None and whole.best is not None
    assert found.best["settings"] == whole.best["settings"]


def _workers(out: Path) -> list[int]:
    """Process numbers of the local workers that hold their locks."""
    locks = [path for path in (out / "workers").glob("local-*/lock.json") if path.stat().st_size]
    return [int(json.loads(path.read_text())["process"]) for path in locks]


def _alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
def test_four_workers_find_what_one_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_toy(monkeypatch)
    vary = {"dropout": {"low": 0.0, "high": 0.9}}
    sweep = toy_sweep(tmp_path, design="tpe", vary=vary, budget={"trials": 22}, batch=4)
    one = search(sweep, output=tmp_path / "one", report=silent)
    monkeypatch.setattr(sys, "executable", program(tmp_path))
    four = search(sweep, output=tmp_path / "four", workers=4, report=silent)
    assert [(row["value"], row["dropout"]) for row in one.trials] == [(row["value"], row["dropout"]) for row in four.trials]
    assert one.best is not None and four.best is not None and one.best["trial"] == four.best["trial"]


def real_sweep(folder: Path, **keys: Any) -> dict[str, Any]:
    """A sweep that trains a tiny encoder."""
    (folder / "bert").mkdir()
    make_tiny_bert(folder / "bert")
    (folder / "train.json").write_text(json.dumps(TYPING_ROWS))
    settings = {"epochs": 2, "batch_size": 4, "gradient_accumulation_steps": 1}
    base = {"task": "entity-typing", "model": str(folder / "bert"), "device": "cpu", "design": "grid", "settings": settings}
    files = {"train": str(folder / "train.json"), "dev": str(folder / "train.json")}
    return {**base, **files, "vary": {"optimizer.learning_rate": [1e-3, 1e-2]}, **keys}


def test_trials_train_and_prune_a_real_model(tmp_path: Path) -> None:
    sweep = real_sweep(tmp_path, vary={"optimizer.learning_rate": [1e-2, 1e9]})
    found = search(sweep, output=tmp_path / "out", report=silent)
    assert [row["state"] for row in found.trials] == ["complete", "failed"]
    assert "not finite" in found.trials[1]["error"] or "NaN" in found.trials[1]["error"]
    assert found.best is not None and found.best["scores"]["dev_micro_f1"] == found.best["value"]
    assert (tmp_path / "out" / "trials" / "0000" / "model" / "config.json").exists()


@pytest.mark.slow
def test_a_trial_can_be_a_group_of_processes(tmp_path: Path) -> None:
    sweep = real_sweep(tmp_path, processes=2, vary={"optimizer.learning_rate": [1e-2]})
    found = search(sweep, output=tmp_path / "out", report=silent)
    assert [row["state"] for row in found.trials] == ["complete"], found.trials[0]["error"]
    environment = json.loads((tmp_path / "out" / "trials" / "0000" / "environment.json").read_text())
    assert environment["processes"] == 2


@pytest.mark.slow
def test_a_real_worker_that_is_killed_in_the_middle_of_a_run_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    sweep = real_sweep(tmp_path, settings={"epochs": 40, "batch_size": 2}, vary={"dropout": [0.0, 0.1]})
    (tmp_path / "sweep.json").write_text(json.dumps(sweep))
    command = [sys.executable, "-m", "loreweave", "search", str(tmp_path / "sweep.json"), "--output", str(tmp_path / "out")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    metrics = tmp_path / "out" / "trials" / "0000" / "metrics.jsonl"
    wait_for(lambda: metrics.exists() and '"epoch": 3' in metrics.read_text())
    process.kill()
    process.wait()
    found = search(sweep, output=tmp_path / "out", report=silent)
    whole = search(sweep, output=tmp_path / "whole", report=silent)
    assert [(row["state"], row["value"]) for row in found.trials] == [(row["state"], row["value"]) for row in whole.trials]
    assert "resumed" in json.loads((tmp_path / "out" / "trials" / "0000" / "status.json").read_text())


def test_each_worker_has_its_own_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3,5,7")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert visible_gpus(4) == ["2", "3", "5", "7"]
    sweep = read_sweep(toy_sweep(tmp_path, design="grid", vary=VARY, device="cuda", processes=2))
    study, _ = begin(sweep, tmp_path / "out")
    told: list[str] = []
    given = environments(study, 2, told.append)
    assert [each["CUDA_VISIBLE_DEVICES"] for each in given] == ["2,3", "5,7"] and not told
    assert {each["OMP_NUM_THREADS"] for each in given} == {str(max(1, (os.cpu_count() or 1) // 4))}
    assert [each["CUDA_VISIBLE_DEVICES"] for each in environments(study, 3, told.append)] == ["2,3", "5,7", "2,3"]
    assert told == ["3 workers x 2 GPUs, found 4: several workers share a GPU"]


JOB = {"queue": "gpuv100", "hours": 1.5, "gpus": 1, "cores": 4, "memory": 32, "setup": ["source env/bin/activate"]}


@pytest.mark.parametrize(
    ("scheduler", "lines"),
    [
        ("lsf", ['#BSUB -J "out[1-3]"', "#BSUB -W 01:30", "#BSUB -n 4", '#BSUB -R "rusage[mem=8192MB]"', "#BSUB -q gpuv100",
                 '#BSUB -gpu "num=1:mode=exclusive_process"', "#BSUB -B"]),
        ("pbs", ["#PBS -N out", "#PBS -J 1-3", "#PBS -l walltime=01:30:00", "#PBS -l select=1:ncpus=4:ngpus=1:mem=32gb",
                 "#PBS -q gpuv100", "#PBS -B"]),
        ("slurm", ["#SBATCH --array=1-3", "#SBATCH --time=01:30:00", "#SBATCH --mem=32G", "#SBATCH --gpus-per-node=1",
                   "#SBATCH --partition=gpuv100", "#SBATCH --signal=B:TERM@120", "#SBATCH -B"]),
    ],
)  # fmt: skip
def test_job_scripts(scheduler: Any, lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_toy(monkeypatch)
    sweep = toy_sweep(tmp_path, design="grid", vary=VARY, job={**JOB, "options": ["-B"]})
    study, _ = begin(read_sweep(sweep), tmp_path / "out")
    script = script_of(study, scheduler, 3, tmp_path)
    assert set(lines) <= set(script.splitlines())
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
    body = script.splitlines()[-3:]
    assert body[:2] == [f"cd {tmp_path} || exit 1", "source env/bin/activate"]
    assert body[2].startswith(f'exec python -m loreweave search {tmp_path / "out"} --worker "{scheduler}-$')


@pytest.mark.parametrize(("scheduler", "option"), [("lsf", "-o"), ("lsf", "-e"), ("pbs", "-o"), ("slurm", "--output")])
def test_folders_with_blanks_are_quoted(scheduler: Any, option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_toy(monkeypatch)
    study, _ = begin(read_sweep(toy_sweep(tmp_path, design="grid", vary=VARY)), tmp_path / "my runs")
    script = script_of(study, scheduler, 3, tmp_path)
    options = [word for line in script.splitlines() if line.startswith("#") for word in shlex.split(line.replace("=", " "))]
    assert options[options.index(option) + 1].startswith(f"{tmp_path}/my runs/workers/")


def test_a_script_starts_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", program(tmp_path))
    study, _ = begin(read_sweep(toy_sweep(tmp_path, design="grid", vary={"dropout": [0.0, 0.2]})), tmp_path / "out")
    script = script_of(study, "pbs", 1, tmp_path)
    environment = {**os.environ, "PBS_JOBID": "5.host"}
    done = subprocess.run(["bash"], input=script, text=True, check=False, capture_output=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out" / "results.json").read_text())["best"]["trial"] == 1
    assert (tmp_path / "out" / "workers" / "pbs-5-1").is_dir()


@pytest.mark.slow
def test_submitit_starts_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", program(tmp_path))
    study, _ = begin(read_sweep(toy_sweep(tmp_path, design="grid", vary=VARY)), tmp_path / "out")
    jobs = submit(study, 2, tmp_path, "local")
    assert [job.result() for job in jobs] == [0, 0]
    assert json.loads((tmp_path / "out" / "results.json").read_text())["trials"] == {"planned": 8, "complete": 8}
