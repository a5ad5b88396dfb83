"""Does knowledge help few-shot relations? Prototypes on FewRel's validation relations from five starting points, several seeds.

    python benchmarks/few_shot_relations.py [--seeds 0 1 2] [--conditions ...] [--shots 1 5] [--table]

Train: ten of the sixteen relations of re_fewrel's val_wiki (the published training relations cannot be had); test: the six
others, 5-way, 1,000 episodes, the same for all. Recipe minilm/few-shot-relation with fewer episodes. Each start is also asked
without any training. A LUKE compares sentences by both entities, a plain encoder by its markers. Runs that are done are not
run again.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from fine_tuning import ALL_CONDITIONS, CONDITIONS, STARTS, WORDS_ALONE, cost_of, mean_and_spread, results_of

from checkpoints import DATA, REPOSITORY, build
from loreweave.encoding.model_names import resolve
from loreweave.tasks.model_folders import is_luke

FILE = DATA / "re_fewrel" / "val_wiki.json.gz"
SOURCE = "relations=[P155,P177,P206,P2094,P25,P26,P361,P364,P40,P410]"
ASKED = "relations=[P412,P413,P463,P59,P641,P921]"
EPISODES = 100
TASK = "few-shot-relation"


def command(*words: object) -> None:
    """Run a command of loreweave; what it shows goes to standard error."""
    run = [sys.executable, "-m", "loreweave", *map(str, words)]
    print(" ".join(run), file=sys.stderr)
    subprocess.run(run, check=True, env=os.environ | {"PYTHONPATH": str(REPOSITORY / "src")}, stdout=sys.stderr)


def start(condition: str) -> tuple[str, list[str]]:
    """The model to begin with, and how it compares sentences."""
    name = ALL_CONDITIONS[condition]
    model = name if name == "minilm" else str(build(name))
    entities = is_luke(str(resolve(model))) and not condition.endswith(WORDS_ALONE)
    return model, ["representation=entities"] if entities else []


def trained(condition: str, seed: int, options: argparse.Namespace) -> Path:
    """A run over the source's relations."""
    model, settings = start(condition)
    run = place(condition, options) / f"seed{seed}"
    if results_of(run) is None:
        given = ("--model", model, "--train", FILE, "--recipe", f"minilm/{TASK}", "--output", run, "--overwrite")
        command("finetune", TASK, *given, SOURCE, f"episodes={options.episodes}", f"seed={seed}", *settings, "precision=bf16")
    return run


def scored(model: Path | str, settings: list[str], shot: int, output: Path) -> dict[str, Any]:
    """The results of 1,000 episodes of other relations."""
    if results_of(output) is None:
        asked = ("way=5", f"shot={shot}", "episodes=1000", "seed=0", ASKED, *settings)
        given = ("--data", FILE, "--output", output, "--overwrite", "--precision", "bf16")
        command("evaluate", TASK, "--model", model, *given, *asked)
    found = results_of(output)
    assert found is not None
    return found


def place(condition: str, options: argparse.Namespace) -> Path:
    """The folder of a start."""
    folder: Path = options.output / condition.replace(",", "").replace(" ", "-")
    return folder


def run_missing(condition: str, shot: int, options: argparse.Namespace) -> None:
    """Ask a start as it is, and after each training."""
    model, settings = start(condition)
    folder = place(condition, options)
    scored(model, settings, shot, folder / f"untrained-{shot}")
    for seed in options.seeds:
        scored(trained(condition, seed, options), [], shot, folder / f"seed{seed}-{shot}")


def row(condition: str, shot: int, options: argparse.Namespace) -> str | None:
    """A line of the table; None where nothing is done."""
    folder = place(condition, options)
    untrained = results_of(folder / f"untrained-{shot}")
    found = [results_of(folder / f"seed{seed}-{shot}") for seed in options.seeds]
    values = [100 * results["accuracy"] for results in found if results is not None]
    if untrained is None or not values:
        return None
    cost = cost_of(folder / f"seed{seed}" for seed in options.seeds)
    cells = (condition, shot, f"{100 * untrained['accuracy']:.1f}", len(values), mean_and_spread(values), cost)
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    """Train and score what is missing, and print a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--shots", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--episodes", type=int, default=EPISODES, help="of training")
    parser.add_argument(
        "--conditions", nargs="+", choices=ALL_CONDITIONS, default=[*CONDITIONS, "joint-all"], metavar="START", help=STARTS
    )
    parser.add_argument("--output", type=Path, default=REPOSITORY / "runs" / "few-shot-relations")
    parser.add_argument("--table", action="store_true", help="print the rows of the runs that are done, of every START")
    options = parser.parse_args()
    print("| start | shot | untrained | seeds | trained | CPU min | GiB |\n|---|---|---|---|---|---|---|", flush=True)
    for condition in ALL_CONDITIONS if options.table else options.conditions:
        for shot in options.shots:
            if not options.table:
                run_missing(condition, shot, options)
            if (line := row(condition, shot, options)) is not None:
                print(line, flush=True)


if __name__ == "__main__":
    main()
