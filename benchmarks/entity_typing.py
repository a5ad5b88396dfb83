"""Does knowledge help entity typing? Four starting points, the same fine-tuning, several seeds, one table.

    python benchmarks/entity_typing.py [--seeds 0 1 2] [--rates 1e-4 3e-4] [--sets gum wikidata] [--conditions ...]
        [--changes KEY=VALUE ...]

Conditions: plain MiniLM with markers; plain MiniLM continued with masked words on text_wikispeedia; MiniLM made a LUKE without
pre-training; that LUKE continued with masked words and masked entities, the same windows and steps
(`benchmarks/checkpoints.py` rebuilds each). The epoch is selected on a tenth of train, cut by document or entity; the given
dev file is the test. Every condition gets the same tuning: the first seed tries each rate, the others take the best of
them by dev micro F1. Runs that are done are not run again; `--table` prints the table of those alone. `--changes` go to every
run (with an `--output` of their own). The conditions `joint-...` are those of `joint_runs.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from checkpoints import DATA, JOINT, REPOSITORY, build
from loreweave.corpus.files import read_json, write_json

CONDITIONS = {
    "plain MiniLM": "minilm",
    "plain, masked words continued": "words-wikispeedia",
    "LUKE, no pre-training": "luke-untrained",
    "LUKE, continued": "luke-wikispeedia",
}
JOINT_CONDITIONS = {name: name for name in JOINT if name != "joint-knowledge"}
ALL_CONDITIONS = CONDITIONS | JOINT_CONDITIONS
SETS = {
    "gum": (DATA / "typing_gum/train.json.xz", DATA / "typing_gum/dev.json.xz", ["dev_split_by=doc", "epochs=2"]),
    "wikidata": (
        DATA / "typing_wikidata/train.json.gz",
        DATA / "typing_wikidata/dev.json.gz",
        ["dev_split_by=entity", "epochs=5"],
    ),
}
GUM_TRAIN_MENTIONS = 8000 / 22330
COMMON = ["dev_fraction=0.1", "precision=bf16", "max_length=64", "eval_batch_size=64"]
METRICS = ("micro_f1", "macro_f1", "accuracy")


def command(data: str, condition: str, seed: int, rate: float, output: Path, changes: list[str]) -> list[str]:
    """The `loreweave finetune` command of one run."""
    train, given, own = SETS[data]
    test = with_known_labels(train, given, output.parent.parent / "test.json")
    name = ALL_CONDITIONS[condition]
    model = name if name == "minilm" else str(build(name))
    fraction = [f"train_fraction={GUM_TRAIN_MENTIONS:.4f}"] if data == "gum" else []
    files = ["--train", str(train), "--test", str(test), "--recipe", "minilm/entity-typing"]
    return [
        *(sys.executable, "-m", "loreweave", "finetune", "entity-typing", "--model", model, *files),
        *("--output", str(output), "--device", "cpu", "--overwrite"),
        *COMMON, *own, *fraction, f"seed={seed}", "data_seed=0", f"optimizer.learning_rate={rate}", *changes,
    ]  # fmt: skip


def with_known_labels(train: Path, test: Path, target: Path) -> Path:
    """The test records without the labels that no training record has (two of typing_wikidata's), at `target`."""
    known = {label for record in read_json(train) for label in record["labels"]}
    records = [record | {"labels": [x for x in record["labels"] if x in known]} for record in read_json(test)]
    write_json(target, records)
    return target


def folder(root: Path, data: str, condition: str, seed: int, rate: float) -> Path:
    """Where a run lies."""
    return root / data / condition.replace(",", "").replace(" ", "-") / f"lr{rate:g}-seed{seed}"


def results_of(path: Path) -> dict[str, Any] | None:
    """The results of a run, or None where it is not done."""
    done = path / "results.json"
    return json.loads(done.read_text()) if done.exists() else None


def chosen_rate(arguments: argparse.Namespace, data: str, condition: str) -> float | None:
    """The rate with the best dev score of the first seed; None while one of its runs is missing."""
    scores = {}
    for rate in arguments.rates:
        results = results_of(folder(arguments.output, data, condition, arguments.seeds[0], rate))
        if results is None:
            return None
        scores[rate] = results["dev"]["micro_f1"]
    return max(scores, key=lambda rate: scores[rate])


def table(arguments: argparse.Namespace) -> list[str]:
    """Mean and standard deviation over seeds, in points, of the runs that are done."""
    lines = ["| set | start | rate | runs | micro F1 | macro F1 | exact set |", "|---|---|---|---|---|---|---|"]
    for data in arguments.sets:
        for condition in arguments.conditions:
            rate = chosen_rate(arguments, data, condition)
            if rate is None:
                continue
            found = [results_of(folder(arguments.output, data, condition, seed, rate)) for seed in arguments.seeds]
            results = [result for result in found if result is not None]
            cells = []
            for metric in METRICS:
                values = [100 * result["test"][metric] for result in results]
                cells.append(f"{mean(values):.1f} ± {stdev(values) if len(values) > 1 else 0:.1f}")
            lines.append(f"| {data} | {condition} | {rate:g} | {len(results)} | {' | '.join(cells)} |")
    return lines


def run_missing(arguments: argparse.Namespace, data: str, condition: str, seed: int, rate: float) -> None:
    """Fine-tune, where that is not done."""
    output = folder(arguments.output, data, condition, seed, rate)
    if results_of(output) is None:
        run = command(data, condition, seed, rate, output, arguments.changes)
        print(" ".join(run), file=sys.stderr)
        subprocess.run(run, check=True, env=os.environ | {"PYTHONPATH": str(REPOSITORY / "src")})


def main() -> None:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rates", type=float, nargs="+", default=[1e-4, 3e-4], help="learning rates to choose from")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--conditions", nargs="+", choices=ALL_CONDITIONS, default=list(CONDITIONS))
    parser.add_argument("--output", type=Path, default=REPOSITORY / "runs" / "entity-typing")
    parser.add_argument("--changes", nargs="+", default=[], help="settings of every run, key=value")
    parser.add_argument("--table", action="store_true", help="print the table of the runs that are done")
    arguments = parser.parse_args()
    for data in [] if arguments.table else arguments.sets:
        for condition in arguments.conditions:
            for rate in arguments.rates:
                run_missing(arguments, data, condition, arguments.seeds[0], rate)
            rate = chosen_rate(arguments, data, condition)
            assert rate is not None
            for seed in arguments.seeds[1:]:
                run_missing(arguments, data, condition, seed, rate)
    print("\n".join(table(arguments)))


if __name__ == "__main__":
    main()
