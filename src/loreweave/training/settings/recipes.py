"""Recipes: published settings as YAML files, found by name `<model>/<job>` or by path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

from loreweave.errors import ConfigurationError
from loreweave.training.settings.configuration import Override, fill, load_yaml, name_of, unknown_name

_WINS_OVER_EPOCHS = {"pretraining": "steps", "finetuning": "min_updates"}
"""Kind of recipe -> the setting that overrides `epochs`."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The settings of one job and where they come from.

    Attributes:
        name: `<model>/<job>`, or the path of the file.
        kind: type of the configuration in `config`: `pretraining` or `finetuning`.
        task: task of a fine-tuning recipe (`entity-typing`, ...).
        summary: one line for the list.
        paper: publication of the settings.
        published: published results, by metric name, as fractions; empty if there are none.
        hardware: hardware of the published run.
        hours: duration of that run; None if it is not known.
        notes: differences between paper and code, and what this recipe does.
        config: the settings.
        evaluation: settings of `loreweave evaluate`, if the task has any.
    """

    name: str
    kind: Literal["pretraining", "finetuning"]
    summary: str
    paper: str
    task: str | None = None
    published: dict[str, float | str] = field(default_factory=dict)
    hardware: str | None = None
    hours: float | None = None
    notes: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    evaluation: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.kind == "finetuning") != (self.task is not None):
            raise ValueError("a finetuning recipe names its task, a pretraining recipe has none")

    def config_for(self, overrides: Sequence[Override]) -> dict[str, Any]:
        """The settings to which `key=value` overrides are applied.

        If the overrides have a number of epochs, the recipe's own `min_updates` (fine-tuning) or `steps`
        (pre-training), which would take precedence, is left out. One among the overrides is kept.
        """
        given = {name_of(override) for override in overrides}
        wins = _WINS_OVER_EPOCHS[self.kind] if "epochs" in given else None
        return {name: value for name, value in self.config.items() if name != wins}


def recipe_names() -> list[str]:
    """Names of all packaged recipes, sorted."""
    return sorted(_packaged())


def list_recipes() -> list[Recipe]:
    """All packaged recipes, sorted by name."""
    return [load_recipe(name) for name in recipe_names()]


def recipes_for(model: str, task: str) -> list[str]:
    """Names of the packaged recipes of a model for a task: of `minilm`, or of the last part of a name on the Hub.

    Example:
        >>> recipes_for("studio-ousia/luke-base", "ner")
        ['luke-base/conll-2003']
    """
    own = [name for name in recipe_names() if name.partition("/")[0] == model.rstrip("/").rpartition("/")[2]]
    return [name for name in own if load_recipe(name).task == task]


def load_recipe(name_or_path: str | Path) -> Recipe:
    """Read a packaged recipe (`luke-large/open-entity`) or a YAML file of the same form.

    Raises:
        ConfigurationError: unknown recipe or file, or an invalid key or value.
    """
    name = str(name_or_path)
    packaged = _packaged()
    if name in packaged:
        with as_file(packaged[name]) as path:
            return _read(name, path)
    if name.endswith((".yaml", ".yml")):
        return _read(name, Path(name))
    hint = unknown_name(name, sorted(packaged))
    raise ConfigurationError(f"unknown recipe {name!r}{hint} ('loreweave recipes' lists all; a file ends in .yaml)")


def _read(name: str, path: Path) -> Recipe:
    values = load_yaml(path)
    if "name" in values:
        raise ConfigurationError(f"{path}: 'name' comes from the file's place, remove it")
    try:
        return fill(Recipe, {"name": name, **values})
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error


def _packaged() -> dict[str, Traversable]:
    found: dict[str, Traversable] = {}
    for model in files("loreweave").joinpath("recipes").iterdir():
        if model.is_dir():
            jobs = (job for job in model.iterdir() if job.name.endswith(".yaml"))
            found.update((f"{model.name}/{job.name.removesuffix('.yaml')}", job) for job in jobs)
    return found
