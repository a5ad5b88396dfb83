"""A knowledge-embedding step, KEPLER's original scheme against ours: triples per second, tokens, memory, and what is learned.

    python benchmarks/kepler_step.py [--graphs fb15k237 wn18rr] [--settings kepler batch-negatives neighbourhoods]
        [--triples 32] [--entities 64] [--steps 3] [--device cpu|cuda] [--precision fp32|bf16]
    python benchmarks/kepler_step.py --learning [--minutes 5] [--graphs fb15k237] [--negatives 16]

MiniLM on real graphs, built into a temporary folder (`--folder` keeps them). The original (`kepler_schemes.py`) encodes six
padded fields of texts a triple, ours (the objective `knowledge_embedding`) each distinct text of a micro-batch once, in
buckets of like length. Both take the same triples and the same negatives in turn, in one process, dropout off: forward,
backward, one fused AdamW update. Losses must agree to 1e-5 and gradients to 1e-4 first, in float32.

`kepler` is random triples with one negative a side drawn from the graph; `batch-negatives` draws them from the entities of
the micro-batch; `neighbourhoods` takes all triples among `--entities` neighbours. The original is timed on at most
`--triples` of a micro-batch, in the fastest of some micro-batch sizes (small ones pad less), and scaled up to all of them:
its cost is a triple's times their number. Making micro-batches is not timed (workers do it), but shown.

Seconds and ratios are of CPU time on a CPU, which other work may share (`wall_ratio` beside them), and of the wall's on a
GPU. `texts` and `tokens` are those encoded for a triple, padding included. `arithmetic` is the ratio of the tokens; `bound`
adds the update of the parameters, the same on both sides; `reached` is the ratio over the bound. Peak memory comes from a
process a side (`VmHWM`, less what the process had before the model; on a GPU `max_memory_allocated`).

`--learning` trains three for the same time of their own steps, alternating, from MiniLM: the original on random triples, ours
on the very same micro-batches, and ours on neighbourhoods with `--negatives` of the micro-batch a side. Filtered MRR over all
entities, `--rank` test triples; `made_s` is what making the micro-batches took besides (workers do it in a run). One seed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from kepler_schemes import (
    FIELDS,
    NAME,
    SETTINGS,
    OriginalScheme,
    Ours,
    Rows,
    Side,
    collate,
    graph_folder,
    make_objective,
    make_ours,
    make_theirs,
    minilm_tokenizer,
)
from tables import markdown

from loreweave.metrics.ranking_metrics import ranking_metrics
from loreweave.metrics.ranks import Ranks
from loreweave.models.knowledge_embedding import KnowledgeEmbeddingHead, KnowledgeEmbeddingModel
from loreweave.objectives import KnowledgeEmbedding
from loreweave.tasks.embedding_cache import EmbeddingCache
from loreweave.tasks.link_prediction import reader
from loreweave.tasks.link_prediction.encoding import GraphEncoder
from loreweave.tasks.link_prediction.evaluation import Ranker
from loreweave.tasks.link_prediction.model import Checkpoint
from loreweave.tasks.link_prediction.settings import EvaluationSettings
from loreweave.tasks.processes import Processes
from loreweave.training.runs.resources import peak_device_memory_gib, peak_memory_gib

GRAPHS = ("fb15k237", "wn18rr")
SIZES = (4, 16, 64, 256)  # micro-batches of the original to choose from; its own had 3 triples
PER_TRIPLE = ("labels", "heads", "tails", "corrupted_heads", "corrupted_tails", "head_is_false", "tail_is_false")
COLUMNS = (  # of the table, theirs / ours where there are two
    "graph", "setting", "triples", "size", "texts", "tokens", "seconds", "triples_s", "ratio", "wall_ratio", "arithmetic",
    "bound", "reached", "update_s", "make_s", "gib",
)  # fmt: skip
LEARNING_COLUMNS = ("graph", "scheme", "seconds", "made_s", "steps", "triples", "mrr")


# ---- a step ----------------------------------------------------------------------------------------------------------


class Work:
    """One micro-batch for both: all of it for ours, some of its triples for the original."""

    def __init__(self, objective: KnowledgeEmbedding, item: int, arguments: argparse.Namespace) -> None:
        """Draw micro-batch `item`."""
        start = time.process_time()
        batch = objective.batch(item)
        self.make_s = time.process_time() - start
        self.ours = {key: tensor.to(arguments.device) for key, tensor in batch.items()}
        rows = Rows.drawn(objective, item)
        self.triples = len(rows.heads)
        some = np.random.default_rng(item).permutation(self.triples)[: arguments.triples]
        self.theirs = rows.of(some)
        self.shared = len(some)
        chosen = torch.from_numpy(some).to(arguments.device)
        self.ours_of_shared = {key: value[chosen] if key in PER_TRIPLE else value for key, value in self.ours.items()}

    def count(self, what: str) -> int:
        """Texts or tokens of ours."""
        shapes = [value.shape for key, value in self.ours.items() if "input_ids" in key]
        return sum(shape[0] * (shape[1] if what == "tokens" else 1) for shape in shapes)


def check(theirs: OriginalScheme, ours: Ours, work: Work, collate_theirs: Callable[[Rows, int], list[Any]]) -> None:
    """Refuse to time two schemes that compute different things."""
    losses, gradients = [], []
    for module, parts in ((theirs, collate_theirs(work.theirs, 16)), (ours, [work.ours_of_shared])):
        found = [module(part) for part in parts]
        for loss in found:
            loss.backward()
        losses.append(sum(loss.item() for loss in found))
        tables = [p for name, p in module.named_parameters() if "relation" in name]
        gradients.append([p.grad for p in (*module.encoder.parameters(), *tables)])
        assert all(gradient is not None for gradient in gradients[-1])
        module.zero_grad(set_to_none=True)
    loss = abs(losses[0] - losses[1]) / abs(losses[0])
    pairs = list(zip(*gradients, strict=True))
    gradient = (sum(float((a - b).pow(2).sum()) for a, b in pairs) / sum(float(a.pow(2).sum()) for a, _ in pairs)) ** 0.5
    if not (loss <= 1e-5 and gradient <= 1e-4):
        raise SystemExit(f"found losses {losses} and gradients that differ by {gradient:.1e}, expected equal ones")
    print(
        f"  equal on {work.shared} triples: losses {losses[0]:.5f} and {losses[1]:.5f}, gradients to {gradient:.0e}", flush=True
    )


def measure(graph: Path, setting: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """The row of one setting."""
    objective = make_objective(graph, setting, arguments)
    assert objective.texts is not None
    collate_theirs = partial(_collate, objective, arguments.device)
    work = [Work(objective, item, arguments) for item in range(arguments.warmup + arguments.steps)]
    theirs, ours = make_theirs(objective, arguments), make_ours(objective, arguments)
    print(f"{graph.name}, {setting}: {len(objective.graph.triples['train']):,} triples to train on", flush=True)
    check(theirs, ours, work[0], collate_theirs)
    sides = Side(theirs, arguments), Side(ours, arguments)
    size = fastest(sides[0], work[0], collate_theirs)
    timed = [collate_theirs(one.theirs, size) for one in work]
    for side in sides:
        side.forget()
    for one, parts in zip(work, timed, strict=True):
        sides[0].step(parts, one.shared)
        sides[1].step([one.ours], one.triples)
    row = compare(work[arguments.warmup :], *sides, arguments.warmup)
    shared = sum(one.shared for one in work[arguments.warmup :])
    row["theirs_tokens"] = sum(part.tokens for parts in timed[arguments.warmup :] for part in parts) / shared
    row["arithmetic"] = row["theirs_tokens"] / row["ours_tokens"]
    row["bound"] = row["theirs_seconds"] / ((row["theirs_seconds"] - row["update_s"]) / row["arithmetic"] + row["update_s"])
    row |= {"graph": graph.name, "setting": setting, "size": size, "reached": row["ratio"] / row["bound"]}
    if arguments.memory:
        row |= {f"{side}_gib": peak_memory(side, graph.name, setting, size, arguments) for side in ("theirs", "ours")}
    return row


def _collate(objective: KnowledgeEmbedding, device: str, rows: Rows, size: int) -> list[Any]:
    assert objective.texts is not None
    return collate(rows, objective.texts, size, device)


def fastest(theirs: Side, work: Work, collate_theirs: Callable[[Rows, int], list[Any]]) -> int:
    """The micro-batch size that suits the original best, a step each (and one before)."""
    sizes = sorted({min(size, work.shared) for size in (*SIZES, work.shared)})
    theirs.step(collate_theirs(work.theirs, sizes[0])[:1], sizes[0])
    for size in sizes:
        theirs.step(collate_theirs(work.theirs, size), work.shared)
    seconds = [sum(times) for times in theirs.times[1:]]
    return sizes[int(np.argmin(seconds))]


def compare(work: list[Work], theirs: Side, ours: Side, warmup: int) -> dict[str, Any]:
    """Medians of the steps on `work`; theirs for all triples of a micro-batch, from the time for some."""

    def seconds(their_times: list[Any], our_times: list[Any]) -> tuple[list[float], list[float], float]:
        their_times, our_times = their_times[warmup:], our_times[warmup:]
        update = median(own for _, own in their_times + our_times)
        whole = [main * one.triples / one.shared + update for (main, _), one in zip(their_times, work, strict=True)]
        return whole, [main + update for main, _ in our_times], update

    whole, own, update = seconds(theirs.times, ours.times)
    whole_wall, own_wall, _ = seconds(theirs.wall, ours.wall)
    triples = sum(one.triples for one in work)
    row: dict[str, Any] = {
        "triples": triples / len(work),
        "theirs_seconds": median(whole),
        "ours_seconds": median(own),
        "theirs_triples_s": triples / sum(whole),
        "ours_triples_s": triples / sum(own),
        "ratio": median(a / b for a, b in zip(whole, own, strict=True)),
        "wall_ratio": median(a / b for a, b in zip(whole_wall, own_wall, strict=True)),
        "update_s": update,
        "make_s": median(one.make_s for one in work),
        "theirs_texts": float(len(FIELDS)),
    }
    return row | {f"ours_{what}": sum(one.count(what) for one in work) / triples for what in ("texts", "tokens")}


def peak_memory(side: str, graph: str, setting: str, size: int, arguments: argparse.Namespace) -> float:
    """GiB that a side's model, optimizer and step need, in a process of its own."""
    command = [sys.executable, __file__, "--peak-memory", side, "--graphs", graph, "--settings", setting]
    for name in ("triples", "entities", "max_length", "pooling", "device", "precision", "folder"):
        command += [f"--{name.replace('_', '-')}", str(getattr(arguments, name))]
    finished = subprocess.run([*command, "--size", str(size)], stdout=subprocess.PIPE, text=True, check=True)
    return float(finished.stdout.split()[-1])


def print_peak_memory(graph: Path, arguments: argparse.Namespace) -> None:
    """Two steps of one side, then the peak in GiB."""
    objective = make_objective(graph, arguments.settings[0], arguments)
    work = [Work(objective, item, arguments) for item in range(2)]
    parts = [_collate(objective, arguments.device, one.theirs, arguments.size) for one in work]
    before = peak_memory_gib()
    mine = arguments.peak_memory == "ours"
    side = Side(make_ours(objective, arguments) if mine else make_theirs(objective, arguments), arguments)
    for one, theirs in zip(work, parts, strict=True):
        side.step([one.ours] if mine else theirs, one.triples if mine else one.shared)
    if arguments.device == "cuda":
        print(peak_device_memory_gib())
    else:
        print(peak_memory_gib() - before)


# ---- learning --------------------------------------------------------------------------------------------------------


LEARNERS = {  # whether ours, setting
    "original": (False, "kepler"),
    "ours, same micro-batches": (True, "kepler"),
    "ours, neighbourhoods": (True, "neighbourhoods"),
}


class Learner:
    """One scheme in training, and its clock."""

    def __init__(self, name: str, graph: Path, arguments: argparse.Namespace) -> None:
        """One of `LEARNERS`."""
        self.name, self.arguments = name, arguments
        self.mine, setting = LEARNERS[name]
        negatives = arguments.negatives if setting == "neighbourhoods" else 1
        self.objective = make_objective(graph, setting, arguments, negatives)
        module = make_ours(self.objective, arguments) if self.mine else make_theirs(self.objective, arguments)
        self.side = Side(module, arguments, arguments.learning_rate)
        self.seconds, self.made, self.steps, self.triples = 0.0, 0.0, 0, 0

    def step(self) -> None:
        """The next micro-batch; making it is timed apart."""
        start = time.process_time()
        if self.mine:
            batch = self.objective.batch(self.steps)
            parts: list[Any] = [{key: tensor.to(self.arguments.device) for key, tensor in batch.items()}]
            triples = len(batch["labels"])
        else:
            rows = Rows.drawn(self.objective, self.steps)
            parts, triples = _collate(self.objective, self.arguments.device, rows, self.arguments.size), len(rows.heads)
        self.made += time.process_time() - start
        self.side.step(parts, triples)
        self.seconds += sum(self.side.times[-1])
        self.steps, self.triples = self.steps + 1, self.triples + triples

    def mrr(self) -> float:
        """Filtered MRR of some test triples, heads and tails, among all entities."""
        module: Any = self.side.module
        relations = module.head.relation_embeddings if self.mine else module.relations
        head = KnowledgeEmbeddingHead("transe_l2", relations.embedding_dim, relations.num_embeddings, self.arguments.gamma)
        head.relation_embeddings = relations
        model = KnowledgeEmbeddingModel(module.encoder.eval(), head, self.arguments.pooling)
        text = self.objective.config.text
        checkpoint = Checkpoint(model, minilm_tokenizer(), "wiki", text, NAME, True, "", Path())
        graph, cache = self.objective.graph, EmbeddingCache(None, {})
        encoder = GraphEncoder(checkpoint, graph, self.objective.texts, cache, precision=self.arguments.precision)
        asked = reader.read(graph)
        ranker = Ranker(encoder, encoder.entities(), asked, EvaluationSettings(), Processes())
        rows = np.random.default_rng(0).permutation(len(asked.triples))[: self.arguments.rank]
        ranks = Ranks.concatenate(ranker.rank_sides(rows).among_all.values())
        module.encoder.train()
        return ranking_metrics(ranks)["mrr"]


def learn(graph: Path, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Rows of MRR against time; all learn by turns, whoever has had least time."""
    learners = [Learner(name, graph, arguments) for name in LEARNERS]
    start = learners[0].mrr()
    yield from (_point(graph, learner, start) for learner in learners)
    for part in range(1, arguments.evaluations + 1):
        limit = arguments.minutes * 60 * part / arguments.evaluations
        while (learner := min(learners, key=lambda one: one.seconds)).seconds < limit:
            learner.step()
        yield from (_point(graph, learner, learner.mrr()) for learner in learners)


def _point(graph: Path, learner: Learner, mrr: float) -> dict[str, Any]:
    point = {"graph": graph.name, "scheme": learner.name, "seconds": learner.seconds, "made_s": learner.made}
    point |= {"steps": learner.steps, "triples": learner.triples, "mrr": mrr}
    print(point, flush=True)
    return point


# ---- command ---------------------------------------------------------------------------------------------------------


def _cell(name: str, row: Mapping[str, Any]) -> str:
    if f"ours_{name}" in row:
        return " / ".join(f"{row[f'{side}_{name}']:.3g}" for side in ("theirs", "ours"))
    value = row.get(name, "")
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    return f"{value:.0%}" if name == "reached" else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def parse() -> argparse.Namespace:
    """Options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graphs", nargs="+", choices=GRAPHS, default=list(GRAPHS))
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--triples", type=int, default=32, help="of a random micro-batch, and most that the original is given")
    parser.add_argument("--entities", type=int, default=64, help="of a neighbourhood")
    parser.add_argument("--max-length", type=int, default=64)
    parser.add_argument("--pooling", choices=["first", "mean"], default="mean", help="KEPLER reads the first, MiniLM the mean")
    parser.add_argument("--gamma", type=float, default=4.0)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32", help="of both sides")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where graphs are built and kept")
    parser.add_argument("--no-memory", dest="memory", action="store_false")
    parser.add_argument("--output", type=Path, help="write the rows as JSON")
    parser.add_argument("--learning", action="store_true", help="train both instead")
    parser.add_argument("--minutes", type=float, default=5.0, help="of each")
    parser.add_argument("--evaluations", type=int, default=3)
    parser.add_argument("--rank", type=int, default=1000, help="test triples")
    parser.add_argument("--negatives", type=int, default=16, help="of ours, a side; the original draws one")
    parser.add_argument("--learning-rate", type=float, default=1e-4, help="of the encoder; of relations ten times that")
    parser.add_argument("--size", type=int, default=16, help="micro-batch of the original in training")
    parser.add_argument("--peak-memory", choices=["theirs", "ours"], help=argparse.SUPPRESS)
    return parser.parse_args()


def steps(graph: Path, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A row for every setting, shown as it is measured."""
    for setting in arguments.settings:
        row = measure(graph, setting, arguments)
        print(markdown([row], COLUMNS, _cell), flush=True)
        yield row


def run(arguments: argparse.Namespace) -> None:
    """Measure every setting asked for and print the table."""
    folders = [folder for name in arguments.graphs if (folder := graph_folder(name, arguments)) is not None]
    if arguments.peak_memory:
        return print_peak_memory(folders[0], arguments)
    print(
        f"{arguments.device}, {arguments.precision}, torch {torch.__version__}, {torch.get_num_threads()} threads", flush=True
    )
    rows: list[dict[str, Any]] = []
    for folder in folders:
        for row in learn(folder, arguments) if arguments.learning else steps(folder, arguments):
            rows.append(row)
            if arguments.output:  # also of a run that is stopped
                arguments.output.write_text(json.dumps(rows, indent=1))
    print(markdown(rows, LEARNING_COLUMNS if arguments.learning else COLUMNS, _cell))
    return None


def main() -> None:
    """With the graphs in a folder that is kept or not."""
    arguments = parse()
    if arguments.folder is not None:
        return run(arguments)
    with tempfile.TemporaryDirectory() as folder:
        arguments.folder = Path(folder)
        return run(arguments)


if __name__ == "__main__":
    main()
