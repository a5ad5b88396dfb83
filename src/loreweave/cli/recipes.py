"""`loreweave recipes`: list the packaged recipes, or show one."""

from __future__ import annotations

from typing import Annotated

import typer
import yaml

from loreweave.cli.console import show_json, show_table
from loreweave.cli.options import AsJson
from loreweave.training.settings.configuration import to_dict
from loreweave.training.settings.recipes import Recipe, list_recipes, load_recipe


def command(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Name of a recipe, or a YAML file. A model (luke-large) or a task (ner) lists its recipes. Default: list all.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the packaged recipes, or show one with its paper, published score and settings.

    Example: loreweave recipes luke-large/open-entity

    Example: loreweave recipes entity-typing
    """
    listed = [recipe for recipe in list_recipes() if name in (None, recipe.name.partition("/")[0], recipe.task or recipe.kind)]
    if name is not None and not listed:
        recipe = load_recipe(name)
        if as_json:
            show_json(to_dict(recipe))
        else:
            print(_as_yaml(recipe), end="")
    elif as_json:
        show_json([to_dict(recipe) for recipe in listed])
    else:
        columns = ("recipe", "job", "published", "hardware", "hours", "summary")
        show_table(columns, [_row(recipe) for recipe in listed], title="loreweave recipes NAME shows one")


def _row(recipe: Recipe) -> tuple[object, ...]:
    published = ", ".join(f"{metric} {value}" for metric, value in list(recipe.published.items())[:1])
    return recipe.name, recipe.task or recipe.kind, published or None, recipe.hardware, recipe.hours, recipe.summary


def _as_yaml(recipe: Recipe) -> str:
    """The recipe as a YAML file that `load_recipe` reads, with its name as a comment."""
    values = {key: value for key, value in to_dict(recipe).items() if key != "name"}
    return f"# {recipe.name}\n{yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120)}"
