"""The sweep file: what it says is understood, and what is wrong in it is named before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from toy_search import silent, toy_sweep, use_toy

from loreweave.errors import ConfigurationError
from loreweave.experiments.search.run import search
from loreweave.experiments.search.sweep import read_sweep

GRID: dict[str, Any] = {"design": "grid", "vary": {"dropout": [0.0, 0.2]}}


def test_keys_are_overridden_as_in_the_shell() -> None:
    given = {"task": "ner", "model": "minilm", "train": "a.conll", "settings": {"optimizer": {"learning_rate": 1e-4}}, **GRID}
    overrides = ["budget.trials=3", "settings.optimizer.learning_rate=1e-3", "vary.dropout=0.1,0.3", "settings.epochs=2"]
    sweep = read_sweep(given, overrides)
    assert sweep.train == ["a.conll"] and sweep.budget.trials == 3
    assert sweep.settings == {"optimizer.learning_rate": 1e-3, "epochs": 2}
    assert sweep.vary == {"dropout": [0.1, 0.3]}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"vary": {"learning_rate": [1e-4]}}, "vary.learning_rate: .*did you mean 'optimizer.learning_rate'"),
        ({"vary": {"dropuot": [0.1]}}, "vary.dropuot: .*did you mean 'dropout'"),
        ({"vary": {"optimizer": {"learning_rat": [1e-4]}}}, "vary.optimizer.learning_rat.*did you mean 'learning_rate'"),
        ({"vary": {"dropout": []}}, "vary.dropout: found an empty list"),
        ({"vary": {"dropout": {"low": 0.5, "high": 0.1}}}, "the range is empty, since low=0.5 is more than high=0.1"),
        ({"vary": {"dropout": {"low": 0.1, "high": 0.1}}}, "low and high are both 0.1"),
        ({"vary": {"dropout": {"min": 0.1, "max": 0.2}}}, "vary.dropout: found min, max, expected low and high"),
        ({"vary": {"dropout": {"low": 0.1}}}, "vary.dropout: found no high"),
        ({"vary": {"dropout": {"low": 0, "high": 0.3, "log": True}}}, "found low=0, expected more than 0"),
        ({"vary": {"dropout": {"low": 0, "high": 0.3, "step": 0.5}}}, "step=0.5 does not fit"),
        ({"vary": {"dropout": {"low": 0.1, "high": 0.3}}}, "has no separate values; give step"),
        ({"vary": {"batch_size": {"low": 1.5, "high": 4}}, "design": "random", "budget": {"trials": 2}}, "expected integers"),
        ({"vary": {"keep": {"low": 1, "high": 4}}}, "vary.keep: the setting is not a number"),
        ({"vary": {"dropout": [0.1, 0.1]}}, "0.1 is given twice"),
        ({"vary": {"dropout": 0.1}}, "vary.dropout: found 0.1, expected a list of values or a range"),
        ({"vary": {"batch_size": ["many", "few"]}}, "vary.batch_size: .*expected an integer"),
        ({"vary": {}}, "vary'?: found no setting"),
        ({"desgin": "grid"}, "unknown setting 'desgin'; did you mean 'design'"),
        ({"output": "x"}, "it is an option: --output"),
        ({"epochs": 3}, "unknown setting 'epochs'"),
        ({"settings": {"epoch": 3}}, "unknown setting 'epoch'; did you mean 'epochs'"),
        ({"design": "random"}, "budget'?: found no limit"),
        ({"budget": {"trials": 0}}, "budget.trials'?: found 0, expected 1 or more"),
        ({"metric": "accurac"}, "'accurac'.*did you mean 'accuracy'"),
        ({"metric": "test_micro_f1"}, "test scores are not optimised"),
        ({"direction": "minimize"}, "larger is better for all metrics"),
        ({"dev": None}, "found no dev data to optimise on"),
        ({"train": "missing.json"}, "missing.json: found no such file"),
        ({"task": "entity-tping"}, "entity-typing"),
        ({"recipe": "minilm/ner"}, "is for ner, not for entity-typing"),
        ({"seeds": [1]}, "read only with design=seeds"),
        ({"design": "seeds", "vary": {}}, "seeds'?: found none"),
        ({"pretrain": "minilm/pretraining-1"}, "give either task: NAME, or pretrain: RECIPE"),
        ({"batch": 4}, "batch'?: read only with design=tpe"),
        ({"repeat": {"seeds": [1, 1]}}, "expected one or more, each once"),
    ],
)
def test_wrong_sweeps(keys: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = use_toy(monkeypatch)
    with pytest.raises(ConfigurationError, match=message):
        search(toy_sweep(tmp_path, **{**GRID, **keys}), output=tmp_path / "out", report=silent)
    assert not trained and not (tmp_path / "out").exists()


def test_a_value_that_is_wrong_alone_is_a_failed_trial_that_is_announced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_toy(monkeypatch)
    told: list[str] = []
    sweep = toy_sweep(tmp_path, design="grid", vary={"batch_size": [0, 4]})
    found = search(sweep, output=tmp_path / "out", report=told.append)
    assert any("trials with 0 will fail" in line and "batch_size" in line for line in told)
    assert [row["state"] for row in found.trials] == ["failed", "complete"]
    assert "expected more than 0" in found.trials[0]["error"]


def test_a_packaged_sweep_is_suggested() -> None:
    with pytest.raises(ConfigurationError, match=r"unknown sweep 'exmple'; did you mean 'example'\?; .*ends in .yaml"):
        read_sweep("exmple")


def test_an_encoder_that_does_not_exist_is_announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_toy(monkeypatch)
    told: list[str] = []
    sweep = toy_sweep(tmp_path, design="grid", vary={"model": ["no-such-encoder", str(tmp_path / "bert")]})
    search(sweep, output=tmp_path / "out", report=told.append)
    assert any("trials with no-such-encoder will fail" in line for line in told)


def test_the_place_of_a_wrong_key_is_the_file(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text("task: ner\nmodle: minilm\n")
    with pytest.raises(ConfigurationError, match=r"sweep.yaml: unknown setting 'modle'; did you mean 'model'"):
        read_sweep(tmp_path / "sweep.yaml")
