"""Link prediction over unseen entities with frozen starts: which encoder has the best vectors of names and descriptions?

    python benchmarks/inductive_starts.py --starts plain:0 words:0 words:1 types:0

A start is one of knowledge_starts.py with its seed; it is trained if it is not there. None has a head: an entity is the mean
state of its text, a relation that of its name, and a triple is scored by TransE (L1). The graphs are GraIL's WN18RR v1 and
FB15k-237 v1, whose test entities are in no training triple. Starts with FB15k-237 have read the texts and facts of the second.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from typing import Any

from knowledge_starts import Budget, start
from momentum_queue import graph_folder

from loreweave.cli.main import main as loreweave
from loreweave.corpus.files.reading import read_json

GRAPHS = {"wn18rr-v1": "grail-wn18rr-v1", "fb237-v1": "grail-fb237-v1"}
METRICS = {"MRR, all": "mrr", "Hits@10, all": "hits_at_10", "Hits@10 of 50": "sampled_hits_at_10"}
SETTINGS = [
    "protocol=grail", "untrained=true", "pooling=mean", "text=label_description", "relation_text=label", "max_length=32",
]  # fmt: skip
STEPS = 500
"""Updates of the starts."""


def ranked(graph: str, name: str, seed: int, budget: Budget) -> dict[str, Any]:
    """The content of `results.json` of a start; it is evaluated where it was not."""
    out = budget.folder(name, seed, f"inductive-{graph}")
    if not (out / "results.json").exists():
        model, data = start(name, seed, budget), graph_folder(GRAPHS[graph], 0)
        asked = ["--model", model, "--data", data, "--output", out, "--overwrite", "--device", "cpu", *SETTINGS]
        with redirect_stdout(sys.stderr):
            failed = loreweave(["evaluate", "link-prediction", *map(str, asked)])
        if failed:
            raise SystemExit(f"failed: {name}, seed {seed}, {graph}")
    results: dict[str, Any] = read_json(out / "results.json")
    return results


def rows(starts: Mapping[str, list[int]], budget: Budget) -> Iterator[str]:
    """A line per graph and metric, a column per start: mean and spread over its seeds of pre-training."""
    yield "| graph | metric | " + " | ".join(f"{name} ({len(seeds)})" for name, seeds in starts.items()) + " |"
    yield "|---|---|" + "---|" * len(starts)
    for graph in GRAPHS:
        found = {name: [ranked(graph, name, seed, budget) for seed in seeds] for name, seeds in starts.items()}
        for title, metric in METRICS.items():
            cells = (_cell([100 * results[metric] for results in found[name]]) for name in starts)
            yield f"| {graph} | {title} | " + " | ".join(cells) + " |"


def _cell(found: list[float]) -> str:
    spread = f" ± {statistics.stdev(found):.1f}" if len(found) > 1 else ""
    return f"{statistics.mean(found):.1f}{spread}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", nargs="+", default=["plain:0", "words:0", "types:0"], help="START:SEED or START@RATE:SEED")
    arguments = parser.parse_args()
    starts: dict[str, list[int]] = defaultdict(list)
    for name, _, seed in (each.partition(":") for each in arguments.starts):
        starts[name].append(int(seed or 0))
    for line in rows(starts, Budget(STEPS)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
