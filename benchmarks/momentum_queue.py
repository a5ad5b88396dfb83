"""Do a momentum queue and neighbours (MoCoKGC) lift the contrastive loss at equal CPU time?

    python benchmarks/momentum_queue.py [--graphs wn18rr fb15k237] [--minutes 30] [--triples 0] [--seeds 0]
    python benchmarks/momentum_queue.py --graphs grail-wn18rr-v1 --minutes 3 --momentum 0.95   # small: about 900 candidates

Each condition is the recipe minilm/contrastive-knowledge with other settings of the objective. Its number of steps is such that
training takes `--minutes` of CPU time on one thread: a step is timed first (median of a few, with the optimizer's). The graphs
are built into build/. GraIL's are ranked with its protocol: all test entities are new. `--triples` ranks only so many random
test triples, the same for all conditions, among all entities; the other test triples still count as known answers. One row a
condition and seed is printed as soon as it is there.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerFast

from checkpoints import DATA, REPOSITORY
from loreweave.corpus.files.reading import read_json
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.encoding.model_names import resolve
from loreweave.objectives import ContrastiveKnowledge, ContrastiveKnowledgeConfig, RunContext
from loreweave.training.devices import autocast, choose_attention
from loreweave.training.precision import settle_precision
from loreweave.training.settings.configuration import fill
from loreweave.training.settings.recipes import load_recipe

GRAPHS: dict[str, tuple[str, list[str]]] = {
    "wn18rr": ("kg_wn18rr", ["--format", "wn18rr"]),
    "fb15k237": ("kg_fb15k237", ["--format", "fb15k237"]),
    "grail-wn18rr-v1": ("kg_inductive_grail/WN18RR_v1", ["--format", "grail", "--text-from", "wn18rr"]),
    "grail-fb237-v1": ("kg_inductive_grail/fb237_v1", ["--format", "grail", "--text-from", "fb15k237"]),
}
"""Name -> folder of the data, and how it is built; the last argument of GraIL's is the graph with the texts."""
OBJECTIVE = "contrastive_knowledge"
QUEUE = {"momentum": 0.99, "queue_size": 4096}
CONDITIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "pre-batches": {"pre_batches": 8},
    "queue": QUEUE,
    "queue and neighbours": QUEUE | {"neighbours": 16},
}
METRICS = ("mrr", "hits_at_1", "hits_at_3", "hits_at_10")
_TIMED = 5


def loreweave(*arguments: str) -> float:
    """CPU seconds of a command."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "src"), "OMP_NUM_THREADS": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "loreweave", *arguments]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def graph_folder(name: str, triples: int) -> Path:
    """The graph, built if it is not there; with `triples` of its test triples as `test`, and the rest in another split."""
    whole = REPOSITORY / "build" / name
    if not whole.exists():
        data, how = GRAPHS[name]
        if "--text-from" in how:
            how = [*how[:-1], str(graph_folder(how[-1], 0))]
        loreweave("build", "graph", str(DATA / data), *how, "--output", str(whole))
    some = REPOSITORY / "build" / f"{name}-{triples}"
    if not triples:
        return whole
    if not some.exists():
        graph = KnowledgeGraph.load(whole)
        test = np.asarray(graph.triples["test"])
        order = np.random.default_rng(0).permutation(len(test))
        splits = {name: np.asarray(rows) for name, rows in graph.triples.items()}
        splits |= {"test": test[order[:triples]], "other_test": test[order[triples:]]}
        KnowledgeGraph.from_parts(list(graph.entities), graph.relations, splits).save(some)
    return some


def settings(graph: Path, condition: str, momentum: float) -> dict[str, Any]:
    """Settings of the objective."""
    changes = CONDITIONS[condition]
    if "momentum" in changes:
        changes = changes | {"momentum": momentum}
    recipe: dict[str, Any] = load_recipe("minilm/contrastive-knowledge").config["objectives"][OBJECTIVE]
    return recipe | {"graph": str(graph), "token_cache": f"{graph}-tokens"} | changes


def seconds_of_a_step(chosen: dict[str, Any], precision: str) -> float:
    """CPU time of a step on one thread with these settings of the objective."""
    torch.set_num_threads(1)
    cpu = torch.device("cpu")
    folder = resolve("minilm")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    context = RunContext(tokenizer=tokenizer)
    objective = ContrastiveKnowledge(fill(ContrastiveKnowledgeConfig, chosen), context)
    encoder = AutoModel.from_pretrained(folder, add_pooling_layer=False)
    choose_attention(encoder, cpu, precision)
    head = objective.head(encoder).train()
    parameters = [p for p in (*encoder.parameters(), *head.parameters()) if p.requires_grad]
    optimizer, times = torch.optim.AdamW(parameters, lr=1e-6, fused=True), []
    for item in range(1 + _TIMED):
        start = time.process_time()
        batch = objective.batch(item)
        with autocast(cpu, precision):
            loss = objective.loss(encoder, head, batch)
        (loss.total / len(batch["labels"])).backward()
        optimizer.step()
        optimizer.zero_grad()
        times.append(time.process_time() - start)
    return statistics.median(times[1:])


def row(name: str, graph: Path, condition: str, seed: int, chosen: dict[str, Any], minutes: float, output: Path) -> str:
    """Train, rank, and describe: a row of the table."""
    precision = settle_precision("auto", torch.device("cpu"))
    steps = round(60 * minutes / seconds_of_a_step(chosen, precision))
    folder = output / f"{name}-{condition.replace(' ', '-')}-{seed}"
    changes = [f"objectives.{OBJECTIVE}.{key}={value}" for key, value in chosen.items() if key != "text"]
    run = [f"steps={steps}", f"seed={seed}", f"output={folder}", "device=cpu", f"precision={precision}"]
    trained = loreweave("pretrain", "minilm/contrastive-knowledge", *changes, *run, "--overwrite")
    ranks = folder / "ranks"
    asked = ["--model", str(folder), "--data", str(graph), "--output", str(ranks), "--precision", precision, "--device", "cpu"]
    protocol = ["protocol=grail"] if name.startswith("grail") else []
    ranked = loreweave("evaluate", "link-prediction", *asked, *protocol, "--overwrite")
    found = read_json(ranks / "results.json")
    numbers = " | ".join(f"{100 * found[metric]:.1f}" for metric in METRICS)
    return f"| {name} | {condition} | {seed} | {steps} | {trained / 60:.1f} | {ranked / 60:.1f} | {numbers} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graphs", nargs="+", choices=GRAPHS, default=["wn18rr", "fb15k237"])
    parser.add_argument("--conditions", nargs="+", choices=CONDITIONS, default=list(CONDITIONS))
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--momentum", type=float, default=QUEUE["momentum"], help="lower for a short run")
    parser.add_argument("--triples", type=int, default=0, help="number of test triples; 0: all")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--output", type=Path, default=REPOSITORY / "runs" / "momentum")
    arguments = parser.parse_args()
    print("| graph | condition | seed | steps | CPU minutes | ranking | MRR | Hits@1 | Hits@3 | Hits@10 |")
    print("|---" * 10 + "|", flush=True)
    for name in arguments.graphs:
        graph = graph_folder(name, arguments.triples)
        for condition in arguments.conditions:
            chosen = settings(graph, condition, arguments.momentum)
            for seed in arguments.seeds:
                print(row(name, graph, condition, seed, chosen, arguments.minutes, arguments.output), flush=True)


if __name__ == "__main__":
    main()
