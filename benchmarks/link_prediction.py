"""Filtered ranks of a test split: ours against PyKEEN's evaluator; and ours at the size of Wikidata5M.

    python benchmarks/link_prediction.py [--graphs fb15k237 wn18rr] [--models transe_l1 transe_l2 distmult complex]
        [--dim 256] [--repeats 3] [--triples N] [--unrounded] [--threads N] [--device cpu|cuda] [--data DIR]
    python benchmarks/link_prediction.py --large [--entities 4600000] [--dim 768] [--queries 200]
        [--similarities dot l2] [--folder DIR] [--threads N] [--device cpu|cuda]

Both sides rank the real test triples, heads and tails, filtered by all splits, on the same embeddings in one process, and
give the same metrics, in turn; `--triples` takes only so many of them. The embeddings are random, of numbers so round that
float32 is exact: all three kinds of ranks must be equal, or there is no table. `--unrounded` leaves the numbers as they are
and counts the ranks that differ: PyKEEN compares float32 scores, ours are exact. PyKEEN has the fastest of some batch sizes;
ours builds its index of known answers anew each time. The ratio of CPU time tells more than that of time where other work
disturbs.

`--large` writes a random table of float16 vectors to a temporary file, maps it into memory, indexes as many random triples
as Wikidata5M has, and ranks. `anonymous` is the memory that the process holds, `resident` counts the mapped pages too, which
the system may take back. Some ranks are checked against float64 products.
"""

from __future__ import annotations

import argparse
import gzip
import logging
import os
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from loreweave.metrics.known_answers import SIDES, KnownAnswers, Questions, Side
from loreweave.metrics.ranking import rank
from loreweave.metrics.ranking_metrics import HITS, metrics_by_side
from loreweave.metrics.ranks import RANK_KINDS, Ranks
from loreweave.metrics.similarity_kernels import KERNELS, Similarity

BATCH_SIZES = (4, 16, 64, 256)
METRICS = ("mr", "mrr", "amr", "amri", "adjusted_mrr", "zmr", "zmrr")
RELATIONS, TRIPLES = 822, 20_600_000  # of Wikidata5M
Query = Callable[[Tensor, Tensor], Tensor]


def complex_product(left: Tensor, right: Tensor) -> Tensor:
    """Product of interleaved complex numbers [..., d]."""
    pairs = (torch.view_as_complex(vectors.unflatten(-1, (-1, 2)).contiguous()) for vectors in (left, right))
    first, second = pairs
    return torch.view_as_real(first * second).flatten(-2)


def conjugate(vectors: Tensor) -> Tensor:
    """Conjugates of interleaved complex numbers [..., d]."""
    return (vectors.unflatten(-1, (-1, 2)) * vectors.new_tensor([1.0, -1.0])).flatten(-2)


MODELS: dict[str, tuple[str, dict[str, Any], Similarity, float, Query, Query]] = {
    # PyKEEN's name and settings; similarity; steps of exact numbers; query of (head, relation), of (tail, relation)
    "transe_l1": ("TransE", {"scoring_fct_norm": 1}, "l1", 2.0**-10, lambda h, r: h + r, lambda t, r: t - r),
    "transe_l2": ("TransE", {"scoring_fct_norm": 2}, "l2", 2.0**-5, lambda h, r: h + r, lambda t, r: t - r),
    "distmult": ("DistMult", {}, "dot", 2.0**-4, lambda h, r: h * r, lambda t, r: t * r),
    "complex": ("ComplEx", {}, "dot", 2.0**-4, complex_product, lambda t, r: complex_product(t, conjugate(r))),
}


def read_graph(folder: Path) -> tuple[list[np.ndarray], int, int]:
    """Training, validation and test triples int32 [triples, 3], and the numbers of entities and relations."""
    entities: dict[str, int] = {}
    relations: dict[str, int] = {}
    splits = []
    for split in ("train", "valid", "test"):
        with gzip.open(folder / f"{split}.tsv.gz", "rt", encoding="utf-8") as file:
            rows = [line.rstrip("\n").split("\t") for line in file]
        ids = [
            (
                entities.setdefault(h, len(entities)),
                relations.setdefault(r, len(relations)),
                entities.setdefault(t, len(entities)),
            )
            for h, r, t in rows
        ]
        splits.append(np.array(ids, dtype=np.int32))
    return splits, len(entities), len(relations)


class Ours:
    """Our ranks and metrics of the test split."""

    def __init__(self, name: str, splits: list[np.ndarray], entities: Tensor, relations: Tensor) -> None:
        """Take the embeddings, on the device that computes."""
        _, _, self.similarity, _, self.tail_query, self.head_query = MODELS[name]
        self.splits, self.entities, self.relations = splits, entities, relations
        self.ranks: dict[Side, Ranks] = {}

    def __call__(self) -> None:
        """Index, rank, measure."""
        for side in SIDES:
            questions = Questions.from_triples(side, self.splits[2])
            known = KnownAnswers(side, *self.splits).of(questions.entities, questions.relations)
            rows = (
                torch.from_numpy(rows).long().to(self.entities.device) for rows in (questions.entities, questions.relations)
            )
            given, relation = (table[row] for table, row in zip((self.entities, self.relations), rows, strict=True))
            queries = (self.tail_query if side == "tail" else self.head_query)(given, relation)
            self.ranks[side] = rank(
                queries, questions.gold, self.entities, self.similarity, questions=questions.of, known=known
            )
        metrics_by_side(self.ranks)


class Theirs:
    """PyKEEN's ranks and metrics of the test split."""

    def __init__(self, name: str, splits: list[np.ndarray], entities: Tensor, relations: Tensor) -> None:
        """Put the embeddings into PyKEEN's model."""
        from pykeen.evaluation import RankBasedEvaluator
        from pykeen.models import model_resolver
        from pykeen.triples import CoreTriplesFactory

        class_name, settings, *_ = MODELS[name]
        factory = CoreTriplesFactory(
            torch.zeros(1, 3, dtype=torch.long), num_entities=len(entities), num_relations=len(relations)
        )
        size = entities.shape[1] // (2 if class_name == "ComplEx" else 1)
        self.model = model_resolver.make(class_name, triples_factory=factory, embedding_dim=size, random_seed=0, **settings)
        self.model.to(entities.device)
        for representation, table in (
            (self.model.entity_representations, entities),
            (self.model.relation_representations, relations),
        ):
            representation[0]._embeddings.weight.data = table.clone()
        hits = (
            [("HitsAtK", {"k": k}) for k in HITS]
            + [("AdjustedHitsAtK", {"k": k}) for k in HITS]
            + [("ZHitsAtK", {"k": k}) for k in HITS]
        )
        names, options = [*METRICS, *(name for name, _ in hits)], [None] * len(METRICS) + [option for _, option in hits]
        self.evaluator = RankBasedEvaluator(metrics=names, metrics_kwargs=options, add_defaults=False, clear_on_finalize=False)
        self.splits = [torch.from_numpy(split).long() for split in splits]
        self.batch_size = self.fastest_batch_size()

    def __call__(self, triples: Tensor | None = None, batch_size: int | None = None) -> None:
        """Filter, rank, measure."""
        self.evaluator.evaluate(
            self.model,
            self.splits[2] if triples is None else triples,
            additional_filter_triples=[*self.splits[:2], *self.splits[3:]],
            batch_size=batch_size or self.batch_size,
            use_tqdm=False,
        )

    def fastest_batch_size(self) -> int:
        """Fastest batch size for some triples, among those that fit [batch, entities, d] in 1 GiB."""
        numbers = self.model.num_entities * self.model.entity_representations[0]._embeddings.weight.shape[1]
        allowed = [size for size in BATCH_SIZES if size * numbers * 4 <= 2**30]
        self(self.splits[2][:4], 4)  # warm
        seconds = {}
        for size in allowed:
            some = self.splits[2][: max(32, 2 * size)]
            seconds[size] = timed(lambda size=size, some=some: self(some, size))[0] / len(some)
        return min(seconds, key=lambda size: seconds[size])

    def differing(self, ours: dict[Side, Ranks]) -> int:
        """How many ranks of any kind are not ours, of the last run."""
        different = 0
        for side, ranks in ours.items():
            kinds = [np.concatenate(self.evaluator.ranks[side, kind]) != ranks.of_kind(kind) for kind in RANK_KINDS]
            different += int(np.logical_or.reduce(kinds).sum())
            if not np.array_equal(np.concatenate(self.evaluator.num_candidates[side]), ranks.candidates):
                raise SystemExit(f"{side}: the numbers of candidates differ")
        return different


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Seconds of one call, and processor seconds; what it computes must have reached the CPU."""
    start, processor_start = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - start, time.process_time() - processor_start


def compare(name: str, splits: list[np.ndarray], entities: int, relations: int, arguments: argparse.Namespace) -> list[str]:
    """Columns of one row: both sides in turn, with equal ranks each time."""
    random = torch.Generator().manual_seed(0)
    tables = [torch.randn(count, arguments.dim, generator=random) for count in (entities, relations)]
    if not arguments.unrounded:
        step = MODELS[name][3]
        tables = [(table / step).round() * step for table in tables]
    tables = [table.to(arguments.device) for table in tables]
    ours, theirs = Ours(name, splits, *tables), Theirs(name, splits, *tables)
    seconds: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
    for _ in range(arguments.repeats):
        theirs.evaluator.clear()
        for times, side in zip(seconds, (ours, theirs), strict=True):
            times.append(timed(side))
        different = theirs.differing(ours.ranks)
        if different and not arguments.unrounded:
            raise SystemExit(f"{name}: {different} ranks differ on numbers that both compute exactly")
    (our_time, our_work), (their_time, their_work) = ([median(times) for times in zip(*side, strict=True)] for side in seconds)
    ranked = 2 * len(splits[2])
    values = [name, f"{their_time:.2f}", f"{our_time:.2f}", f"{their_time / our_time:.1f}", f"{their_work / our_work:.1f}"]
    return [*values, f"{ranked / our_time:,.0f}", str(theirs.batch_size), f"{different} of {ranked:,}"]


def compare_all(arguments: argparse.Namespace) -> None:
    """Print the table of all graphs and models."""
    print(f"PyKEEN against ours, d = {arguments.dim}, {device_name(arguments)}, median of {arguments.repeats}\n")
    columns = (
        "graph",
        "entities",
        "test triples",
        "model",
        "PyKEEN s",
        "ours s",
        "ratio",
        "of CPU time",
        "ours ranks/s",
        "batch",
        "differ",
    )
    print(row(columns), row(["---"] * len(columns)), sep="\n", flush=True)
    for graph in arguments.graphs:
        splits, entities, relations = read_graph(arguments.data / f"kg_{graph}")
        if arguments.triples:
            chosen = np.random.default_rng(0).permutation(len(splits[2]))[: arguments.triples]
            splits.append(splits[2])  # still known
            splits[2] = splits[2][chosen]
        for name in arguments.models:
            found = compare(name, splits, entities, relations, arguments)
            print(row([graph, f"{entities:,}", f"{len(splits[2]):,}", *found]), flush=True)


def random_table(path: Path, entities: int, d: int) -> np.memmap:
    """A file of random float16 vectors, mapped into memory."""
    random = torch.Generator().manual_seed(0)
    written = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(entities, d))
    for start in range(0, entities, 65_536):
        block = written[start : start + 65_536]
        block[:] = torch.randn(block.shape, generator=random).half().numpy()
    written.flush()
    del written
    return np.load(path, mmap_mode="r")


class Memory:
    """Peak memory of this process in GiB, looked at every 20 ms."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self.anonymous = self.resident = 0.0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look while the block runs."""
        done = threading.Event()

        def look() -> None:
            ended = False
            while not ended:
                ended = done.wait(0.02)
                lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
                said = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("RssAnon", "VmRSS"))}
                self.anonymous = max(self.anonymous, int(said["RssAnon"]) / 2**20)
                self.resident = max(self.resident, int(said["VmRSS"]) / 2**20)

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def check_some(queries: Tensor, gold: np.ndarray, table: np.memmap, similarity: Similarity, ranks: Ranks) -> None:
    """The first unfiltered ranks once more, by float64 products over the whole table."""
    some = queries[:4].double()
    own = KERNELS[similarity].exact(some, torch.from_numpy(np.array(table[gold[:4]])))
    greater = torch.zeros(len(some), dtype=torch.int64)
    for start in range(0, len(table), 65_536):
        block = torch.from_numpy(np.array(table[start : start + 65_536])).double()
        scores = some @ block.T
        if similarity == "l2":
            scores = 2 * scores - block.square().sum(1) - some.square().sum(1)[:, None]
        greater += (scores > own[:, None] * (1 + 1e-12 * own.sign()[:, None])).sum(1)
    if greater.tolist() != ranks.greater[:4].tolist():
        raise SystemExit(f"found {ranks.greater[:4].tolist()} candidates above gold, float64 finds {greater.tolist()}")


def rank_large(arguments: argparse.Namespace) -> None:
    """Print time and memory of ranking at the size of Wikidata5M."""
    entities, d = arguments.entities, arguments.dim
    print(f"{entities:,} entities, d = {d}, float16 on disk ({entities * d * 2 / 2**30:.1f} GiB), {device_name(arguments)}\n")
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        table = random_table(Path(folder) / "table.npy", entities, d)
        memory = Memory()
        with memory.watched():
            triples = random.integers(entities, size=(TRIPLES, 3), dtype=np.int32)
            triples[:, 0] = entities * random.random(TRIPLES) ** 3  # some entities have many
            triples[:, 1] = random.integers(RELATIONS, size=TRIPLES)
            index, work = timed(lambda: [KnownAnswers(side, triples) for side in SIDES])
            cost = f"{index:.1f} s, {work:.1f} s of CPU time, peak {memory.anonymous:.2f} GiB"
            print(f"index of {TRIPLES:,} triples, both sides: {cost}\n", flush=True)
        known = KnownAnswers("tail", triples)
        questions = Questions.from_triples("tail", triples[random.permutation(TRIPLES)[: arguments.queries]])
        answers = known.of(questions.entities, questions.relations)
        queries = torch.randn(len(questions), d, generator=torch.Generator().manual_seed(1)).to(arguments.device)
        columns = ("similarity", "queries", "seconds", "of CPU time", "queries/s", "anonymous GiB", "resident GiB")
        print(row(columns), row(["---"] * len(columns)), sep="\n", flush=True)
        for similarity in arguments.similarities:
            memory = Memory()
            with memory.watched():
                seconds, work = timed(
                    lambda similarity=similarity: rank(
                        queries, questions.gold, table, similarity, questions=questions.of, known=answers
                    )
                )
            times = [f"{seconds:.1f}", f"{work:.1f}", f"{arguments.queries / seconds:.1f}"]
            values = [*times, f"{memory.anonymous:.2f}", f"{memory.resident:.2f}"]
            print(row([similarity, str(arguments.queries), *values]), flush=True)
            if similarity in ("dot", "l2"):
                gold = questions.gold[np.unique(questions.of, return_index=True)[1]]
                check_some(queries.cpu(), gold, table, similarity, rank(queries[:4], gold[:4], table, similarity))


def device_name(arguments: argparse.Namespace) -> str:
    """What computes."""
    if arguments.device == "cpu":
        return f"CPU, {torch.get_num_threads()} threads"
    return torch.cuda.get_device_name(arguments.device)


def row(values: Any) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(values)} |"


def main() -> None:
    """Parse the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graphs", nargs="+", default=["fb15k237", "wn18rr"], choices=["fb15k237", "wn18rr"])
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--dim", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--unrounded", action="store_true")
    parser.add_argument("--triples", type=int, help="of the test split; default: all")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--device", default="cpu")
    shared = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("LOREWEAVE_DATA", shared)))
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--entities", type=int, default=4_600_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--similarities", nargs="+", default=["dot", "l2"], choices=list(KERNELS))
    parser.add_argument("--folder", type=Path, help="for the temporary table")
    arguments = parser.parse_args()
    arguments.dim = arguments.dim or (768 if arguments.large else 256)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as home:
        os.environ.setdefault("PYSTOW_HOME", home)  # PyKEEN makes folders when it is imported
        rank_large(arguments) if arguments.large else compare_all(arguments)


if __name__ == "__main__":
    main()
