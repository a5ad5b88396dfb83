"""A LUKE pre-training step, ours against transformers': time, memory, and the arithmetic bound of what can be gained.

    python benchmarks/luke_pretraining.py [--sizes minilm base large] [--lengths 128 256 512] [--entities 500000 10000]
        [--dropout 0.1 0] [--steps 5] [--words-per-step 2048] [--device cpu|cuda] [--precision fp32|bf16]

Both sides take the same real batches (`luke_batches.py`) in turn, in one process: forward, backward, one fused AdamW
update. Their losses must agree first, with dropout off; then both train with it, as the recipes do (.1 of hidden states
and of attention weights), and in a second table without it. transformers' forgotten tie of the word decoder is made up
for, so that both have the same parameters. Each side's peak memory comes from a process of its own (`VmHWM`, less what
the process had before the model; on a GPU `max_memory_allocated`). `--cpu-time` counts the process's CPU seconds: for one
thread beside other work.

`arithmetic` is transformers' matrix-product operations over ours: what scoring labelled positions alone can gain.
`bound` adds the update of the parameters, measured, the same on both sides, limited by memory and not by arithmetic:
both run their other work at transformers' rate. `reached` is the measured ratio over that bound; above 100 % is what is
saved besides arithmetic (score matrices, logits, gathered positions never written to memory). `--modes` adds what goes
beyond the bound, one by one: bf16, skipped padding, torch.compile; each is compared with transformers at the run's
precision.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import torch
import transformers
from luke_batches import Batch, Windows, masked_batch, random_windows, real_windows
from luke_cost import step_cost
from tables import markdown, two_decimals
from torch import nn
from transformers import LukeConfig

from loreweave.models import LukeForMaskedLM
from loreweave.training.runs.resources import peak_device_memory_gib, peak_memory_gib

SIZES = {  # layers, hidden, heads, feed-forward, words
    "minilm": (6, 384, 12, 1536, 30522),
    "base": (12, 768, 12, 3072, 50267),
    "large": (24, 1024, 16, 4096, 50267),
}
BATCHES = 4
COLUMNS = (
    "size", "length", "entities", "batch", "theirs_s", "ours_s", "ratio", "arithmetic", "update_s", "bound", "reached",
    "theirs_gib", "ours_gib", "theirs_words_s", "ours_words_s",
)  # fmt: skip
CELL = two_decimals(percent=("reached",), whole=("theirs_words_s", "ours_words_s"))


def luke_config(size: str, entities: int, dropout: float, arguments: argparse.Namespace) -> LukeConfig:
    """The configuration of a published size over an entity table of so many rows; MiniLM's word ids fit every size."""
    layers, hidden, heads, wide, words = SIZES[size]
    return LukeConfig(
        vocab_size=words,
        entity_vocab_size=entities,
        hidden_size=hidden,
        entity_emb_size=256,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=wide,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        pad_token_id=0,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        use_entity_aware_attention=arguments.entity_aware,
    )


def make_model(side: str, config: LukeConfig, device: str) -> nn.Module:
    """Ours or transformers', the same starting values for the same seed."""
    torch.manual_seed(0)
    theirs = transformers.LukeForMaskedLM(copy.deepcopy(config))
    theirs.lm_head.decoder.weight = theirs.luke.embeddings.word_embeddings.weight
    if side == "theirs":
        return theirs.to(device).train()
    with torch.device("meta"):
        ours = LukeForMaskedLM(copy.deepcopy(config))
    ours.load_state_dict(theirs.state_dict(), assign=True)
    ours.tie_weights()
    return ours.to(device).train()


class Step:
    """One side's pre-training step and its timings in seconds."""

    def __init__(self, model: nn.Module, arguments: argparse.Namespace) -> None:
        """Prepare the optimizer; AdamW's state is made by the first step."""
        self.model, self.precision, self.device = model, arguments.precision, arguments.device
        self._clock = time.process_time if arguments.cpu_time else time.perf_counter
        self.call: Callable[..., Any] = model
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.01, fused=True)
        self.seconds: list[float] = []
        self.update_seconds: list[float] = []

    def __call__(self, batch: Batch) -> float:
        """Forward, backward, update; returns the loss."""
        start = self._now()
        with _autocast(self.precision, self.device):
            loss = self.call(**batch).loss
        loss.backward()
        middle = self._now()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        end = self._now()
        self.seconds.append(end - start)
        self.update_seconds.append(end - middle)
        return loss.item()

    def _now(self) -> float:
        if self.device == "cuda":
            torch.cuda.synchronize()
        return self._clock()


def _autocast(precision: str, device: str) -> contextlib.AbstractContextManager[Any]:
    return torch.autocast(device, torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()


def batches(arguments: argparse.Namespace, length: int, windows: Windows | None = None) -> list[Batch]:
    """The batches of a run, on the device."""
    size = max(1, arguments.words_per_step // length)
    windows = windows or read_windows(arguments, length)
    made = [masked_batch(windows, index * size, size) for index in range(BATCHES)]
    return [{name: tensor.to(arguments.device) for name, tensor in batch.items()} for batch in made]


def read_windows(arguments: argparse.Namespace, length: int) -> Windows:
    """Windows from the file that `--write-windows` wrote, else from the data."""
    count = BATCHES * max(1, arguments.words_per_step // length)
    if arguments.windows is None:
        return random_windows(length, count) if arguments.random else real_windows(length, count)
    stored = json.loads(arguments.windows.read_text())[str(length)]
    return Windows(length, [tuple(item) for item in stored["items"]][:count], stored["source"])


def check_losses(ours: Step, theirs: Step, batch: Batch) -> None:
    """Refuse to time two models that compute different things."""
    with torch.no_grad():
        losses = []
        for step in (ours, theirs):
            step.model.eval()  # without dropout
            with _autocast(step.precision, step.device):
                losses.append(float(step.model(**batch).loss))
            step.model.train()
    tolerance = 2e-2 if ours.precision == "bf16" else 1e-5 if ours.device == "cpu" else 1e-4
    if not abs(losses[0] - losses[1]) <= tolerance * (1 + abs(losses[1])):
        raise SystemExit(f"losses differ: ours {losses[0]}, transformers {losses[1]}")
    print(f"  equal losses: ours {losses[0]:.6f}, transformers {losses[1]:.6f}", flush=True)


def measure(size: str, length: int, entities: int, dropout: float, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The row of one setting, then one for each mode."""
    sides = ("theirs", "ours") if arguments.memory else ()
    memory = {
        f"{side}_gib": peak_memory(side, size, length, entities, dropout, arguments) for side in sides
    }  # before both are here
    config = luke_config(size, entities, dropout, arguments)
    windows = read_windows(arguments, length)
    data = batches(arguments, length, windows)
    theirs, ours = (Step(make_model(side, config, arguments.device), arguments) for side in ("theirs", "ours"))
    shape = data[0]["input_ids"].shape, data[0]["entity_ids"].shape
    print(f"{size}, {length} words, {entities} entities: {windows.source}, first batch {shape}", flush=True)
    check_losses(ours, theirs, data[0])
    for number in range(arguments.warmup + arguments.steps):
        for step in (theirs, ours):
            step(data[number % BATCHES])
    timed = slice(arguments.warmup, None)
    row = compare(config, data, theirs, ours, timed) | memory
    row |= {"size": size, "length": length, "entities": entities, "batch": len(data[0]["labels"]), "mode": "same"}
    yield row
    for mode in arguments.modes:
        yield (
            row
            | measure_mode(mode, ours, data, arguments, row["theirs_s"])
            | {"arithmetic": None, "bound": None, "reached": None}
        )


def compare(config: LukeConfig, data: list[Batch], theirs: Step, ours: Step, timed: slice) -> dict[str, Any]:
    """Times, ratio and bound."""
    seconds = {"theirs": median(theirs.seconds[timed]), "ours": median(ours.seconds[timed])}
    update = median(theirs.update_seconds[timed] + ours.update_seconds[timed])
    cost = [sum(step_cost(config, batch, labelled_only=mine, fused=mine).total for batch in data) for mine in (False, True)]
    arithmetic = cost[0] / cost[1]
    bound = seconds["theirs"] / ((seconds["theirs"] - update) / arithmetic + update)
    ratio = seconds["theirs"] / seconds["ours"]
    words = sum(int(batch["attention_mask"].sum()) for batch in data) / len(data)
    return {
        "theirs_s": seconds["theirs"],
        "ours_s": seconds["ours"],
        "update_s": update,
        "ratio": ratio,
        "arithmetic": arithmetic,
        "bound": bound,
        "reached": ratio / bound,
        "theirs_words_s": words / seconds["theirs"],
        "ours_words_s": words / seconds["ours"],
    }


def measure_mode(mode: str, ours: Step, data: list[Batch], arguments: argparse.Namespace, theirs: float) -> dict[str, Any]:
    """Our step again, changed in one thing."""
    before = ours.precision, ours.call
    if mode == "bf16":
        ours.precision = "bf16"
    elif mode == "compile":
        ours.call = torch.compile(ours.model, dynamic=True)
    elif mode == "skip-padding":
        ours.model.luke.skip_padding = True
    ours.seconds.clear()
    for number in range(arguments.warmup + arguments.steps):
        ours(data[number % BATCHES])
    ours.precision, ours.call = before
    ours.model.luke.skip_padding = False
    seconds = median(ours.seconds[arguments.warmup :])
    words = sum(int(batch["attention_mask"].sum()) for batch in data) / len(data)
    return {
        "mode": mode,
        "ours_s": seconds,
        "ratio": theirs / seconds,
        "ours_words_s": words / seconds,
        "ours_gib": None,
    }


def peak_memory(side: str, size: str, length: int, entities: int, dropout: float, arguments: argparse.Namespace) -> float:
    """GiB that a side's model, optimizer and step need, in a process of its own."""
    command = [sys.executable, __file__, "--peak-memory", side, "--sizes", size, "--lengths", str(length)]
    command += ["--entities", str(entities), "--device", arguments.device, "--precision", arguments.precision]
    command += ["--words-per-step", str(arguments.words_per_step), "--dropout", str(dropout)]
    command += ["--entity-aware"] if arguments.entity_aware else []
    command += ["--windows", str(arguments.windows)] if arguments.windows else []
    command += ["--random"] if arguments.random else []
    finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return float(finished.stdout.split()[-1])


def print_peak_memory(arguments: argparse.Namespace) -> None:
    """Two steps of one side, then the peak in GiB."""
    size, length, entities = arguments.sizes[0], arguments.lengths[0], arguments.entities[0]
    data = batches(arguments, length)
    before = peak_memory_gib()
    config = luke_config(size, entities, arguments.dropout[0], arguments)
    step = Step(make_model(arguments.peak_memory, config, arguments.device), arguments)
    for batch in data[:2]:
        step(batch)
    if arguments.device == "cuda":
        print(peak_device_memory_gib())
    else:
        print(peak_memory_gib() - before)


def main() -> None:
    """Measure every setting asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["minilm", "base"])
    parser.add_argument("--lengths", nargs="+", type=int, default=[128, 256, 512])
    parser.add_argument("--entities", nargs="+", type=int, default=[500_000, 10_000], help="rows of the entity table")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--words-per-step", type=int, default=2048)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32", help="of both sides")
    parser.add_argument("--dropout", nargs="+", type=float, default=[0.1, 0.0], help="a table for each")
    parser.add_argument("--cpu-time", action="store_true", help="count CPU seconds")
    parser.add_argument("--entity-aware", action="store_true", help="entity-aware attention, as in fine-tuning")
    parser.add_argument("--modes", nargs="*", choices=["bf16", "skip-padding", "compile"], default=[])
    parser.add_argument("--no-memory", dest="memory", action="store_false")
    parser.add_argument("--random", action="store_true", help="random ids in place of real windows")
    parser.add_argument("--windows", type=Path, help="windows from this file")
    parser.add_argument("--write-windows", type=Path, help="write windows to this file and stop (for another machine)")
    parser.add_argument("--output", type=Path, help="write the rows as JSON")
    parser.add_argument("--peak-memory", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak_memory:
        return print_peak_memory(arguments)
    if arguments.write_windows:
        stored = {str(length): vars(read_windows(arguments, length)) for length in arguments.lengths}
        arguments.write_windows.write_text(json.dumps(stored))
        return None
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}, {torch.get_num_threads()} threads"
    print(f"{arguments.device}, {arguments.precision}, {versions}", flush=True)
    rows = []
    for dropout in arguments.dropout:
        table = [
            row
            for size in arguments.sizes
            for length in arguments.lengths
            for entities in arguments.entities
            for row in measure(size, length, entities, dropout, arguments)
        ]
        print(f"\ndropout {dropout:g}\n\n{markdown(table, ('mode', *COLUMNS), CELL)}\n", flush=True)
        rows += [{"dropout": dropout} | row for row in table]
    if arguments.output:
        arguments.output.write_text(json.dumps(rows, indent=1))
    return None


if __name__ == "__main__":
    main()
