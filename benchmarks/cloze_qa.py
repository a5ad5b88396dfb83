"""How well does a small encoder fill gaps? MiniLM fine-tuned on cloze questions, beside simple guesses.

    python benchmarks/cloze_qa.py [--features markers mentions] [--seeds 0] [--output FOLDER] [--changes KEY=VALUE ...]

Trains with the recipe minilm/record-format and each of the `candidate_features`, without selecting an epoch, and scores the dev
file once. Runs that are done are not run again; `--changes` go to every run. Baselines: the first candidate of the passage; its
most frequent candidate (the first of equally frequent ones); the same without those that the query has already; and MiniLM with
a new head before training.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean, stdev
from typing import Any, get_args

from tables import markdown

import loreweave
from checkpoints import DATA, REPOSITORY
from loreweave.corpus.files.reading import read_json
from loreweave.encoding.model_names import resolve
from loreweave.metrics.answers import score_answer
from loreweave.tasks.cloze_qa.model import build
from loreweave.tasks.cloze_qa.reader import read
from loreweave.tasks.cloze_qa.record import LABEL, ClozeRecord
from loreweave.tasks.cloze_qa.settings import CandidateFeatures, ClozeConfig
from loreweave.training.settings.configuration import fill
from loreweave.training.settings.recipes import load_recipe

FOLDER = DATA / "qa_wikicloze_record_format"
TRAIN, TEST = FOLDER / "train.json.xz", FOLDER / "dev.json.xz"
TASK, ENCODER, RECIPE = "cloze-qa", "minilm", "minilm/record-format"
METRICS = {"exact match": "exact_match", "F1": "f1"}
Guess = Callable[[ClozeRecord], str]


def surfaces(record: ClozeRecord) -> list[str]:
    """Texts of the candidates in the order of the passage."""
    return [record.text[start:end] for start, end in sorted(record.candidates)]


def most_frequent(record: ClozeRecord) -> str:
    """The most frequent candidate."""
    return Counter(surfaces(record)).most_common(1)[0][0]


def most_frequent_elsewhere(record: ClozeRecord) -> str:
    """The most frequent candidate whose text is not in the query; any, if all are."""
    others = [surface for surface in surfaces(record) if surface not in record.query]
    return Counter(others or surfaces(record)).most_common(1)[0][0]


GUESSES: dict[str, Guess] = {
    "first candidate": lambda record: surfaces(record)[0],
    "most frequent candidate": most_frequent,
    "most frequent candidate that is not in the query": most_frequent_elsewhere,
}


def guessed(records: list[ClozeRecord], guess: Guess) -> dict[str, float]:
    """Scores of a guess."""
    exact, f1 = zip(*(score_answer(guess(record), record.answers) for record in records), strict=True)
    return {"exact_match": mean(exact), "f1": mean(f1)}


def untrained(folder: Path, seed: int) -> dict[str, float]:
    """Scores of the encoder with a new head."""
    if not (folder / "scores" / "results.json").is_file():
        config = fill(ClozeConfig, load_recipe(RECIPE).config, [f"seed={seed}"])
        build(str(resolve(ENCODER)), [LABEL], config).save_pretrained(folder / "model")
        loreweave.evaluate(TASK, folder / "model", data=TEST, output=folder / "scores")
    found = read_json(folder / "scores" / "results.json")
    return {name: found[name] for name in METRICS.values()}


def fine_tuned(folder: Path, settings: list[str]) -> dict[str, Any]:
    """Scores of a run, with its CPU minutes and memory."""
    if not (folder / "results.json").is_file():
        loreweave.finetune(
            TASK, ENCODER, *settings, train=TRAIN, test=TEST, recipe=RECIPE, output=folder, resume=folder.is_dir()
        )
    results, used = read_json(folder / "results.json"), read_json(folder / "status.json")["used"]
    return {
        **results["test"],
        "updates": results["updates"],
        "minutes": used["cpu_seconds"] / 60,
        "memory": used["peak_memory_gib"],
    }


def rows(features: list[str], seeds: list[int], output: Path, changes: list[str]) -> Iterator[dict[str, Any]]:
    """The rows of the table; means over the seeds."""
    records = read(TEST).records
    for name, guess in GUESSES.items():
        yield {"answers": name, **_named([guessed(records, guess)])}
    yield {"answers": "MiniLM, new head", **_named([untrained(output / f"untrained-{seed}", seed) for seed in seeds])}
    for kind in features:
        settings = ["keep=last", f"candidate_features={kind}", *changes]
        runs = [fine_tuned(output / f"{kind}-{seed}", [f"seed={seed}", *settings]) for seed in seeds]
        yield {
            "answers": f"MiniLM, fine-tuned, {kind}", **_named(runs), "updates": runs[0]["updates"],
            "CPU minutes": f"{mean(run['minutes'] for run in runs):.1f}", "memory": f"{runs[0]['memory']:.1f} GiB",
        }  # fmt: skip


def _named(found: list[dict[str, Any]]) -> dict[str, str]:
    """Means in percent, with the standard deviation of several seeds."""
    cells = {}
    for heading, name in METRICS.items():
        values = [100 * each[name] for each in found]
        cells[heading] = f"{mean(values):.1f}" + (f" ± {stdev(values):.1f}" if len(values) > 1 else "")
    return cells


def main() -> None:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", nargs="+", default=list(get_args(CandidateFeatures)))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--output", type=Path, default=REPOSITORY / "runs" / "cloze-qa")
    parser.add_argument("--changes", nargs="*", default=[], help="settings of every run, as KEY=VALUE")
    options = parser.parse_args()
    table = list(rows(options.features, options.seeds, options.output, options.changes))
    print(markdown(table, ("answers", *METRICS, "updates", "CPU minutes", "memory"), lambda name, row: str(row.get(name, ""))))


if __name__ == "__main__":
    main()
