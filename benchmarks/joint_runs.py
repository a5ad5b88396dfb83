"""Does one run over text and graph help? Masked words, masked entities and knowledge together, against each without the others.

    python benchmarks/joint_runs.py [--conditions joint-words ...]
    python benchmarks/entity_typing.py --sets wikidata --conditions joint-words joint-words-knowledge ...   # the typing half

Text is text_wikispeedia without its reserved titles, the graph FB15k-237's training triples; 778 of its entities are linked
there by their label. `checkpoints.py` makes the conditions: 400 steps each, of 32 windows of 64 sub-words and of 48 triples,
for those that read windows or triples; from MiniLM's stage 1 of masked words, from the LUKE's stage 1, or (joint-knowledge)
from MiniLM. `joint-all` also trains LUKE's own entity embeddings on the triples among the linked entities. This script ranks
the test triples of FB15k-237 (all entities as candidates), and of the linked part. A condition that read no graph is ranked as
an encoder without a head: TransE over mean states of the same texts.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from checkpoints import JOINT, REPOSITORY, build, graph
from loreweave.corpus.files.reading import read_json

UNTRAINED = ["untrained=true", "scorer=transe_l1", "pooling=mean", "max_length=32"]
UNTRAINED += ["text=label_description", "relation_text=label"]  # as the trained ones read
METRICS = ("mrr", "hits_at_1", "hits_at_3", "hits_at_10")


def rankings(condition: str) -> dict[str, tuple[str, list[str]]]:
    """Row of the table -> graph, settings."""
    knowledge = JOINT[condition][1]
    texts = ["objective=contrastive_knowledge"] if knowledge else UNTRAINED
    rows = {f"{condition}: texts": ("fb15k237", texts), f"{condition}: texts, linked": ("fb15k237-linked", texts)}
    if "knowledge_embedding" in knowledge:
        rows[f"{condition}: own rows, linked"] = ("fb15k237-linked", ["objective=knowledge_embedding"])
    return rows


def evaluate(model: Path, data: Path, settings: list[str], output: Path) -> dict[str, Any]:
    """The results of `loreweave evaluate link-prediction`, from disk where they are there."""
    if not (output / "results.json").exists():
        command = [sys.executable, "-m", "loreweave", "evaluate", "link-prediction", "--model", str(model), "--data", str(data)]
        command += ["--output", str(output), "--precision", "bf16", "--device", "cpu", *settings]
        print(" ".join(command), file=sys.stderr)
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "src")}
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    results: dict[str, Any] = read_json(output / "results.json")
    return results


def main() -> None:
    """Build what is missing, rank, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conditions", nargs="+", choices=JOINT, default=list(JOINT))
    parser.add_argument("--output", type=Path, default=REPOSITORY / "runs" / "joint")
    arguments = parser.parse_args()
    lines = ["| condition: what is ranked | MRR | Hits@1 | Hits@3 | Hits@10 |", "|---|---|---|---|---|"]
    for condition in arguments.conditions:
        model = build(condition)
        for row, (name, settings) in rankings(condition).items():
            output = arguments.output / row.replace(": ", "/").replace(", ", "-").replace(" ", "-")
            found = evaluate(model, graph(name), settings, output)
            lines.append(f"| {row} | " + " | ".join(f"{100 * found[metric]:.1f}" for metric in METRICS) + " |")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
