"""`loreweave.pretrain` fills the same settings as the command, runs, and says what is wrong in its words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pretraining_runs import settings

import loreweave
from loreweave.cli.main import main
from loreweave.errors import ConfigurationError
from loreweave.pretraining import by_recipe
from loreweave.training.settings.configuration import to_dict


def test_a_run(world: Path, tmp_path: Path) -> None:
    config = settings(world, tmp_path / "run", word_only=True, objectives={"masked_words": {}}, epochs=9)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump({"kind": "pretraining", "summary": "s", "paper": "p", "config": config}))
    found = loreweave.pretrain(recipe, "seed=3", epochs=1, output=tmp_path / "own", optimizer={"learning_rate": 1e-3})
    assert found.path == tmp_path / "own" and (found.path / "model" / "config.json").is_file()
    assert found.results["masked_words_loss"] > 0


def test_settings_are_those_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(by_recipe, "run", lambda config, **options: asked.append((to_dict(config), options)))
    shell = ["data=a,b", "output=out", "optimizer.learning_rate=5e-4", "epochs=2", "objectives.masked_words.weight=2"]
    assert main(["pretrain", "minilm/pretraining-1", *shell, "--resume"]) == 0
    loreweave.pretrain(
        "minilm/pretraining-1", data=["a", Path("b")], output=Path("out"), optimizer={"learning_rate": 5e-4}, epochs=2,
        objectives__masked_words__weight=2, resume=True,
    )  # fmt: skip
    assert asked[0] == asked[1]


@pytest.mark.parametrize(
    ("recipe", "named", "message"),
    [
        ("minilm/pretraining-1", {"resume": True, "overwrite": True}, "exclude each other"),
        ("minilm/ner", {}, "is for finetuning; use 'loreweave finetune ner --recipe minilm/ner'"),
        ("minilm/pretraining-1", {"step": 3}, "did you mean 'steps'"),
    ],
)
def test_mistakes(recipe: str, named: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        loreweave.pretrain(recipe, data="d", output="o", **named)
