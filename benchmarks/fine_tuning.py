"""The same fine-tuning from several starting points: what the scripts of result tables share.

Every condition gets the same tuning: the first seed tries each rate, the others take the better of them by the dev metric.
A run that is done is not run again. `checkpoints.py` makes the starting points.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from checkpoints import JOINT, REPOSITORY, build
from loreweave.corpus.files.reading import read_json
from loreweave.encoding.model_names import resolve
from loreweave.tasks.model_folders import is_luke

CONDITIONS = {
    "plain MiniLM": "minilm",
    "plain, masked words continued": "words-wikispeedia",
    "LUKE, no pre-training": "luke-untrained",
    "LUKE, continued": "luke-wikispeedia",
}
JOINT_CONDITIONS = {name: name for name in JOINT if name != "joint-knowledge"}
WORDS_ALONE = ", words alone"
"""A LUKE that is read as a plain encoder is, without entities: what its words learned, apart from its head."""
LUKES = {name: model for name, model in (CONDITIONS | JOINT_CONDITIONS).items() if name.startswith(("LUKE", "joint"))}
ALL_CONDITIONS = CONDITIONS | JOINT_CONDITIONS | {f"{name}{WORDS_ALONE}": model for name, model in LUKES.items()}
STARTS = "; ".join(CONDITIONS | JOINT_CONDITIONS) + f'; each LUKE also with "{WORDS_ALONE}" behind its name'


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """Files of a task, and what its table shows.

    Attributes:
        metric: of dev, by which a rate is chosen.
        metrics: name -> heading of a column, in percent.
        settings: `key=value` of every run.
        luke_settings: further ones where the start is a LUKE.
        words_settings: instead of them, those of a LUKE that is read without entities.
        options: further words of the command, such as `--skip-bad`.
    """

    task: str
    recipe: str
    train: Path
    test: Path
    dev: Path | None = None
    metric: str = "micro_f1"
    metrics: dict[str, str] = field(default_factory=lambda: {"micro_f1": "micro F1"})
    settings: tuple[str, ...] = ()
    luke_settings: tuple[str, ...] = ()
    words_settings: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    @property
    def has_dev(self) -> bool:
        """Whether runs are scored on dev data."""
        return self.dev is not None or any(setting.startswith("dev_fraction=") for setting in self.settings)


def parser(description: str | None, sets: Iterable[str], output: str, rates: list[float]) -> argparse.ArgumentParser:
    """The flags of such a script."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    made.add_argument("--rates", type=float, nargs="+", default=rates, help="learning rates to choose from")
    sets = list(sets)
    made.add_argument("--sets", nargs="+", choices=sets, default=sets, metavar="SET", help=", ".join(sets))
    made.add_argument("--conditions", nargs="+", choices=ALL_CONDITIONS, default=list(CONDITIONS), metavar="START", help=STARTS)
    made.add_argument("--output", type=Path, default=REPOSITORY / "runs" / output)
    made.add_argument("--changes", nargs="+", default=[], help="settings of every run (with an --output of their own)")
    made.add_argument("--device", default="cpu")
    made.add_argument("--table", action="store_true", help="print the table of the runs that are done, of every START")
    return made


def command(data: DataSet, condition: str, seed: int, rate: float, output: Path, options: argparse.Namespace) -> list[str]:
    """The `loreweave finetune` command of one run."""
    name = ALL_CONDITIONS[condition]
    model = name if name == "minilm" else str(build(name))
    dev = ["--dev", str(data.dev)] if data.dev else []
    of_luke = data.words_settings if condition.endswith(WORDS_ALONE) else data.luke_settings
    more = of_luke if is_luke(str(resolve(model))) else ()
    files = ["--train", str(data.train), *dev, "--test", str(data.test), "--recipe", data.recipe, *data.options]
    return [
        *(sys.executable, "-m", "loreweave", "finetune", data.task, "--model", model, *files),
        *("--output", str(output), "--device", options.device, "--overwrite"),
        *data.settings, *more, f"seed={seed}", "data_seed=0", f"optimizer.learning_rate={rate}", *options.changes,
    ]  # fmt: skip


def folder(root: Path, data: str, condition: str, seed: int, rate: float) -> Path:
    """Where a run lies."""
    return root / data / condition.replace(",", "").replace(" ", "-") / f"lr{rate:g}-seed{seed}"


def results_of(path: Path) -> dict[str, Any] | None:
    """The results of a run, or None where it is not done."""
    done = path / "results.json"
    return read_json(done) if done.exists() else None


def mean_and_spread(values: list[float]) -> str:
    """Mean and standard deviation; one value has none."""
    return f"{mean(values):.1f}" + (f" ± {stdev(values):.1f}" if len(values) > 1 else "")


def cost_of(paths: Iterable[Path]) -> str:
    """CPU minutes and peak GiB of runs as two cells: the mean, and the most; of runs that noted them."""
    noted = [read_json(path / "status.json").get("used") for path in paths if (path / "status.json").exists()]
    used = [values for values in noted if values]
    if not used:
        return " | "
    minutes = mean(values["cpu_seconds"] for values in used) / 60
    return f"{minutes:.1f} | {max(values['peak_memory_gib'] for values in used):.1f}"


def chosen_rate(options: argparse.Namespace, sets: dict[str, DataSet], data: str, condition: str) -> float | None:
    """The rate with the best dev score of the first seed; None while one of its runs is missing."""
    if len(options.rates) == 1:
        return float(options.rates[0])
    scores = {}
    for rate in options.rates:
        results = results_of(folder(options.output, data, condition, options.seeds[0], rate))
        if results is None:
            return None
        scores[rate] = results["dev"][sets[data].metric]
    return max(scores, key=lambda rate: scores[rate])


def table(options: argparse.Namespace, sets: dict[str, DataSet]) -> list[str]:
    """Mean and standard deviation over seeds, in points, and the cost of a run, of those that are done.

    There is a table for each choice of columns.
    """
    lines: list[str] = []
    headings: list[str] = []
    for data in options.sets:
        if list(sets[data].metrics.values()) != headings:
            headings = list(sets[data].metrics.values())
            shown = " | ".join((*headings, "CPU min", "GiB"))
            lines += ["", f"| set | start | rate | runs | {shown} |", "|---" * (6 + len(headings)) + "|"]
        for condition in ALL_CONDITIONS if options.table else options.conditions:
            rate = chosen_rate(options, sets, data, condition)
            if rate is None:
                continue
            runs = [folder(options.output, data, condition, seed, rate) for seed in options.seeds]
            results = [result for run in runs if (result := results_of(run)) is not None]
            if not results:
                continue
            cells = []
            for metric in sets[data].metrics:
                cells.append(mean_and_spread([100 * result["test"][metric] for result in results]))
            lines.append(f"| {data} | {condition} | {rate:g} | {len(results)} | {' | '.join(cells)} | {cost_of(runs)} |")
    return lines[1:]


def run_missing(
    options: argparse.Namespace, sets: dict[str, DataSet], data: str, condition: str, seed: int, rate: float
) -> None:
    """Fine-tune, where that is not done."""
    output = folder(options.output, data, condition, seed, rate)
    if results_of(output) is None:
        run = command(sets[data], condition, seed, rate, output, options)
        print(" ".join(run), file=sys.stderr)
        subprocess.run(run, check=True, env=os.environ | {"PYTHONPATH": str(REPOSITORY / "src")})


def fill_table(options: argparse.Namespace, sets: dict[str, DataSet]) -> None:
    """Run what is missing, then print the table."""
    without_dev = [name for name in options.sets if not sets[name].has_dev]
    if len(options.rates) > 1 and without_dev:
        raise SystemExit(f"--rates: {', '.join(without_dev)} have no dev set to choose by; give one rate")
    for data in [] if options.table else options.sets:
        for condition in options.conditions:
            for rate in options.rates:
                run_missing(options, sets, data, condition, options.seeds[0], rate)
            rate = chosen_rate(options, sets, data, condition)
            assert rate is not None
            for seed in options.seeds[1:]:
                run_missing(options, sets, data, condition, seed, rate)
    print("\n".join(table(options, sets)))
