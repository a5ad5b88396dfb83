"""Recipes are found by name or path, checked key by key, and packaged with what a reader needs to judge them."""

from __future__ import annotations

from pathlib import Path

import pytest

from loreweave.errors import ConfigurationError
from loreweave.training.recipes import Recipe, list_recipes, load_recipe, recipe_names

WHOLE = """
kind: finetuning
task: entity-typing
summary: a test
paper: none
published: {micro_f1: 0.5}
config: {seed: 1}
"""


def test_a_recipe_file_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(WHOLE, encoding="utf-8")
    assert load_recipe(path) == Recipe(
        name=str(path),
        kind="finetuning",
        task="entity-typing",
        summary="a test",
        paper="none",
        published={"micro_f1": 0.5},
        config={"seed": 1},
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("kind: finetuning", "kind: tuning"), "'kind': found 'tuning'"),
        (("task: entity-typing", ""), "a finetuning recipe names its task"),
        (("summary: a test", "sumary: a test"), "unknown setting 'sumary' in Recipe; did you mean 'summary'"),
        (("paper: none", "name: x"), "'name' comes from the file's place"),
        (("paper: none", ""), "setting 'paper' of Recipe is missing"),
    ],
)
def test_a_wrong_recipe_file_is_refused_by_name(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(WHOLE.replace(*change), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=f"mine.yaml: .*{message}"):
        load_recipe(path)


def test_an_unknown_name_gets_the_closest_recipe() -> None:
    with pytest.raises(ConfigurationError, match="unknown recipe 'luke-large/openentity'; did you mean 'luke-large/open-entity'"):
        load_recipe("luke-large/openentity")


def test_the_list_is_sorted_and_every_recipe_says_where_it_comes_from() -> None:
    recipes = list_recipes()
    assert [recipe.name for recipe in recipes] == recipe_names() == sorted(recipe_names())
    for recipe in recipes:
        assert recipe.summary and recipe.paper and recipe.config, recipe.name
