"""A pre-training step of Sparse Latent Typing, the original's computation against ours: time, memory, and the arithmetic bound.

    python benchmarks/sparse_lt_step.py [--sizes minilm base] [--batch 32] [--steps 5] [--their-attention fused explicit]
        [--modes bucketing bf16 compile] [--device cpu|cuda] [--precision fp32|bf16]
    python benchmarks/sparse_lt_step.py --profile [--sizes minilm]

The original (`sparse_lt_original.py`) scores every position, padding too, with both heads; ours is the `PretrainingModel` of
a run with masked words and latent typing. Both take the same random sentences of text_wikispeedia, the same masks and the same
padding, in turn, in one process: forward, backward, one fused AdamW update. Dropout and LayerDrop are off. First, with the
same Gumbel noise, all four losses must agree to 1e-5 and the gradients to 1e-4, in float32, or there is no table.

`arithmetic` is the original's matrix-product operations over ours; `bound` adds the update of the parameters, measured, the
same on both sides; `reached` is the ratio over the bound. The encoder's two passes are the same on both sides, with the same
attention kernels (`fused`; `explicit` is the original's as it was in its day). Seconds and ratios are of CPU time on a CPU,
which other work may share (`wall` beside them), and of the wall's on a GPU. Words are real ones, without padding.

`--modes` adds what goes beyond the bound, one by one, against the original as it is above: sentences of like length in a
batch (the setting `pool`; other sentences, so compare words per second), bf16, torch.compile. `base` has random weights.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import torch
from kepler_schemes import Clock
from sparse_lt_original import OriginalBatch, OriginalSparseTyping
from sparse_lt_work import Work, check, cost
from tables import markdown, two_decimals
from torch import Tensor

from loreweave.objectives import Batch
from loreweave.training.devices import autocast, choose_attention
from loreweave.training.runs.resources import peak_device_memory_gib, peak_memory_gib

SIZES = ("minilm", "base")
ATTENTION = ("fused", "explicit")
COLUMNS = (
    "size", "attention", "mode", "batch", "longest", "real", "theirs_s", "ours_s", "ratio", "wall", "arithmetic", "update_s",
    "bound", "reached", "theirs_words_s", "ours_words_s", "theirs_gib", "ours_gib",
)  # fmt: skip
Loss = Callable[[Any], Tensor]
CELL = two_decimals(percent=("reached", "real"), whole=("longest", "theirs_words_s", "ours_words_s"))


# ---- time ------------------------------------------------------------------------------------------------------------


class Side:
    """A loss with its optimizer, and the times of its steps: of forward and backward, and of the update; wall and CPU."""

    def __init__(self, loss: Loss, module: torch.nn.Module, arguments: argparse.Namespace) -> None:
        """Take a function from a batch to the loss."""
        self.loss, self.module, self.device = loss, module, torch.device(arguments.device)
        self.precision = arguments.precision
        trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(trained, lr=1e-6, weight_decay=0.01, fused=True)
        self.clock = Clock(self.device)
        self.times: list[tuple[tuple[float, float], ...]] = []

    def step(self, batch: Any) -> None:
        """One update."""
        start = self.clock()
        with autocast(self.device, self.precision):
            loss = self.loss(batch)
        loss.backward()
        middle = self.clock()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        end = self.clock()
        self.times.append(tuple((middle[i] - start[i], end[i] - middle[i]) for i in (0, 1)))

    def seconds(self, wall: bool = False) -> list[float]:
        """Seconds of each step."""
        return [sum(times[0 if wall else self._read]) for times in self.times]

    def update_seconds(self) -> list[float]:
        """Seconds of each step's update."""
        return [times[self._read][1] for times in self.times]

    @property
    def _read(self) -> int:
        return 1 if self.device.type == "cpu" else 0


def sides(work: Work, theirs: OriginalSparseTyping) -> tuple[Side, Side]:
    """The original and ours."""

    def original(batch: Batch) -> Tensor:
        return theirs(OriginalBatch.of(batch), work.temperature(batch))["total"]

    return Side(original, theirs, work.arguments), Side(lambda batch: work.ours(batch)["total"], work.module, work.arguments)


def measure(size: str, attention: str, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The row of one setting, then one for each mode."""
    memory = {}
    if arguments.memory:
        memory = {f"{side}_gib": peak_memory(side, size, attention, arguments) for side in ("theirs", "ours")}
    work = Work(size, arguments)
    theirs = work.original(attention)
    data = work.batches(arguments.warmup + arguments.steps)
    check(work, theirs, data[0])
    choose_attention(work.model, torch.device(arguments.device), arguments.precision)
    both = sides(work, theirs)
    for batch in data:
        for side in both:
            side.step(batch)
    for side in both:
        del side.times[: arguments.warmup]
    timed = data[arguments.warmup :]
    row = compare(work, timed, *both, attention == "fused") | memory
    row |= {"size": size, "attention": attention, "mode": "same", "batch": arguments.batch}
    yield row
    for mode in arguments.modes:
        yield row | {"mode": mode} | measure_mode(mode, work, both[1], timed, row)


def compare(work: Work, timed: list[Batch], theirs: Side, ours: Side, fused: bool) -> dict[str, Any]:
    """Times, ratio and bound."""
    one, two = median(theirs.seconds()), median(ours.seconds())
    ratios = {wall: [a / b for a, b in zip(theirs.seconds(wall), ours.seconds(wall), strict=True)] for wall in (False, True)}
    update = median(theirs.update_seconds() + ours.update_seconds())
    cost_of = [sum(cost(work, batch, mine, fused or mine) for batch in timed) for mine in (False, True)]
    arithmetic = cost_of[0] / cost_of[1]
    bound = one / ((one - update) / arithmetic + update)
    return {
        **_shape(timed),
        "theirs_s": one,
        "ours_s": two,
        "update_s": update,
        "ratio": median(ratios[False]),
        "wall": median(ratios[True]),
        "arithmetic": arithmetic,
        "bound": bound,
        "reached": median(ratios[False]) / bound,
        "theirs_words_s": _words(timed) * len(timed) / sum(theirs.seconds()),
        "ours_words_s": _words(timed) * len(timed) / sum(ours.seconds()),
    }


def measure_mode(mode: str, work: Work, ours: Side, data: list[Batch], row: dict[str, Any]) -> dict[str, Any]:
    """Our step again, changed in one thing; compared by real words a second."""
    arguments, before = work.arguments, (ours.precision, work.module.forward)
    if mode == "bucketing":
        data = work.batches(max(arguments.pool, arguments.warmup + arguments.steps), arguments.pool)
    elif mode == "bf16":
        ours.precision = "bf16"
        choose_attention(work.model, torch.device(arguments.device), "bf16")
    else:
        work.module.forward = torch.compile(work.module.forward, dynamic=True)  # type: ignore[method-assign]  # put back below
    ours.times.clear()
    for batch in [*data[-arguments.warmup :], *data]:
        ours.step(batch)
    del ours.times[: arguments.warmup]
    ours.precision, work.module.forward = before  # type: ignore[method-assign]  # what it was
    work.model.set_attn_implementation("sdpa")
    rate = _words(data) * len(data) / sum(ours.seconds())
    nothing = dict.fromkeys(("theirs_s", "wall", "arithmetic", "bound", "reached", "update_s", "theirs_gib", "ours_gib"))
    found = {"ours_s": median(ours.seconds()), "ours_words_s": rate, "ratio": rate / row["theirs_words_s"]}
    return nothing | _shape(data) | found


def _words(data: list[Batch]) -> float:
    """Real words of a batch, on average."""
    return sum(int(batch["windows"]["attention_mask"].sum()) for batch in data) / len(data)


def _shape(data: list[Batch]) -> dict[str, float]:
    """Words of the longest sentence, and the share of positions that are no padding."""
    positions = sum(batch["windows"]["attention_mask"].numel() for batch in data) / len(data)
    longest = sum(batch["windows"]["attention_mask"].shape[1] for batch in data) / len(data)
    return {"longest": longest, "real": _words(data) / positions}


def peak_memory(side: str, size: str, attention: str, arguments: argparse.Namespace) -> float:
    """GiB that a side's model, optimizer and step need, in a process of its own."""
    command = [sys.executable, __file__, "--peak-memory", side, "--sizes", size, "--their-attention", attention]
    for name in ("batch", "device", "precision", "seed"):
        command += [f"--{name}", str(getattr(arguments, name))]
    command += ["--sentences", arguments.sentences] if arguments.sentences else []
    finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return float(finished.stdout.split()[-1])


def print_peak_memory(arguments: argparse.Namespace) -> None:
    """Two steps of one side, then the peak in GiB, less what the process had before (one model more for the original)."""
    work = Work(arguments.sizes[0], arguments)
    data = work.batches(2)
    before = peak_memory_gib()
    which = 0 if arguments.peak_memory == "theirs" else 1
    theirs = work.original(arguments.their_attention[0]) if which == 0 else None
    if theirs is None:
        side = Side(lambda batch: work.ours(batch)["total"], work.module, arguments)
        own = sum(parameter.numel() * 4 for parameter in work.module.parameters()) / 2**30
    else:
        side, own = sides(work, theirs)[0], 0.0
    for batch in data:
        side.step(batch)
    if arguments.device == "cuda":
        print(peak_device_memory_gib())
    else:
        print(peak_memory_gib() - before + own)


def profile(size: str, arguments: argparse.Namespace) -> None:
    """Where the time of both goes, by operation."""
    work = Work(size, arguments)
    theirs = work.original(arguments.their_attention[0])
    data = work.batches(arguments.warmup + arguments.steps)
    for name, side in zip(("the original", "ours"), sides(work, theirs), strict=True):
        for batch in data[: arguments.warmup]:
            side.step(batch)
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as found:
            for batch in data[arguments.warmup :]:
                side.step(batch)
        averages = found.key_averages()
        whole = sum(entry.self_cpu_time_total for entry in averages)
        print(f"{size}, {name}: {whole / 1e6 / arguments.steps:.2f} s a step")
        for entry in sorted(averages, key=lambda entry: -entry.self_cpu_time_total)[: arguments.rows]:
            share, seconds = entry.self_cpu_time_total / whole, entry.self_cpu_time_total / 1e6 / arguments.steps
            print(f"  {entry.key:<50} {share:6.1%} {seconds:7.3f} s {entry.count // arguments.steps:>6} times", flush=True)


# ---- command ---------------------------------------------------------------------------------------------------------


def main() -> None:
    """Measure every setting asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["minilm"])
    parser.add_argument("--their-attention", nargs="+", choices=ATTENTION, default=["fused"])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--pool", type=int, default=32, help="micro-batches that share their draws (bucketing)")
    parser.add_argument("--modes", nargs="*", choices=["bucketing", "bf16", "compile"], default=[])
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32", help="of both sides")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sentences", help="a set of sentences; default: that of checkpoints.py, built where it is not there")
    parser.add_argument("--no-memory", dest="memory", action="store_false")
    parser.add_argument("--profile", action="store_true", help="show where the time goes instead")
    parser.add_argument("--rows", type=int, default=25, help="of the profile")
    parser.add_argument("--output", type=Path, help="write the rows as JSON")
    parser.add_argument("--peak-memory", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak_memory:
        return print_peak_memory(arguments)
    shown = f"{arguments.device}, {arguments.precision}, torch {torch.__version__}, {torch.get_num_threads()} threads"
    print(shown, flush=True)
    if arguments.profile:
        return profile(arguments.sizes[0], arguments)
    rows: list[dict[str, Any]] = []
    for size in arguments.sizes:
        for attention in arguments.their_attention:
            for row in measure(size, attention, arguments):
                rows.append(row)
                print(markdown([row], COLUMNS, CELL), flush=True)
                if arguments.output:  # also of a run that is stopped
                    arguments.output.write_text(json.dumps(rows, indent=1))
    print(markdown(rows, COLUMNS, CELL))
    return None


if __name__ == "__main__":
    main()
