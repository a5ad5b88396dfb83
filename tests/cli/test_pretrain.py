"""`loreweave pretrain` hands the recipe, with the overrides over it, to the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loreweave.cli.main import main
from loreweave.pretraining import by_recipe
from loreweave.pretraining.configuration import PretrainingConfig


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[PretrainingConfig, dict[str, Any]]]:
    """The runs that would have been made."""
    calls: list[tuple[PretrainingConfig, dict[str, Any]]] = []
    monkeypatch.setattr(by_recipe, "run", lambda config, **options: calls.append((config, options)))
    return calls


def test_overrides_go_over_the_recipe(runs: list[tuple[PretrainingConfig, dict[str, Any]]]) -> None:
    arguments = ["minilm/pretraining-1", "data=a", "optimizer.learning_rate=3e-4", "objectives.masked_entities=null"]
    assert main(["pretrain", *arguments, "--resume"]) == 0
    config, options = runs[0]
    assert (config.data, config.optimizer.learning_rate, config.objectives.masked_entities) == (["a"], 3e-4, None)
    assert (config.micro_batch_size, options) == (16, {"resume": True, "overwrite": False})


def test_a_recipe_can_be_a_file(tmp_path: Path, runs: list[tuple[PretrainingConfig, dict[str, Any]]]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("{kind: pretraining, summary: s, paper: p, config: {model: m, data: [d], output: o}}")
    assert main(["pretrain", str(path), "seed=7"]) == 0
    assert (runs[0][0].model, runs[0][0].seed) == ("m", 7)


def test_evaluate_measures_and_trains_nothing(
    runs: list[tuple[PretrainingConfig, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[PretrainingConfig] = []

    def measure(config: PretrainingConfig) -> dict[str, float]:
        asked.append(config)
        return {"windows": 24.0, "masked_words_loss": 2.5}

    monkeypatch.setattr("loreweave.pretraining.evaluation.evaluate_objectives", measure)
    assert main(["pretrain", "minilm/pretraining-1", "--evaluate", "data=held-out", "model=runs/a"]) == 0
    assert (asked[0].data, asked[0].model, runs) == (["held-out"], "runs/a", [])
    assert capsys.readouterr().out.splitlines() == ["what\tvalue", "windows\t24", "masked words loss\t2.5"]
    assert main(["pretrain", "minilm/pretraining-1", "--evaluate", "--estimate"]) == 2
    assert "--estimate and --evaluate exclude each other" in capsys.readouterr().err
    assert main(["pretrain", "minilm/pretraining-1", "--evaluate", "--overwrite"]) == 2
    assert "--evaluate writes no run" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--resume", "--overwrite"])
def test_an_estimate_reads_no_run(
    option: str, runs: list[tuple[PretrainingConfig, dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    """It measures the whole run, not what is left of the one in the folder."""
    assert main(["pretrain", "minilm/pretraining-1", "data=a", "--estimate", option]) == 2
    assert "--estimate measures a whole run and writes none" in capsys.readouterr().err and not runs


def test_the_number_of_processes_is_for_estimates_alone(
    runs: list[tuple[PretrainingConfig, dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    """A run does not begin with one process where four were asked for."""
    assert main(["pretrain", "minilm/pretraining-1", "data=a", "--processes", "4"]) == 2
    assert "found 4 without --estimate" in (said := capsys.readouterr().err) and "torchrun --nproc_per_node 4" in said
    assert not runs


def test_the_device_is_a_setting_of_the_run(runs: list[tuple[PretrainingConfig, dict[str, Any]]]) -> None:
    assert main(["pretrain", "minilm/pretraining-1", "data=a", "--device", "cpu"]) == 0
    assert runs[0][0].device == "cpu"
