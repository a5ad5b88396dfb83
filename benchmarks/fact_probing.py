"""Which facts do encoders know after short pre-training? Facts of FB15k-237 and CoDEx-S, asked with one template per relation.

    python benchmarks/fact_probing.py --starts words types --seeds 0 1 2
    python benchmarks/fact_probing.py --starts entities --seeds 0 --steps 120 --heads words entities

Starts are those of `knowledge_starts.py` (MiniLM after `--steps` updates with masked words, and with other objectives beside
them); they are trained if they are not there. Facts are those of the test split of FB15k-237 and of all splits of CoDEx-S whose
entities have labels, at most `--max-facts` per relation. Results are kept in `LOREWEAVE_CHECKPOINTS/facts`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from knowledge_starts import Budget, start
from transformers import AutoModelForMaskedLM, AutoTokenizer, pipeline

import loreweave
from checkpoints import DATA, STORE, graph
from loreweave.build.facts import FactPolicy, facts_of_graph
from loreweave.corpus.files.reading import read_json
from loreweave.corpus.files.writing import write_json_lines
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.corpus.knowledge.relation_templates import BUNDLED_TEMPLATES, read_templates
from loreweave.encoding.model_names import resolve

FACTS = STORE / "facts"
CANDIDATES = ("vocabulary", "objects")
SHOWN = ("p_at_1", "p_at_10", "mrr", "macro_p_at_1")
BASELINE = {"p_at_1": "majority_p_at_1", "mrr": "majority_mrr", "macro_p_at_1": "macro_majority_p_at_1"}


def codex() -> KnowledgeGraph:
    """CoDEx-S among the entities whose labels are there (1,210 of 2,034)."""
    folder = DATA / "kg_codex"
    with gzip.open(folder / "entity_labels_partial.tsv.gz", "rt", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    labels = {row[0]: row[1] for row in rows if len(row) > 1 and row[1].strip()}
    read: dict[str, list[list[str]]] = {}
    for split in ("train", "valid", "test"):
        with gzip.open(folder / "codex-s" / f"{split}.txt.gz", "rt", encoding="utf-8") as file:
            read[split] = [line.split() for line in file if line.strip()]
    named = json.loads((folder / "relations_en.json").read_text(encoding="utf-8"))
    kept = {split: [triple for triple in rows if triple[0] in labels and triple[2] in labels] for split, rows in read.items()}
    entities = {id: row for row, id in enumerate(sorted({end for rows in kept.values() for h, _, t in rows for end in (h, t)}))}
    relations = {id: row for row, id in enumerate(sorted({triple[1] for rows in kept.values() for triple in rows}))}
    return KnowledgeGraph.from_parts(
        [GraphEntity(id, labels[id]) for id in entities],
        [GraphRelation(id, named[id]["label"]) for id in relations],
        {split: [[entities[h], relations[r], entities[t]] for h, r, t in rows] for split, rows in kept.items()},
    )


def facts(name: str, most: int) -> Path:
    """Questions about a graph."""
    path = FACTS / f"{name}-{most}.jsonl"
    if not path.exists():
        found = KnowledgeGraph.load(graph("fb15k237")) if name == "fb15k237" else codex()
        policy = FactPolicy(splits=("test",) if name == "fb15k237" else (), most_facts=most)
        report = facts_of_graph(found, read_templates(BUNDLED_TEMPLATES), policy)
        print(f"{name}: {len(report.rows)} facts, {dict(report.counts)}", flush=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json_lines(path, report.rows)
    return path


def measured(model: str, data: Path, folder: Path, head: str, candidates: str, batch_size: int) -> dict[str, Any]:
    """Results of one model on one file."""
    if not (folder / "results.json").exists():
        loreweave.evaluate(
            "fact-probing", model, f"head={head}", f"candidates={candidates}", "filtered_aliases=false", data=data,
            output=folder, device="cpu", batch_size=batch_size, report=lambda line: None,
        )  # fmt: skip
    results: dict[str, Any] = read_json(folder / "results.json")
    return results


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", nargs="+", default=["words", "types"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--heads", nargs="+", default=["words"])
    parser.add_argument("--data", nargs="+", default=["fb15k237", "codex-s"])
    parser.add_argument("--max-facts", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument(
        "--speed", metavar="MODEL", help="only compare the speed of answers with transformers' fill-mask pipeline"
    )
    given = parser.parse_args()
    if given.speed:
        print("\n".join(speed(given.speed, facts("fb15k237", given.max_facts))))
        return
    found: dict[tuple[str, str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for name in given.starts:
        for seed in given.seeds:
            model = str(start(name, seed, Budget(given.steps)))
            for data in given.data:
                for head in given.heads:
                    for candidates in CANDIDATES:
                        folder = FACTS / f"{name}-{given.steps}-{seed}-{data}-{given.max_facts}-{head}-{candidates}"
                        row = measured(model, facts(data, given.max_facts), folder, head, candidates, given.batch_size)
                        found[data, head, candidates, name].append(row)
                        print(folder.name, {key: round(100 * row[key], 1) for key in SHOWN}, flush=True)
    print("\n| facts | head | candidates | start | asked of read | " + " | ".join(SHOWN) + " |")
    print("|---|---|---|---|---|" + "---|" * len(SHOWN))
    shown: set[tuple[str, str]] = set()
    for (data, head, candidates, name), rows in sorted(found.items(), key=lambda item: item[0][:2]):
        asked = f"{rows[0]['records']:,} of {rows[0]['read']:,}"
        if (data, head) not in shown:
            baseline = [f"{100 * rows[0][BASELINE[key]]:.1f}" if key in BASELINE else "" for key in SHOWN]
            print(f"| {data} | {head} | | majority | {asked} | " + " | ".join(baseline) + " |")
            shown.add((data, head))
        cells = [_cell([100 * row[key] for row in rows]) for key in SHOWN]
        print(f"| {data} | {head} | {candidates} | {name} ({len(rows)}) | {asked} | " + " | ".join(cells) + " |")


def speed(model: str, data: Path, questions: int = 400) -> list[str]:
    """Questions per second of CPU time on one thread, by `predict` and by the pipeline on the same weights; equal answers."""
    torch.set_num_threads(1)
    rows = [json.loads(line) for line in data.read_text(encoding="utf-8").splitlines()]
    texts = [row["template"].replace("[X]", row["subject"]).replace("[Y]", "[MASK]") for row in rows[:: len(rows) // questions]]
    predictor = loreweave.load(model, task="fact-probing", device="cpu", settings={"top": 5})
    folder = resolve(model)
    words = AutoTokenizer.from_pretrained(folder)
    fill: Any = pipeline("fill-mask", model=AutoModelForMaskedLM.from_pretrained(folder), tokenizer=words, device="cpu")
    asked = [text.replace("[MASK]", words.mask_token) for text in texts]
    ways: dict[str, Callable[[], Any]] = {
        "loreweave": lambda: predictor.predict(texts),
        "pipeline, batch_size=32": lambda: fill(asked, top_k=5, batch_size=32),
        "pipeline": lambda: fill(asked, top_k=5),
    }
    lines, answers = [], {}
    for name, answer in ways.items():
        begun = time.process_time()
        answers[name] = answer()
        lines.append(f"{name}: {len(texts) / (time.process_time() - begun):.0f} questions per second")
    pairs = list(zip(answers["loreweave"], answers["pipeline"], strict=True))
    same = all(
        abs(o["probability"] - t["score"]) < 1e-5
        for ours, theirs in pairs
        for o, t in zip(ours[0]["predicted"], theirs, strict=True)
    )
    return [*lines, f"equal probabilities: {same}"]


def _cell(values: list[float]) -> str:
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread}"


if __name__ == "__main__":
    main()
