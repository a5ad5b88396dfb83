"""`loreweave search`: searches over settings, with one or many workers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from loreweave.cli.console import say, show_json, show_table
from loreweave.cli.options import ResultsAsJson
from loreweave.errors import LoreweaveError

_SOURCE = "YAML file with the sweep, the folder of an existing search, or a packaged sweep: example, thesis."
Source = Annotated[Path, typer.Argument(metavar="SWEEP", help=_SOURCE)]
Keys = Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Keys of the sweep. They override the file.")]
Storage = Annotated[
    str | None, typer.Option("--storage", help="URL of a database, for many machines. Default: a file in the folder.")
]
Worker = Annotated[
    str | None,
    typer.Option("--worker", metavar="NAME", help="Run one worker of an existing search, under this name."),
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
    slurm: Annotated[bool, typer.Option("--slurm", help="Submit the workers to SLURM, with the resources in job.")] = False,
    script: Script = None,
    status: Annotated[bool, typer.Option("--status", help="Only show the progress of the search.")] = False,
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

    docs/search.md describes the sweep file. The exit status is 1 if all trials are finished and none of them is complete.
    """
    from loreweave.experiments.search import run

    keys = overrides or []
    if worker is not None:
        done = run.work_as(sweep, worker, storage, say)
        if done is not None:
            _refuse_without_best(done.results, done.trials)
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
        found = run.search(sweep, *keys, output=output, workers=workers, storage=storage, retry_failed=retry_failed, report=say)
    if as_json:
        show_json(found.results)
    else:
        _show_tables(found.results, found.trials)
    _say_rest(found.results, found.trials, found.path)
    if not status:
        _refuse_without_best(found.results, found.trials)


def _show_tables(results: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Tables of the best trials and of the repetitions."""
    sign = -1 if results["direction"] == "maximize" else 1
    trials = [row for row in rows if row["stage"] == "trials"]
    best = sorted((row for row in trials if row["value"] is not None), key=lambda row: (sign * row["value"], row["trial"]))
    varied = results["varied"]
    shown = [(row["trial"], row["value"], *(row.get(name) for name in varied)) for row in best[:MOST_ROWS]]
    if shown:
        show_table(("trial", results["metric"], *varied), shown, title="best trials", always_titled=True)
    if repeats := results.get("repeats"):
        columns = ("trial", "runs", "mean", "deviation", "low", "high", "failed")
        lines = [[row[name] for name in columns] for row in repeats]
        show_table(columns, lines, title="repetitions with other seeds, 95 % interval", always_titled=True)
    if seeds := results.get("seeds"):
        show_table(tuple(seeds), [list(seeds.values())], title="all seeds, 95 % interval", always_titled=True)


def _say_rest(results: dict[str, Any], rows: list[dict[str, Any]], folder: Path) -> None:
    """Errors, counts, and the files that are there."""
    for row in rows:
        if row["error"]:
            say(f"{row['folder']} failed: {row['error']}")
    for kind in ("trials", "repetitions"):
        if kind in results:
            say(f"{kind}: {', '.join(f'{count} {name}' for name, count in results[kind].items())}")
    if any(row["state"] == "interrupted" for row in rows):
        names = [row["folder"] for row in rows if row["state"] == "interrupted"]
        ended = "the process has ended" if len(names) == 1 else "the processes have ended"
        say(f"interrupted: {', '.join(names)} ({ended}; the same command continues the search)")
    files = {"all trials": folder / "trials.csv", "the best settings": folder / "best.yaml"}
    there = [f"{name} are in {file}" for name, file in files.items() if file.is_file()]
    if results["best"] is None:
        there = there[:1]
    if there:
        text = "; ".join(there) + (" (--recipe)" if len(there) > 1 else "")
        say(f"{text[0].upper()}{text[1:]}.")
    for name, value in (results["best"] or {}).get("kept", {}).items():
        say(f"best.yaml keeps {name}={value} of the search; {name}=1 uses all data")


def _refuse_without_best(results: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Raise an error if all trials are finished and none of them is complete."""
    counts = {name: count for name, count in results["trials"].items() if name != "planned"}
    if results["best"] is not None or {"running", "waiting", "interrupted"} & set(counts):
        return
    why = "; ".join(dict.fromkeys(str(row["error"]) for row in rows if row["error"]))
    found = ", ".join(f"{count} {name}" for name, count in counts.items()) or "no trial has begun"
    raise LoreweaveError(f"no trial is complete, so there are no best settings ({found})" + (f": {why}" if why else ""))
