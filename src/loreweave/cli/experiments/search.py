"""`loreweave search`: searches over settings, with one or many workers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from loreweave.cli.console import say, show_json, show_table
from loreweave.cli.options import ResultsAsJson

_SOURCE = "YAML file with the sweep, the folder of a search that was begun, or a packaged sweep: example, thesis."
Source = Annotated[Path, typer.Argument(metavar="SWEEP", help=_SOURCE)]
Keys = Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Keys of the sweep. They override the file.")]
Storage = Annotated[
    str | None, typer.Option("--storage", help="URL of a database, for many machines. Default: a file in the folder.")
]
Worker = Annotated[
    str | None,
    typer.Option("--worker", metavar="NAME", help="Work on a search that was begun, under this name."),
]

Script = Annotated[
    Literal["lsf", "pbs", "slurm"] | None,
    typer.Option("--script", help="Only write a job script for the workers: lsf, pbs or slurm."),
]

MOST_ROWS = 10


def command(
    sweep: Source,
    overrides: Keys = None,
    output: Annotated[Path | None, typer.Option("--output", help="Folder of the search. Default: runs/NAME.")] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Number of processes, each with its own GPU.")] = 1,
    storage: Storage = None,
    worker: Worker = None,
    slurm: Annotated[bool, typer.Option("--slurm", help="Submit the workers to SLURM, with the resources of job.")] = False,
    script: Script = None,
    status: Annotated[bool, typer.Option("--status", help="Only show how far the search is.")] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run the trials that failed again, for example after a full disk.")
    ] = False,
    as_json: ResultsAsJson = False,
) -> None:
    """Search over settings of a task or of pre-training. Each trial is a run. The same command continues a search.

    Example: loreweave search sweep.yaml --output runs/sweep --workers 2

    Example: loreweave search sweep.yaml design=grid budget.trials=20 settings.epochs=3

    Example: loreweave search runs/sweep --status

    Example: loreweave search sweep.yaml --workers 8 --slurm

    docs/search.md describes the sweep file.
    """
    from loreweave.experiments.search import run

    keys = overrides or []
    if worker is not None:
        run.work_as(sweep, worker, storage, say)
        return
    if slurm:
        run.submit_workers(sweep, keys, output, storage, workers, say)
        return
    if script is not None:
        run.write_job_script(sweep, keys, output, storage, script, workers, say)
        return
    if status:
        found = run.status(sweep, keys, output, storage)
    else:
        found = run.search(
            sweep, *keys, output=output, workers=workers, storage=storage, retry_failed=retry_failed, report=say
        )
    if as_json:
        show_json(found.results)
        return
    _show(found.results, found.trials, found.path)


def _show(results: dict[str, Any], rows: list[dict[str, Any]], folder: Path) -> None:
    """Tables of the best trials, of the repetitions, and of the counts."""
    sign = -1 if results["direction"] == "maximize" else 1
    trials = [row for row in rows if row["stage"] == "trials"]
    best = sorted((row for row in trials if row["value"] is not None), key=lambda row: (sign * row["value"], row["trial"]))
    known = ("stage", "trial", "state", "of_trial", "value", "seconds", "error", "folder")
    scores = {"best_epoch", "epochs", *(name for row in rows for name in row if name.startswith(("dev_", "test_")))}
    varied = [name for name in dict.fromkeys(name for row in best for name in row) if name not in known and name not in scores]
    shown = [(row["trial"], row["value"], *(row.get(name) for name in varied)) for row in best[:MOST_ROWS]]
    if shown:
        show_table(("trial", results["metric"], *varied), shown, title="best trials", always_titled=True)
    if repeats := results.get("repeats"):
        columns = ("trial", "runs", "mean", "deviation", "low", "high", "failed")
        lines = [[row[name] for name in columns] for row in repeats]
        show_table(columns, lines, title="repetitions with other seeds, 95 % interval", always_titled=True)
    if seeds := results.get("seeds"):
        show_table(tuple(seeds), [list(seeds.values())], title="all seeds, 95 % interval", always_titled=True)
    for row in rows:
        if row["error"]:
            say(f"{row['folder']} failed: {row['error']}")
    say(f"trials: {', '.join(f'{count} {name}' for name, count in results['trials'].items())}")
    say(f"All trials are in {folder / 'trials.csv'}, the best settings in {folder / 'best.yaml'} (--recipe).")
