"""`loreweave recipes`: the list, one recipe as a file to start from, and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loreweave.cli.main import main
from loreweave.training.settings.recipes import load_recipe, recipe_names


def test_the_list_has_a_line_for_every_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes"]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert lines[0][:3] == ["recipe", "job", "published"]
    assert [line[0] for line in lines[1:]] == recipe_names()
    assert ["luke-large/open-entity", "entity-typing", "micro_f1 0.782"] in [line[:3] for line in lines]


@pytest.mark.parametrize("name", recipe_names())
def test_a_shown_recipe_is_a_file_that_reads_back(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", name]) == 0
    path = tmp_path / "mine.yaml"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    shown, packaged = load_recipe(path), load_recipe(name)
    assert shown.config == packaged.config and shown.notes == packaged.notes


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", "--json"]) == 0
    assert [recipe["name"] for recipe in json.loads(capsys.readouterr().out)] == recipe_names()
    assert main(["recipes", "luke-large/open-entity", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["published"]["micro_f1"] == 0.782


@pytest.mark.parametrize("name", ["paddlenlp-luke-base", "relation-classification", "pretraining"])
def test_a_model_or_a_task_lists_its_recipes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    own = [recipe for recipe in recipe_names() if name in (recipe.partition("/")[0], load_recipe(recipe).task or "pretraining")]
    assert main(["recipes", name]) == 0
    assert [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()[1:]] == own != []
    assert main(["recipes", name, "--json"]) == 0
    assert [recipe["name"] for recipe in json.loads(capsys.readouterr().out)] == own
    assert main(["recipes", "luke"]) == 2
