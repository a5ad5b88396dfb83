"""`loreweave.finetune` and `loreweave.evaluate`, which the commands of the same names call with their options."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from loreweave.errors import ConfigurationError
from loreweave.tasks.contract import Task
from loreweave.tasks.jobs.evaluate import EvaluationResult, evaluate_task
from loreweave.tasks.jobs.execution import execution_of
from loreweave.tasks.jobs.finetune import DataFiles, finetune_task
from loreweave.tasks.jobs.options import Names, Place, Report, file_of, path_of, reading_of
from loreweave.tasks.jobs.predictor import Predictor, load
from loreweave.tasks.registry import load_task, training_of
from loreweave.training import devices
from loreweave.training.runs.resuming import check_resume
from loreweave.training.settings.blame import blamed
from loreweave.training.settings.configuration import Override, fill, overrides_of
from loreweave.training.settings.recipes import load_recipe, recipes_for


@dataclass(frozen=True)
class Run:
    """A fine-tuned model in its folder.

    Attributes:
        task: name of the task.
        path: folder of the run; the weights are in its subfolder `model/`.
        results: content of `results.json`.
    """

    task: str
    path: Path
    results: dict[str, Any]

    def predictor(self, **options: Any) -> Predictor:
        """The model, ready to predict; the options are those of `loreweave.load`."""
        return load(self.path, task=self.task, **options)


def finetune(
    task: str,
    model: Place,
    *overrides: str,
    output: Place,
    train: Place | Sequence[Place] | None = None,
    dev: Place | None = None,
    test: Place | None = None,
    data: Place | None = None,
    recipe: Place | None = None,
    format: str | None = None,
    tag_names: Names | None = None,
    skip_bad: bool = False,
    device: str | None = None,
    overwrite: bool = False,
    resume: bool = False,
    report: Report = print,
    **settings: Any,
) -> Run:
    """Fine-tune an encoder on a task and keep the best epoch, as `loreweave finetune` does.

    Args:
        task: name of the task (`loreweave tasks`).
        model: encoder: a folder, the name of a bundled encoder, or a name on the Hugging Face Hub.
        overrides: settings as in the shell, such as `"optimizer.learning_rate=1e-4"`.
        output: folder of the run.
        train: training file, or several.
        dev: file on which the best epoch is selected.
        test: file on which the kept weights are scored.
        data: folder with the splits, instead of `train`.
        recipe: name of a recipe, or a YAML file.
        format: format of the files. Default: recognised.
        tag_names: names of tags that are numbers in the data, or the file that holds them.
        skip_bad: leave out bad records and count them.
        device: cpu, cuda, cuda:1, xpu or mps. Default: an accelerator if there is one.
        overwrite: replace the run in the output folder.
        resume: resume the run in the output folder, or begin it.
        report: called with what the user should know, a line at a time.
        settings: settings of the task (`loreweave tasks TASK`), which override those of the recipe. A group is a dict
            (`optimizer={"learning_rate": 1e-4}`), or part of the name (`optimizer__learning_rate=1e-4`).

    Raises:
        LoreweaveError: wrong settings, or data or a model that cannot be read.

    Example:
        >>> run = finetune("ner", "minilm", train="train.conll", dev="dev.conll", output="runs/ner")  # doctest: +SKIP
    """
    check_resume(resume, overwrite)
    chosen = load_task(task)
    given: list[Override] = [*overrides, *overrides_of(settings), *([("device", device)] if device else [])]
    config = finetuning_config(chosen, recipe, given)
    files = data_files(chosen, train, dev, test, data)
    _suggest_recipes(recipe, str(model), task, report)
    try:
        results = finetune_task(
            chosen, str(model), files, config, Path(output),
            reading=reading_of(format, skip_bad, tag_names), overwrite=overwrite, resume=resume, report=report,
        )  # fmt: skip
    finally:
        devices.close_process_group()
    return Run(task, Path(output), results)


def evaluate(
    task: str,
    model: Place,
    *overrides: str,
    data: Place,
    output: Place | None = None,
    recipe: Place | None = None,
    format: str | None = None,
    base: Place | None = None,
    labels: Names | None = None,
    tag_names: Names | None = None,
    device: str | None = None,
    batch_size: int = 32,
    precision: str = "fp32",
    skip_bad: bool = False,
    overwrite: bool = False,
    report: Report = print,
    advance: Callable[[int], object] | None = None,
    **settings: Any,
) -> EvaluationResult:
    """Score a checkpoint on a task, as `loreweave evaluate` does; no training data is needed.

    Args:
        task: name of the task (`loreweave tasks`).
        model: checkpoint: the folder of a run, a Hugging Face folder, or a released file.
        overrides: settings as in the shell, such as `"protocol=blp"`.
        data: file to score on; the folder of a graph, or episodes, if that is the data of the task.
        output: folder for `results.json` and `predictions/`.
        recipe: recipe whose evaluation settings are used.
        format: format of the file. Default: recognised.
        base: encoder from which a released file in an older format was trained.
        labels: names of the model's classes in order, or the file that holds them.
        tag_names: names of tags that are numbers in the data, or the file that holds them.
        device: cpu, cuda, cuda:1, xpu or mps. Default: an accelerator if there is one.
        batch_size: number of records (or full texts) per batch.
        precision: fp32, bf16, fp16, or auto.
        skip_bad: leave out bad records and count them.
        overwrite: replace the results in the output folder.
        report: called with what the user should know, a line at a time.
        advance: called with the number of records that are done, for a progress bar.
        settings: settings of the evaluation (`loreweave tasks TASK`), which override those of the recipe.

    Raises:
        LoreweaveError: wrong settings, or data or a model that cannot be read.

    Example:
        >>> evaluate("ner", "runs/ner", data="test.conll").metrics["micro_f1"]  # doctest: +SKIP
    """
    execution = execution_of(
        device=device, precision=precision, batch_size=batch_size, base=base, labels=labels,
        reading=reading_of(format, skip_bad, tag_names), report=report, advance=advance,
    )  # fmt: skip
    evaluation, results = evaluate_task(
        load_task(task), Path(model), file_of(data, "data"), settings=[*overrides, *overrides_of(settings)],
        recipe=_evaluation_values(recipe, task), execution=execution, output=path_of(output), overwrite=overwrite,
    )  # fmt: skip
    devices.close_process_group()
    return EvaluationResult(evaluation, results)


def data_files(
    task: Task, train: Place | Sequence[Place] | None, dev: Place | None, test: Place | None, data: Place | None
) -> DataFiles:
    """Files of a run, from its options; see `DataFiles.choose`."""
    given = [file_of(file, "train") for file in ([train] if isinstance(train, (str, PathLike)) else train or [])]
    first = given[0] if given else None
    others = {"data": data, "dev": dev, "test": test}
    paths = {name: None if path is None else file_of(path, name) for name, path in others.items()}
    return DataFiles.choose(task, paths["data"], train=first, dev=paths["dev"], test=paths["test"], more=given[1:])


def _suggest_recipes(recipe: Place | None, model: str, task: str, report: Report) -> None:
    """Report the recipes for the model, if none was given."""
    if recipe is None and (names := recipes_for(model, task)):
        report(f"using the default settings; recipes for this model: {', '.join(names)} (choose one with --recipe NAME)")


def finetuning_config(task: Task, recipe: Place | None, overrides: Sequence[Override]) -> Any:
    """The settings of a task: its defaults, those of a recipe, and the overrides.

    Raises:
        ConfigurationError: a wrong setting, or a recipe for something else.
    """
    cls, listed_by = training_of(task).config, f"loreweave tasks {task.name}"
    if recipe is None:
        return fill(cls, {}, overrides, listed_by=listed_by)
    found = load_recipe(str(recipe))
    if found.task != task.name:
        raise ConfigurationError(f"recipe {str(recipe)!r} is for {found.task or found.kind}, not for {task.name}")
    return blamed(lambda some: fill(cls, found.config_for(some), some, listed_by=listed_by), overrides, f"recipe {recipe}")


def _evaluation_values(recipe: Place | None, task: str) -> dict[str, Any]:
    """Evaluation settings of a recipe for the task."""
    if recipe is None:
        return {}
    found = load_recipe(str(recipe))
    if found.task != task or not found.evaluation:
        raise ConfigurationError(f"recipe {str(recipe)!r} has no evaluation settings for {task}")
    return found.evaluation
