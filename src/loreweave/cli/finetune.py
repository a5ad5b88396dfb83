"""`loreweave finetune`: fine-tunes an encoder on a task."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from loreweave.cli.console import say, show_json, show_table, show_tables
from loreweave.cli.help import TrainedTask
from loreweave.cli.tag_names import TagNamesOption, read_tag_names


def command(
    task: TrainedTask,
    model: Annotated[
        str, typer.Option("--model", help="Encoder: a LUKE in any format, a folder of a BERT-like model, or a Hub name.")
    ],
    output: Annotated[Path, typer.Option("--output", help="Folder of the run. The final weights are in its subfolder model/.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Settings. They override those of the recipe.")
    ] = None,
    train: Annotated[list[Path] | None, typer.Option("--train", help="Training file; can be repeated.")] = None,
    dev: Annotated[
        Path | None,
        typer.Option("--dev", help="File on which the best epoch is selected. Instead, you can set dev_fraction=0.1."),
    ] = None,
    test: Annotated[Path | None, typer.Option("--test", help="File on which the kept weights are scored.")] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder with the splits, such as train.json, dev.json and test.json.")
    ] = None,
    recipe: Annotated[str | None, typer.Option("--recipe", help="Name of a recipe, or a YAML file.")] = None,
    format: Annotated[str | None, typer.Option("--format", help="Format of the files. Default: recognised.")] = None,
    tag_names: TagNamesOption = None,
    device: Annotated[
        str | None, typer.Option("--device", help="Device: cpu, cuda or mps. Default: an accelerator if there is one.")
    ] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out bad records and count them.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in the output folder.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Resume the run in the output folder, or begin it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print only results.json on standard output.")] = False,
) -> None:
    """Fine-tune an encoder on a task and keep the best epoch. 'loreweave tasks TASK' lists all settings and file formats.

    Example: loreweave finetune ner --model minilm --recipe minilm/ner --train train.conll --dev dev.conll --output runs/ner

    Example: loreweave finetune entity-typing --model studio-ousia/luke-base --data data/open_entity
    --recipe luke-base/open-entity --output runs/typing seed=1

    few-shot-ner learns from a source: annotated sentences, whose types can differ from those of the episodes that 'loreweave
    evaluate few-shot-ner' scores. It has no --dev and no --test.

    Example: loreweave finetune few-shot-ner --model minilm --train crossner/politics/train.txt --output runs/few-shot

    few-shot-relation learns from episodes that are drawn from a file of relation classification.

    Example: loreweave finetune few-shot-relation --model minilm --train train_wiki.json --recipe minilm/few-shot-relation
    --output runs/relations
    """
    from loreweave.errors import ConfigurationError
    from loreweave.tasks.contract import Reading
    from loreweave.tasks.jobs.finetune import DataFiles, finetune_task
    from loreweave.tasks.registry import load_task, training_of
    from loreweave.training.devices import close_process_group
    from loreweave.training.settings.configuration import fill

    if resume and overwrite:
        raise ConfigurationError("--resume and --overwrite exclude each other")
    chosen = load_task(task)
    files = DataFiles.choose(chosen, data, train=train[0] if train else None, dev=dev, test=test, more=(train or [])[1:])
    values = _of_recipe(recipe, model, task, overrides or [])
    config = fill(training_of(chosen).config, values, [*(overrides or []), *([f"device={device}"] if device else [])])
    reading = Reading(format=format, skip_bad=skip_bad, tag_names=read_tag_names(tag_names))
    try:
        results = finetune_task(
            chosen, model, files, config, output,
            reading=reading, overwrite=overwrite, resume=resume, report=say,
        )  # fmt: skip
    finally:
        close_process_group()
    if as_json:
        show_json(results)
        return
    splits = [split for split in ("dev", "test") if results.get(split)]  # test data may have no labels
    if splits:
        show_tables(results["tables"].get(splits[-1], {}), of=splits[-1])
        rows = [(metric, *(results[split][metric] for split in splits)) for metric in results[splits[0]]]
        show_table(("metric", *splits), rows, title=f"{task}, epoch {results['best_epoch']}")
    say(f"The weights are in {output / 'model'}; everything else about the run is in {output}.")


def _of_recipe(recipe: str | None, model: str, task: str, overrides: list[str]) -> dict[str, Any]:
    """Settings of a recipe; without one none, and a line that lists the recipes for the model."""
    from loreweave.errors import ConfigurationError
    from loreweave.training.settings.recipes import load_recipe, recipes_for

    if recipe is None:
        if names := recipes_for(model, task):
            say(f"no --recipe, so the defaults are used; for this model there is --recipe {' or '.join(names)}")
        return {}
    found = load_recipe(recipe)
    if found.task != task:
        raise ConfigurationError(f"recipe {recipe!r} is for {found.task or found.kind}, not for {task}")
    return found.config_for(overrides)
