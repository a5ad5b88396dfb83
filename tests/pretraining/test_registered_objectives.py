"""An objective from outside trains as those of the house do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from other_packages import isolate
from pretraining_runs import settings
from safetensors.torch import load_file
from word_count import WordCount

from loreweave.cli.main import main
from loreweave.errors import LoreweaveError
from loreweave.objectives import register_objective, registry
from loreweave.pretraining import run as run_module
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.run import run
from loreweave.training.runs.record import RunRecord
from loreweave.training.settings.configuration import fill


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(registry.REGISTRY, monkeypatch)
    register_objective(WordCount)


def test_the_command_trains_it(world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = settings(world, tmp_path / "run", word_only=True, objectives={"masked_words": {}, "word_count": {}}, epochs=1)
    config |= {"optimizer": {"learning_rate": 1e-2}, "dropout": 0.0}
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump({"kind": "pretraining", "summary": "s", "paper": "p", "config": config}))
    assert main(["pretrain", str(recipe), "objectives.word_count.scale=0.2", "objectives.word_count.weight=0.5"]) == 0
    rows = RunRecord(str(tmp_path / "run")).metrics()
    assert rows[-1]["word_count_loss"] < 0.5 * rows[0]["word_count_loss"]
    for row in rows:
        assert row["loss"] == pytest.approx(row["masked_words_loss"] + 0.5 * row["word_count_loss"], rel=1e-5)
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert {"word_count_loss", "word_count_accuracy", "word_count_error"} <= set(results)
    assert json.loads((tmp_path / "run" / "model" / "word_count.json").read_text()) == {"scale": 0.2}
    told = capsys.readouterr().err
    assert "word_count: counts words" in told and "objectives: masked_words, word_count" in told
    assert f"word_count: off by {rows[0]['word_count_error']:.2f} at 1 of 6" in told


def test_a_resumed_run_has_its_head_and_passes_it_the_log(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    objectives = {"word_count": {}}
    whole = settings(world, tmp_path / "whole", word_only=True, objectives=objectives, epochs=1, save_steps=2)
    expected = run(fill(PretrainingConfig, whole)).record.metrics()
    parts = fill(PretrainingConfig, whole | {"output": str(tmp_path / "parts")})

    class Stop(run_module.UpdateProgress):
        def on_step_end(self, args: object, state: object, control: object, **others: object) -> None:
            if getattr(state, "global_step", 0) == 5:
                raise LoreweaveError("the machine stops")

    with monkeypatch.context() as patch, pytest.raises(LoreweaveError, match="the machine stops"):
        patch.setattr(run_module, "UpdateProgress", Stop)
        run(parts)
    heads = sorted((tmp_path / "parts" / "checkpoints").glob("*/objective_heads.safetensors"))
    assert set(load_file(heads[-1])) == {"extra_heads.word_count.weight", "extra_heads.word_count.bias"}
    capsys.readouterr()
    built = []
    monkeypatch.setattr(WordCount, "build", classmethod(lambda cls, *given: built.append(cls(*given)) or built[-1]))
    found = run(parts, resume=True).record.metrics()
    assert [row["loss"] for row in found] == [row["loss"] for row in expected]
    assert built[0].seen == [1, 2, 3, 4, 5, 6], "the first four from the log of the earlier part"
    told = capsys.readouterr().err
    assert "word_count: goes on after 4" in told and "at 5 of 6" in told and "at 4 of 6" not in told
