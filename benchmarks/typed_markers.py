"""Do markers that show the types of the mentions help relation classification? Against plain markers and LUKE's pair.

    OMP_NUM_THREADS=1 python benchmarks/typed_markers.py [--seeds 0 1 2] [--conditions ...] [--table]

The sentences of Re-DocRED's 500 dev documents give records in TACRED's layout: two mentions of different entities with exactly
one relation, and as many pairs without any. Every fifth document is the test; relations with fewer than 40 training records
are left out. The recipe is minilm/relation-classification with an eighth of the training records; the last epoch is scored.
Runs that are done are not repeated; --table prints those that are done.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from fine_tuning import cost_of, mean_and_spread, results_of

from checkpoints import DATA, REPOSITORY, build
from loreweave.corpus.files.reading import read_json
from loreweave.corpus.files.writing import write_json
from loreweave.tasks.jobs.finetune import DataFiles, finetune_task
from loreweave.tasks.registry import load_task, training_of
from loreweave.training.settings.configuration import fill
from loreweave.training.settings.recipes import load_recipe

TASK = load_task("relation-classification")
SETTINGS = [
    "train_fraction=0.125", "max_length=96", "keep=last", "optimizer.learning_rate=3e-4", "device=cpu", "data_seed=0",
    "checkpoints=false",
]  # fmt: skip
CONDITIONS: dict[str, tuple[str, list[str]]] = {
    "markers": ("minilm", ["head=markers"]),
    "types in punctuation": ("minilm", ["head=markers", "typed_markers=punctuation"]),
    "types as tokens": ("minilm", ["head=markers", "typed_markers=tokens"]),
    "LUKE, no pre-training": ("luke-untrained", ["head=luke"]),
}
"""Name -> start and settings."""
METRICS = ("micro_precision", "micro_recall", "micro_f1", "macro_f1")
NONE = "no_relation"
_FEWEST = 40
_TEST_RECORDS = 1500


def pairs(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Records of the pairs of mentions in one sentence, without pairs of several relations."""
    relations = defaultdict(set)
    for fact in document["labels"]:
        relations[fact["h"], fact["t"]].add(fact["r"])
    mentions = [(entity, mention) for entity, own in enumerate(document["vertexSet"]) for mention in own]
    for head, subject in mentions:
        for tail, object in mentions:
            found = relations[head, tail]
            if head == tail or subject["sent_id"] != object["sent_id"] or len(found) > 1:
                continue
            places = {"subj_start": subject["pos"][0], "subj_end": subject["pos"][1] - 1}
            places |= {"obj_start": object["pos"][0], "obj_end": object["pos"][1] - 1}
            types = {"subj_type": subject["type"], "obj_type": object["type"]}
            tokens = document["sents"][subject["sent_id"]]
            yield {"token": tokens, **places, **types, "relation": next(iter(found), NONE)}


def files(folder: Path) -> tuple[Path, Path]:
    """The training and the test file, made if they are not there."""
    train, test = folder / "train.json", folder / "test.json"
    if not test.exists():
        random = np.random.default_rng(0)
        parts: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
        for number, document in enumerate(read_json(DATA / "re_redocred" / "dev_revised.json.gz")):
            parts[number % 5 == 4].extend(pairs(document))
        counts = Counter(record["relation"] for record in parts[0])
        kept = {relation for relation, count in counts.items() if count >= _FEWEST} - {NONE}
        folder.mkdir(parents=True, exist_ok=True)
        for file, records in zip((train, test), parts, strict=True):
            related = [record for record in records if record["relation"] in kept]
            others = [record for record in records if record["relation"] == NONE]
            related += [others[place] for place in random.choice(len(others), len(related), replace=False)]
            chosen = [related[place] for place in random.permutation(len(related))]
            write_json(file, chosen if file == train else chosen[:_TEST_RECORDS])
    return train, test


def run(condition: str, seed: int, train: Path, test: Path, folder: Path) -> None:
    """Train and score one model."""
    start, own = CONDITIONS[condition]
    model = start if start == "minilm" else str(build(start))
    recipe = load_recipe("minilm/relation-classification").config
    config = fill(training_of(TASK).config, recipe, [*SETTINGS, *own, f"seed={seed}"])
    finetune_task(TASK, model, DataFiles(train=train, test=test), config, folder, overwrite=True)


def main() -> None:
    """Run what is missing, then print the table."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--conditions", nargs="+", choices=CONDITIONS, default=list(CONDITIONS))
    flags.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    flags.add_argument("--output", type=Path, default=REPOSITORY / "runs" / "typed-markers")
    flags.add_argument("--table", action="store_true", help="print the table of the runs that are done")
    options = flags.parse_args()
    train, test = files(options.output)
    folders = {
        name: [options.output / name.replace(",", "").replace(" ", "-") / f"seed{seed}" for seed in options.seeds]
        for name in CONDITIONS
    }
    for place, seed in enumerate(options.seeds):
        for name in options.conditions:
            if not options.table and results_of(folders[name][place]) is None:
                run(name, seed, train, test, folders[name][place])
    lines = ["| condition | seeds | precision | recall | micro F1 | macro F1 | CPU min | GiB |", "|---" * 8 + "|"]
    for name in options.conditions:
        done = [results for folder in folders[name] if (results := results_of(folder)) is not None]
        if done:
            cells = [mean_and_spread([100 * results["test"][metric] for results in done]) for metric in METRICS]
            lines.append(f"| {name} | {len(done)} | {' | '.join(cells)} | {cost_of(folders[name])} |")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
