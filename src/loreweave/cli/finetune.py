"""`loreweave finetune`: fine-tunes an encoder on a task."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loreweave.cli.console import say, show_json, show_table, show_tables
from loreweave.cli.help import TrainedTask
from loreweave.cli.options import Device, FileFormat, Overrides, OverwriteRun, Resume, SkipBad, TagNamesOption


def command(
    task: TrainedTask,
    model: Annotated[
        str, typer.Option("--model", help="Encoder: a LUKE in any format, a folder of a BERT-like model, or a Hub name.")
    ],
    output: Annotated[Path, typer.Option("--output", help="Folder of the run. The final weights are in its subfolder model/.")],
    overrides: Overrides = None,
    train: Annotated[list[Path] | None, typer.Option("--train", help="Training file; can be repeated.")] = None,
    dev: Annotated[
        Path | None,
        typer.Option(
            "--dev",
            help="File on which the best epoch is selected. The setting dev_fraction=0.1 can replace it.",
        ),
    ] = None,
    test: Annotated[Path | None, typer.Option("--test", help="File on which the kept weights are scored.")] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder with the splits, such as train.json, dev.json and test.json.")
    ] = None,
    recipe: Annotated[str | None, typer.Option("--recipe", help="Name of a recipe, or a YAML file.")] = None,
    format: FileFormat = None,
    tag_names: TagNamesOption = None,
    device: Device = None,
    skip_bad: SkipBad = False,
    overwrite: OverwriteRun = False,
    resume: Resume = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print only results.json on standard output.")] = False,
) -> None:
    """Fine-tune an encoder on a task. 'loreweave tasks TASK' lists all settings and file formats.

    Example: loreweave finetune ner --model minilm --recipe minilm/ner --train train.conll --dev dev.conll --output runs/ner

    Example: loreweave finetune entity-typing --model studio-ousia/luke-base --data data/open_entity
    --recipe luke-base/open-entity --output runs/typing seed=1

    Example: loreweave finetune few-shot-ner --model minilm --train crossner/politics/train.txt --output runs/few-shot

    Example: loreweave finetune few-shot-relation --model minilm --train train_wiki.json --recipe minilm/few-shot-relation
    --output runs/relations
    """
    from loreweave.tasks.jobs.by_name import finetune

    results = finetune(
        task, model, *(overrides or []), output=output, train=train, dev=dev, test=test, data=data, recipe=recipe,
        format=format, tag_names=tag_names, skip_bad=skip_bad, device=device, overwrite=overwrite, resume=resume, report=say,
    ).results  # fmt: skip
    if as_json:
        show_json(results)
        return
    splits = [split for split in ("dev", "test") if results.get(split)]  # test data may have no labels
    if splits:
        show_tables(results["tables"].get(splits[-1], {}), of=splits[-1])
        metrics = dict.fromkeys(metric for split in splits for metric in results[split])  # a split may lack some
        rows = [(metric, *(results[split].get(metric) for split in splits)) for metric in metrics]
        show_table(("metric", *splits), rows, title=f"{task}, epoch {results['best_epoch']}")
    say(f"The weights are in {output / 'model'}; everything else about the run is in {output}.")
