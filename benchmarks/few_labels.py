"""Does knowledge help an encoder that is fine-tuned on few labels? Starts of `knowledge_starts.py`, small training files.

    python benchmarks/few_labels.py [--sets politics-20 politics-50 ...] [--starts plain words types types-shuffled]
    python benchmarks/few_labels.py --sets politics-50 --starts words@3e-5 types@1e-4
    python benchmarks/few_labels.py --table

A start such as `types@1e-4` was trained with this learning rate instead of 3e-4.

Every run is the recipe of the task with its own settings and at least 300 updates; the last epoch is scored on the whole test
file, for there is no dev set. Seed s of fine-tuning starts from seed s of pre-training and draws training set s, which is the
same for all starts. Runs that are done are not run again, so that the table can be made in several sittings.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fine_tuning import cost_of, mean_and_spread, results_of
from knowledge_starts import Budget, start
from relations_and_entities import CROSSNER, KNOWLEDGENET, divided

from checkpoints import REPOSITORY, STORE

STEPS = 500
RUNS = STORE / "few-labels"
UPDATES = ("min_updates=300", "keep=last", "eval_batch_size=64")


@dataclass(frozen=True)
class FewLabels:
    """A task with a part of its training file.

    Attributes:
        task: name of the task; the recipe is MiniLM's for it.
        data: name of the data.
        fraction: of the training records.
    """

    task: str
    data: str
    fraction: float

    def files(self) -> tuple[Path, Path]:
        """The training file and the test file."""
        if self.data == "knowledgenet":
            return divided(KNOWLEDGENET, RUNS / self.data, lambda _, row: row["fold"] == 3)
        train, test = (CROSSNER / self.data / f"{split}.txt.gz" for split in ("train", "test"))
        return train, test

    def command(self, model: Path, seed: int, output: Path) -> list[str]:
        """The `loreweave finetune` command of one run."""
        train, test = self.files()
        skip = ["--skip-bad"] if self.data == "knowledgenet" else []
        files = ["--train", str(train), "--test", str(test), "--recipe", f"minilm/{self.task}", *skip]
        return [
            *(sys.executable, "-m", "loreweave", "finetune", self.task, "--model", str(model), *files),
            *("--output", str(output), "--device", "cpu", "--overwrite"),
            *(*UPDATES, f"train_fraction={self.fraction}", f"seed={seed}", f"data_seed={seed}"),
        ]  # fmt: skip


SETS = {
    "politics-20": FewLabels("ner", "politics", 0.1),
    "politics-50": FewLabels("ner", "politics", 0.25),
    "politics-200": FewLabels("ner", "politics", 1),
    "ai-20": FewLabels("ner", "ai", 0.2),
    "ai-100": FewLabels("ner", "ai", 1),
    "knowledgenet-50": FewLabels("relation-classification", "knowledgenet", 0.01),
    "knowledgenet-250": FewLabels("relation-classification", "knowledgenet", 0.05),
}
"""Name with the rough number of labelled sentences -> task and data."""


def folder(data: str, name: str, seed: int) -> Path:
    """Where a run lies."""
    return RUNS / data / name / f"seed{seed}"


def run_missing(data: str, name: str, seed: int) -> None:
    """Fine-tune, where that is not done."""
    output = folder(data, name, seed)
    if results_of(output) is None:
        model = start(name, 0 if name == "plain" else seed, Budget(STEPS))
        command = SETS[data].command(model, seed, output)
        print(" ".join(command), file=sys.stderr)
        source = str(REPOSITORY / "src")
        subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": source}, stdout=subprocess.DEVNULL)


def table(sets: list[str], starts: list[str], seeds: list[int]) -> list[str]:
    """Micro F1 on the test file: mean and standard deviation over the seeds that are done."""
    lines = ["| labelled sentences | start | seeds | micro F1 | macro F1 | CPU min | GiB |", "|---" * 7 + "|"]
    for data in sets:
        for name in starts:
            done = [path for seed in seeds if results_of(path := folder(data, name, seed)) is not None]
            if done:
                tests = [(results_of(path) or {})["test"] for path in done]
                scores = (mean_and_spread([100 * test[metric] for test in tests]) for metric in ("micro_f1", "macro_f1"))
                lines.append(f"| {data} | {name} | {len(done)} | {' | '.join(scores)} | {cost_of(done)} |")
    return lines


def main() -> None:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), metavar="SET", help=", ".join(SETS))
    parser.add_argument("--starts", nargs="+", default=["plain", "words", "types", "types-shuffled"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--table", action="store_true", help="print the table of the runs that are done")
    options = parser.parse_args()
    for data in [] if options.table else options.sets:
        for seed in options.seeds:
            for name in options.starts:
                run_missing(data, name, seed)
    print("\n".join(table(options.sets, options.starts, options.seeds)))


if __name__ == "__main__":
    main()
