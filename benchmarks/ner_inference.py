"""LUKE's NER, transformers' way against ours: sentences a second, the arithmetic bound, and what sharing the words costs in F1.

    python benchmarks/ner_inference.py [--sets crossner-politics wnut17] [--sentences 48] [--batch 8] [--modes exact ...]
        [--train-step [--dropout 0.1 0]] [--device cpu|cuda] [--precision fp32|bf16]
    python benchmarks/ner_inference.py --learning [--seeds 0 1 2] [--changes epochs=6 ...]

transformers' `LukeForEntitySpanClassification` is used as its documentation shows: every span of words up to the limit is an
entity, sentences are batched in their order, a batch is padded to its longest. Ours takes the same sentences, spans and
weights. Both go through the batches in turn, in one process, several times. First all logits must agree to 1e-4 and all spans
get the same class, or there is no table; shared words are compared with transformers' LUKE under a hand-made mask of the same
shape. `--train-step` times forward, backward and AdamW in place of answers, with dropout of hidden states and attention
weights on both sides (after the check, which is without), then without.

A mode is what ours does, joined by `+`: `exact` (the same mathematics; padding is not computed), `shared` (words read words,
a span reads the words and itself: another model, which must be trained that way), `buckets` (sentences of like length
together), `bf16`. `words` and `spans` are the mean of a sentence, `real` the part of a batch that is no padding, `theirs_s`
and `ours_s` sentences a second. `arithmetic` is transformers' matrix-product operations, padding and all, over those that
ours needs for what is no padding: the bound of equal mathematics; `reached` is the ratio over it, above 100 % where
transformers is limited by memory (stored scores) and not by arithmetic. `gflops` are needed operations a second; the first
line prints those of one large matrix product. Ratios are of medians over the repeats, of CPU time on a CPU.

`--learning` fine-tunes recipe minilm/ner (`exact`) and minilm/ner-shared from the LUKE of `checkpoints.py`, some seeds each.
The exact way reads a sentence of CrossNER about twice, each time with half of its spans; so a batch of it has twice as many
inputs, and both make about as many updates.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import mean, median, stdev
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import transformers
from kepler_schemes import Clock
from ner_cost import span_cost
from tables import markdown, two_decimals
from torch import Tensor, nn
from transformers import LukeConfig, PreTrainedModel

from checkpoints import DATA, REPOSITORY, build
from loreweave.corpus.files.reading import read_json
from loreweave.models.luke.attention import LukeSelfAttention
from loreweave.tasks.ner.encoding import SpanEncoding, SpanExample
from loreweave.tasks.ner.model import NerConfig, NerModel
from loreweave.tasks.ner.model import build as build_ner
from loreweave.tasks.registry import load_training
from loreweave.training.batches import batches_by_length
from loreweave.training.devices import autocast
from loreweave.training.quiet import quiet

SETS = {
    "crossner-politics": ("ner_crossner/politics/train.txt.gz", "ner_crossner/politics/test.txt.gz"),
    "wnut17": ("ner_wnut17/wnut17train.conll.gz", "ner_wnut17/emerging.test.annotated.gz"),
}
MODES = ["exact", "exact+buckets", "exact+bf16", "shared", "shared+buckets", "shared+buckets+bf16"]
WAYS = {"exact": ("minilm/ner", "batch_size=8"), "shared": ("minilm/ner-shared", "batch_size=4")}
LEARNING = ("precision=bf16", "eval_batch_size=64", "max_length=96", "max_mention_length=6", "epochs=6", "keep=last",
            "min_updates=null", "optimizer.learning_rate=3e-4", "data_seed=0")  # fmt: skip
COLUMNS = (
    "set", "dropout", "mode", "batch", "words", "spans", "real", "theirs_s", "ours_s", "ratio", "arithmetic", "reached",
    "gflops",
)  # fmt: skip
Batch = dict[str, Tensor]
CELL = two_decimals(percent=("reached", "real"), whole=("words", "spans", "gflops"))


# ---- both sides ------------------------------------------------------------------------------------------------------


class Work:
    """Sentences of a set, all spans of each in one input, and both models with the same weights."""

    def __init__(self, name: str, arguments: argparse.Namespace) -> None:
        """Start a new span head on a LUKE of `checkpoints.py`: speed does not depend on its training."""
        task = load_training("ner")
        records = task.read(DATA / SETS[name][1], None, False).records
        chosen = np.random.default_rng(arguments.seed).permutation(len(records))[: arguments.sentences]
        settings = NerConfig(document_context=False, max_length=512, max_entity_length=10**6, dropout=0.0, seed=arguments.seed)
        made = build_ner(str(build("luke-untrained")), task.labels(records), settings)
        assert isinstance(made.encoding, SpanEncoding)
        self.arguments, self.device, self.encoding = arguments, torch.device(arguments.device), made.encoding
        self.theirs, self.ours = _both(made, arguments)
        self.examples = made.encoding.encode([records[index] for index in chosen], task.labels(records))

    def batches(self, buckets: bool) -> list[Batch]:
        """In the order of the sentences, or of like length together."""
        size, count = self.arguments.batch, len(self.examples)
        order = [list(range(start, min(start + size, count))) for start in range(0, count, size)]
        order = batches_by_length([example.length for example in self.examples], size) if buckets else order
        return [self._collate([self.examples[index] for index in indices]) for indices in order]

    def _collate(self, examples: list[SpanExample]) -> Batch:
        batch = self.encoding.collate(examples)
        wanted = [name for name in batch if name != "labels" or self.arguments.train_step]
        return {name: batch[name].to(self.device) for name in wanted}

    def set_dropout(self, rate: float) -> None:
        """Dropout of hidden states, attention weights and the head, on both sides."""
        for model in (self.theirs, self.ours):
            for module in model.modules():
                if isinstance(module, nn.Dropout):
                    module.p = rate
                elif isinstance(module, LukeSelfAttention):
                    module.dropout = rate


def _both(made: NerModel, arguments: argparse.Namespace) -> tuple[PreTrainedModel, PreTrainedModel]:
    """transformers' model of the saved weights, and ours."""
    with TemporaryDirectory() as folder, quiet():
        made.save_pretrained(Path(folder))
        theirs = transformers.LukeForEntitySpanClassification.from_pretrained(folder)
    return tuple(nn.Module.to(model, arguments.device).train(arguments.train_step) for model in (theirs, made.model))


def under_mask(theirs: PreTrainedModel, batch: Batch) -> Any:
    """Their output where words read words, and a span the words and itself."""
    words, spans = batch["input_ids"].shape[1], batch["entity_ids"].shape[1]
    itself = torch.eye(words + spans, dtype=torch.bool, device=batch["input_ids"].device)
    seen = itself.repeat(len(batch["input_ids"]), 1, 1, 1)
    seen[..., :words] |= batch["attention_mask"].bool()[:, None, None]
    bias = torch.zeros(seen.shape, device=seen.device).masked_fill_(~seen, torch.finfo(torch.float32).min)
    hook = partial(_replace_mask, bias)
    handle = theirs.get_submodule("luke.encoder").register_forward_pre_hook(hook, with_kwargs=True)
    try:
        return theirs(**batch)
    finally:
        handle.remove()


def _replace_mask(bias: Tensor, _: nn.Module, places: Any, named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    return places, named | {"attention_mask": bias}


@torch.no_grad()
def check(work: Work, data: list[Batch], precision: str) -> None:
    """Refuse to time two models that compute different things."""
    largest, different, count = 0.0, 0, 0
    for batch in data:
        with autocast(work.device, precision):
            theirs, ours = work.theirs(**batch), work.ours(**batch)
        real = batch["entity_attention_mask"].bool()
        found, expected = ours.logits.float()[real], theirs.logits.float()[real]
        largest = max(largest, float((found - expected).abs().max()) / (1 + float(expected.abs().max())))
        different += int((found.argmax(dim=-1) != expected.argmax(dim=-1)).sum())
        count += len(found)
    work.ours.config.shared_words = True
    ours, theirs = work.ours(**data[-1]), under_mask(work.theirs, data[-1])
    work.ours.config.shared_words = False
    real = data[-1]["entity_attention_mask"].bool()
    shared = float((ours.logits - theirs.logits)[real].abs().max()) / (1 + float(theirs.logits[real].abs().max()))
    print(f"  {count} spans: exact logits differ by {largest:.1e}, {different} classes; shared by {shared:.1e}", flush=True)
    if precision == "fp32" and (max(largest, shared) > 1e-4 or different):
        raise SystemExit("the two sides compute different things")


# ---- time ------------------------------------------------------------------------------------------------------------


class Side:
    """A model going through batches, and the seconds of each pass."""

    def __init__(self, work: Work, model: PreTrainedModel, mode: str) -> None:
        """Take what `mode` says."""
        self.work, self.model, self.mode = work, model, mode
        self.clock, self.seconds = Clock(work.device), list[float]()
        self.data = work.batches("buckets" in mode)
        self.precision = "bf16" if "bf16" in mode else work.arguments.precision
        self.run: Callable[[Batch], None] = self._train if work.arguments.train_step else self._answer
        if work.arguments.train_step:
            self.optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6, weight_decay=0.01, fused=True)

    def __call__(self) -> None:
        """One pass."""
        self.model.config.shared_words = "shared" in self.mode  # theirs does not look at it
        start = self.clock()
        for batch in self.data:
            self.run(batch)
        end, which = self.clock(), 1 if self.work.device.type == "cpu" else 0
        self.seconds.append(end[which] - start[which])
        self.model.config.shared_words = False

    def _answer(self, batch: Batch) -> None:
        with torch.inference_mode(), autocast(self.work.device, self.precision):
            self.model(**batch)

    def _train(self, batch: Batch) -> None:
        with autocast(self.work.device, self.precision):
            loss = self.model(**batch).loss
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def operations(self, padded: bool) -> float:
        """Number of operations of one pass."""
        shared, train, config = "shared" in self.mode, self.work.arguments.train_step, self.model.config
        assert isinstance(config, LukeConfig)
        return sum(span_cost(config, batch, padded=padded, shared=shared, train=train) for batch in self.data)


def measure(name: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """A row for each mode."""
    work = Work(name, arguments)
    work.set_dropout(0.0)
    theirs = Side(work, work.theirs, "")
    check(work, theirs.data, arguments.precision)
    rates = arguments.dropout if arguments.train_step else [0.0]
    return [row for rate in rates for row in measure_with(rate, name, work, theirs, arguments)]


def measure_with(rate: float, name: str, work: Work, theirs: Side, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """A row for each mode, with one rate of dropout."""
    work.set_dropout(rate)
    theirs.seconds.clear()
    sides = {mode: Side(work, work.ours, mode) for mode in arguments.modes}
    for number in range(arguments.repeats + 1):
        for side in (theirs, *sides.values()):
            side()
            if number == 0:
                side.seconds.clear()
    rows, count, padded = [], len(work.examples), theirs.operations(padded=True)
    shape = {
        "set": name,
        "dropout": f"{rate:g}",
        "batch": arguments.batch,
        "words": mean(len(example.ids) for example in work.examples),
        "spans": mean(len(example.words) for example in work.examples),
        "real": sum(each.length for each in work.examples)
        / sum(b["input_ids"].numel() + b["entity_ids"].numel() for b in theirs.data),
        "theirs_s": count / median(theirs.seconds),
    }
    rows.append(shape | {"mode": "transformers", "gflops": padded / median(theirs.seconds) / 1e9})
    for mode, side in sides.items():
        seconds, needed = median(side.seconds), side.operations(padded=False)
        ratio, arithmetic = median(theirs.seconds) / seconds, padded / needed
        row = {"mode": mode, "ours_s": count / seconds, "ratio": ratio, "gflops": needed / seconds / 1e9}
        bound = {} if "bf16" in mode else {"arithmetic": arithmetic, "reached": ratio / arithmetic}
        rows.append(shape | row | bound)
    return rows


def rate_of_products(device: torch.device, precision: str) -> float:
    """Operations a second, in 1e9, of a matrix product as large as the feed-forward network's."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = (torch.randn(*shape, device=device, dtype=dtype) for shape in ((4096, 384), (384, 1536)))
    clock, seconds = Clock(device), []
    for _ in range(12):
        start = clock()
        left @ right
        seconds.append(clock()[1 if device.type == "cpu" else 0] - start[1 if device.type == "cpu" else 0])
    return 2 * 4096 * 384 * 1536 / median(seconds) / 1e9


# ---- learning --------------------------------------------------------------------------------------------------------


def learn(name: str, arguments: argparse.Namespace) -> str:
    """Fine-tune both ways where that is not done, and tell their F1 on the test set."""
    scores: dict[str, list[float]] = {way: [] for way in WAYS}
    for seed in arguments.seeds:
        for way, (recipe, size) in WAYS.items():
            output = arguments.output / name / f"{way}-seed{seed}"
            if not (output / "results.json").exists():
                train, test = (str(DATA / file) for file in SETS[name])
                command = [sys.executable, "-m", "loreweave", "finetune", "ner", "--model", str(build("luke-wikispeedia"))]
                command += ["--train", train, "--test", test, "--recipe", recipe, "--output", str(output), "--overwrite"]
                command += ["--device", arguments.device, *LEARNING, size, f"seed={seed}", *arguments.changes]
                subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(REPOSITORY / "src")})
            scores[way].append(100 * read_json(output / "results.json")["test"]["micro_f1"])
    differences = [shared - exact for exact, shared in zip(scores["exact"], scores["shared"], strict=True)]
    values = [*scores.values(), differences]
    cells = [f"{mean(row):.1f} ± {stdev(row) if len(row) > 1 else 0:.1f}" for row in values]
    each = [", ".join(f"{score:.1f}" for score in row) for row in values]
    return f"| {name} | {len(arguments.seeds)} | " + " | ".join(f"{c} ({e})" for c, e in zip(cells, each, strict=True)) + " |"


# ---- command ---------------------------------------------------------------------------------------------------------


def main() -> None:
    """Measure every setting asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--sentences", type=int, default=48)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--modes", nargs="+", default=MODES, help="exact or shared, with +buckets and +bf16")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--train-step", action="store_true", help="forward, backward and update")
    parser.add_argument("--dropout", nargs="+", type=float, default=[0.1, 0.0], help="of the training step")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32", help="of both sides")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--learning", action="store_true", help="the F1 of both ways instead")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the learning")
    parser.add_argument("--changes", nargs="+", default=[], help="settings of every run of the learning, key=value")
    parser.add_argument("--output", type=Path, help="rows as JSON; folder of the learning's runs")
    arguments = parser.parse_args()
    if arguments.learning:
        arguments.output = arguments.output or REPOSITORY / "runs" / "ner-shared"
        lines = ["| set | seeds | exact | shared | difference |", "|---|---|---|---|---|"]
        return print("\n".join([*lines, *(learn(name, arguments) for name in arguments.sets)]))
    rate = rate_of_products(torch.device(arguments.device), arguments.precision)
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}, {torch.get_num_threads()} threads"
    print(f"{arguments.device}, {arguments.precision}, {versions}; a large matrix product: {rate:.0f} GFLOP/s", flush=True)
    rows: list[dict[str, Any]] = []
    for name in arguments.sets:
        rows += measure(name, arguments)
        print(markdown(rows, COLUMNS, CELL), flush=True)
        if arguments.output:
            arguments.output.write_text(json.dumps(rows, indent=1))
    return None


if __name__ == "__main__":
    main()
