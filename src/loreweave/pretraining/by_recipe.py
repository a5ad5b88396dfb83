"""`loreweave.pretrain`, which the command of the same name calls with its options."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

from loreweave.errors import ConfigurationError
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.run import PretrainingResult, run
from loreweave.training.runs.resuming import check_resume
from loreweave.training.settings.blame import blamed
from loreweave.training.settings.configuration import Override, fill, overrides_of
from loreweave.training.settings.recipes import load_recipe


def configuration_of(recipe: str | PathLike[str], overrides: Sequence[Override]) -> PretrainingConfig:
    """The settings of a recipe with the overrides.

    Raises:
        ConfigurationError: no such recipe, a recipe for fine-tuning, or a wrong setting.
    """
    found = load_recipe(str(recipe))
    if found.kind != "pretraining":
        raise ConfigurationError(
            f"recipe {str(recipe)!r} is for {found.kind}; use 'loreweave finetune {found.task} --recipe {recipe}'"
        )
    return blamed(lambda some: fill(PretrainingConfig, found.config_for(some), some), overrides, f"recipe {recipe}")


def pretrain(
    recipe: str | PathLike[str], *overrides: str, resume: bool = False, overwrite: bool = False, **settings: Any
) -> PretrainingResult:
    """Pre-train an encoder by a recipe, as `loreweave pretrain` does.

    Args:
        recipe: name of a recipe (`loreweave recipes`), or a YAML file.
        overrides: settings as in the shell, such as `"optimizer.learning_rate=5e-4"`.
        resume: resume the run in the output folder, or begin it.
        overwrite: replace the run in the output folder.
        settings: settings of the run, which override those of the recipe; `data` and `output` among them. A group is a dict
            (`optimizer={"learning_rate": 5e-4}`), or part of the name (`optimizer__learning_rate=5e-4`).

    Returns:
        The folder of the run as `path`, and the content of `results.json` as `results`.

    Raises:
        LoreweaveError: wrong settings, or data or a model that cannot be read.

    Example:
        >>> pretrain("minilm/pretraining-1", data="build/pages", output="runs/stage-1").path  # doctest: +SKIP
    """
    check_resume(resume, overwrite)
    return run(configuration_of(recipe, [*overrides, *overrides_of(settings)]), resume=resume, overwrite=overwrite)
