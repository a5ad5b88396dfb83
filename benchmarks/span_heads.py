"""Do a prior bias, a weight of spans that are no mentions and a threshold from dev data help a span classifier?

    OMP_NUM_THREADS=1 python benchmarks/span_heads.py [--sets wnut17 crossner-politics] [--seeds 0 1 2] [--conditions ...]

A LUKE of MiniLM without pre-training is fine-tuned under each condition. Each run is scored on the test data twice: with the
class of the largest logit, and with the threshold that `tune_threshold` chooses on the dev data. The dev data select nothing
else: the last epoch is scored. `tags` is the same encoder with tags, which have no threshold. Runs that are done are not
repeated; --table prints those that are done.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from fine_tuning import mean_and_spread

from checkpoints import DATA, REPOSITORY, build
from loreweave.corpus.files.reading import read_json
from loreweave.corpus.files.writing import write_json
from loreweave.tasks.jobs.checkpoints import load_checkpoint_of
from loreweave.tasks.jobs.finetune import DataFiles, finetune_task
from loreweave.tasks.ner.model import Learning, NerModel
from loreweave.tasks.ner.scoring import score
from loreweave.tasks.registry import load_task, training_of
from loreweave.training.inference import run_model
from loreweave.training.settings.configuration import fill
from loreweave.training.settings.recipes import load_recipe

METRICS = ("micro_precision", "micro_recall", "micro_f1", "macro_f1")
TASK = load_task("ner")
SETTINGS = [
    "max_mention_length=6", "max_length=96", "precision=bf16", "keep=last", "min_updates=null", "optimizer.learning_rate=3e-4",
    "device=cpu", "data_seed=0", "checkpoints=false",
]  # fmt: skip
SPANS = ["head=luke", "shared_words=true", "max_entity_length=2048"]
CONDITIONS = {
    "baseline": SPANS,
    "prior_bias": [*SPANS, "prior_bias=true"],
    "negative_weight=0.3": [*SPANS, "negative_weight=0.3"],
    "both": [*SPANS, "prior_bias=true", "negative_weight=0.3"],
    "tags": ["head=tags"],
}
WNUT, POLITICS = DATA / "ner_wnut17", DATA / "ner_crossner" / "politics"
SETS = {
    "wnut17": (
        (WNUT / "wnut17train.conll.gz", WNUT / "emerging.dev.conll.gz", WNUT / "emerging.test.annotated.gz"),
        ["train_fraction=0.12", "epochs=4"],
    ),
    "crossner-politics": (tuple(POLITICS / f"{split}.txt.gz" for split in ("train", "dev", "test")), ["epochs=4"]),
}


def run(data: str, condition: str, seed: int, folder: Path) -> None:
    """Train and score one model; `scores.json` in its folder has both rows of METRICS and the threshold."""
    (train, dev, test), of_set = SETS[data]
    began = time.process_time()
    settings = [*SETTINGS, *of_set, *CONDITIONS[condition], f"seed={seed}"]
    config = fill(training_of(TASK).config, load_recipe("minilm/ner").config, settings)
    finetune_task(
        TASK, str(build("luke-untrained")), DataFiles(train=train), config, folder, overwrite=True, report=say_nothing
    )
    trained = time.process_time()
    loaded = load_checkpoint_of(training_of(TASK), folder)
    assert isinstance(loaded, NerModel)
    loaded = replace(loaded, learning=Learning(tune_threshold=True))
    encoding: Any = loaded.encoding
    found, scored = {}, {}
    for name, file in (("dev", dev), ("test", test)):
        records = training_of(TASK).read(file, None, False).records
        examples = encoding.encode(records)
        outputs = run_model(loaded.model, examples, encoding.collate, encoding.unpack, batch_size=64, precision="bf16")
        scored[name] = records, examples, outputs
    for name in ("argmax", "tuned") if condition != "tags" else ("argmax",):
        if name == "tuned":
            loaded.tune(*scored["dev"])
        records, examples, outputs = scored["test"]
        metrics = score(records, encoding.join(examples, outputs), loaded.labels).metrics
        found[name] = [100 * metrics[metric] for metric in METRICS]
    minutes = [(trained - began) / 60, (time.process_time() - trained) / 60]
    write_json(folder / "scores.json", {**found, **loaded.decision(), "minutes": minutes})


def say_nothing(line: str) -> None:
    """Ignores the messages of a run."""


def main() -> None:
    """Run what is missing, then print the table."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    flags.add_argument("--conditions", nargs="+", choices=CONDITIONS, default=list(CONDITIONS))
    flags.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    flags.add_argument("--output", type=Path, default=REPOSITORY / "runs" / "span-heads")
    flags.add_argument("--table", action="store_true", help="print the table of the runs that are done")
    options = flags.parse_args()
    lines = ["| set | condition | seeds | threshold | precision | recall | micro F1 | macro F1 | CPU min |", "|---" * 9 + "|"]
    for data in options.sets:
        for condition in options.conditions:
            folders = [options.output / data / condition / f"seed{seed}" for seed in options.seeds]
            for seed, folder in zip(options.seeds, folders, strict=True):
                if not options.table and not (folder / "scores.json").exists():
                    run(data, condition, seed, folder)
            done = [read_json(folder / "scores.json") for folder in folders if (folder / "scores.json").exists()]
            lines += [f"| {data} | {condition} | {len(done)} | {row} |" for row in rows(done)]
    print("\n".join(lines))


def rows(done: list[dict[str, Any]]) -> list[str]:
    """Threshold, means of METRICS and CPU minutes of the runs of one condition, without and with the threshold."""
    found = []
    for name in [name for name in ("argmax", "tuned") if done and name in done[0]]:
        threshold = "none" if name == "argmax" else mean_and_spread([each["threshold"] for each in done])
        cells = [mean_and_spread([each[name][place] for each in done]) for place in range(len(METRICS))]
        minutes = mean_and_spread([sum(each["minutes"]) for each in done])
        found.append(" | ".join([threshold, *cells, minutes]))
    return found


if __name__ == "__main__":
    main()
