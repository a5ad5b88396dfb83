"""`loreweave evaluate`: scores a checkpoint on a task's data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loreweave.cli.console import progress, say, say_written, show_evaluation, show_json
from loreweave.cli.help import AnyTask
from loreweave.cli.precision import PrecisionOption
from loreweave.cli.tag_names import TagNamesOption

Data = Annotated[
    Path, typer.Option("--data", help="File to score on. link-prediction: folder of a graph. Few-shot tasks: see below.")
]
Settings = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help="Settings, see below and 'loreweave tasks TASK'."),
]
EvaluationRecipe = Annotated[str | None, typer.Option("--recipe", help="Recipe whose evaluation settings are used.")]
Labels = Annotated[
    Path | None, typer.Option("--labels", help="Names of the model's classes in order: a file with one per line, or JSON.")
]
Base = Annotated[str | None, typer.Option("--base", help="Encoder from which a released file in an older format was trained.")]


def command(
    task: AnyTask,
    model: Annotated[Path, typer.Option("--model", help="Checkpoint: a run, a Hugging Face folder or a released file.")],
    data: Data,
    settings: Settings = None,
    recipe: EvaluationRecipe = None,
    format: Annotated[str | None, typer.Option("--format", help="Format of the file. Default: recognised.")] = None,
    base: Base = None,
    labels: Labels = None,
    tag_names: TagNamesOption = None,
    device: Annotated[str | None, typer.Option("--device", help="Device: cpu, cuda, cuda:1 or mps.")] = None,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Records (or full texts) per batch.")] = 32,
    precision: PrecisionOption = "fp32",
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out bad records and count them.")] = False,
    output: Annotated[Path | None, typer.Option("--output", help="Folder for results.json and predictions/.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the results in the output folder.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print only the results, as JSON, on standard output.")] = False,
) -> None:
    """Score a checkpoint on a task; no training data is needed.

    Example: loreweave evaluate entity-typing --model runs/typing --data data/open_entity/test.json

    Example: loreweave evaluate link-prediction --model runs/kepler --data graphs/wn18rr protocol=transductive cache=cache

    Settings of link-prediction: protocol=transductive, kepler-inductive, blp or grail; split=test; side=both, head or
    tail; unseen=encode, worst or skip (for triples with an entity that is not in train); cache=FOLDER stores embeddings;
    bootstrap=1000 (number of resamples for intervals); negatives=50, repetitions=5 and seed=0 (for grail); block_size=4096
    (candidates per block); objective=NAME (if the checkpoint has several heads). untrained=true evaluates an encoder without
    a head: scorer=transe_l1, pooling=first or mean, max_length=512, text, relation_text=description, label, label_description.

    Example: loreweave evaluate few-shot-ner --model runs/few-shot --data episodes.jsonl fine_tune=true viterbi=true

    Settings of few-shot-ner (--model can be any encoder): method=container, nnshot, structshot or protobert;
    space=states, means or gaussians (for container); fine_tune=true trains on each support set, with
    fine_tuning.max_steps=100, fine_tuning.part=all or heads, and fine_tuning.optimizer; viterbi=true decodes with
    temperature=0.01 and transitions=FILE (default: the source of the checkpoint); layers=4 (number of last layers that are
    summed); max_length=128; episodes=100 (number of first episodes that are scored); --skip-bad leaves out episodes that
    cannot be scored; legacy=true drops what the released code drops; bootstrap=1000; seed=1. The metric micro_f1 compares
    whole labels, published_micro_f1 is that of CONTaiNER's scorer, and flattened_micro_f1 is that of Few-NERD's scorer.

    Example: loreweave evaluate few-shot-relation --model runs/relations --data val_wiki.json way=5 shot=1 episodes=1000

    Settings of few-shot-relation: if --data is a file of relation classification, episodes are drawn from it with way=5,
    shot=1, queries=1 (per relation), na_rate=0, relations=[P26,P40] (default: all), episodes=1000 and seed=0. --data can also
    be a file of episodes from 'loreweave build relation-episodes' or FewRel's own; for FewRel's, answers=FILE has the gold
    numbers, and without it --output writes the predicted numbers. Other settings: distance=euclidean or dot;
    bootstrap=1000 (resamples for the 95 % interval); and for an encoder that was not fine-tuned
    method=proto or pair, max_length=128, and representation=markers, pooled or (for a LUKE) entities.
    """
    from loreweave.tasks.jobs.by_name import evaluate

    with progress("scoring") as advance:
        found = evaluate(
            task, model, *(settings or []), data=data, output=output, recipe=recipe, format=format, base=base, labels=labels,
            tag_names=tag_names, device=device, batch_size=batch_size, precision=precision, skip_bad=skip_bad,
            overwrite=overwrite, report=say, advance=advance,
        )  # fmt: skip
    say_written(output)
    if as_json:
        show_json(found.results)
        return
    show_evaluation(found.metrics, found.evaluation.tables, title=f"{task}, {found.results['records']} records")
