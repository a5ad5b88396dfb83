"""Is a span classifier too cautious? F1 of fine-tuned LUKEs where the logit of "no name" is lowered before spans are chosen.

    python benchmarks/span_border.py --models runs/relations-and-entities/wnut17/LUKE-continued/* --test TEST_FILE

Most candidate spans are no names, so that a classifier with little training says so too often. The best offset here is
chosen on the test file itself: it bounds what a border chosen on dev data could gain.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from fine_tuning import mean_and_spread

from loreweave.tasks.jobs.checkpoints import load_checkpoint_of
from loreweave.tasks.ner.encoding import SpanEncoding
from loreweave.tasks.registry import load_training
from loreweave.training.devices import choose_device
from loreweave.training.inference import move, run_model

METRICS = ("micro_precision", "micro_recall", "micro_f1", "macro_f1")


def scores(model: Path, test: Path, offsets: list[float], device: str) -> list[list[float]]:
    """METRICS in percent of one model at each offset."""
    task = load_training("ner")
    loaded = load_checkpoint_of(task, model)
    encoding = loaded.encoding
    if not isinstance(encoding, SpanEncoding):
        raise SystemExit(f"{model}: found a model of {type(encoding).__name__}, expected one of candidate spans")
    records = task.read(test, None, False).records
    move(loaded.model, choose_device(device))
    examples = encoding.encode(records)
    logits = run_model(loaded.model, examples, encoding.collate, encoding.unpack, batch_size=16)
    is_negative = np.arange(logits[0].shape[1]) == encoding.negative
    found = []
    for offset in offsets:
        spans = encoding.join(examples, [row - offset * is_negative for row in logits])
        metrics = task.score(records, spans, loaded.labels).metrics
        found.append([100 * metrics[name] for name in METRICS])
    return found


def main() -> None:
    """Print a row an offset: mean and standard deviation over the models."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--models", type=Path, nargs="+", required=True, help="runs of one fine-tuning with several seeds")
    flags.add_argument("--test", type=Path, required=True, help="a file of NER")
    flags.add_argument("--offsets", type=float, nargs="+", default=[0, 0.5, 1, 1.5, 2, 2.5, 3, 4])
    flags.add_argument("--device", default="cpu")
    options = flags.parse_args()
    of_models = [scores(model, options.test, options.offsets, options.device) for model in options.models]
    print("| offset | precision | recall | micro F1 | macro F1 |\n|---|---|---|---|---|")
    for offset, rows in zip(options.offsets, zip(*of_models, strict=True), strict=True):
        cells = [mean_and_spread(list(values)) for values in zip(*rows, strict=True)]
        print(f"| {offset:g} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
