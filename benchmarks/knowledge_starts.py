"""When does knowledge help? The same encoder after equal steps with different objectives, and what its frozen states know.

    python benchmarks/knowledge_starts.py --starts words types types-shuffled --seeds 0 1 2
    python benchmarks/knowledge_starts.py --table

All starts go on from one base: MiniLM after 300 updates of masked words, in which its new head is learned. Windows are those of
text_wikispeedia without its reserved titles, 64 sub-words long, with later mentions of linked names linked too. A start is
trained for `--steps` updates of 32 windows (500: about 15 minutes of one CPU core), then measured by `loreweave probe`. Runs
and probes are kept in `LOREWEAVE_CHECKPOINTS` and taken from there, so that the table can be made in several sittings.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

import loreweave
from checkpoints import DATA, ENTITIES, STORE, WINDOW, graph, pretraining_set, trained
from loreweave.build.added_links import link_repeats
from loreweave.build.entity_types import types_of_categories
from loreweave.build.pretraining_set import build_pretraining_set, open_pretraining_set
from loreweave.corpus.entity_types import write_entity_types
from loreweave.corpus.files.reading import read_json
from loreweave.corpus.wikispeedia import category_name, read_reserved_titles, read_wikispeedia
from loreweave.encoding.model_names import resolve
from loreweave.training.settings.recipes import load_recipe

RATE = 3e-4
HEAD_FACTOR = 10.0
BASE_STEPS = 300
PROBES = ["labels=10,50,200,1000", "draws=5", "episodes=2000"]


def texts() -> list[Any]:
    """The articles that are not reserved."""
    folder = DATA / "text_wikispeedia"
    return list(read_wikispeedia(folder / "articles.jsonl.xz", read_reserved_titles(folder / "reserved_titles.txt")))


def windows() -> Path:
    """Windows of 64 sub-words in which every place of a linked name is linked; the vocabulary is that of the links."""
    path = STORE / "wikispeedia-repeats"
    if not path.exists():
        vocabulary = open_pretraining_set(pretraining_set()).vocabulary
        assert vocabulary is not None
        tokenizer = AutoTokenizer.from_pretrained(resolve("minilm"))
        build_pretraining_set(link_repeats(texts()), tokenizer, vocabulary, path, max_length=WINDOW, max_entities=24)
    return path


def types() -> str:
    """Types of the linked entities: the categories of their articles."""
    path = STORE / "wikispeedia-types.jsonl"
    if not path.exists():
        write_entity_types(path, types_of_categories(texts(), category_name).types)
    return str(path)


def objectives(start: str) -> dict[str, Any]:
    """Objectives of a start beside masked words."""
    kind, _, control = start.partition("-")
    shuffled = {"shuffled": True} if control == "shuffled" else {}
    contrastive = load_recipe("minilm/contrastive-knowledge").config["objectives"]["contrastive_knowledge"]
    latent = load_recipe("minilm/latent-typing").config["objectives"]["latent_typing"]
    found: dict[str, dict[str, Any]] = {
        "words": {},
        "types": {"entity_types": {"types": types(), "weight": 0.5} | shuffled},
        "relations": {"entity_relations": {"types": types(), "weight": 0.5} | shuffled},
        "triples": {"entity_relations": {"graph": str(graph("fb15k237-linked")), "weight": 0.5} | shuffled},
        "graph": {"contrastive_knowledge": contrastive | {"graph": str(graph("fb15k237"))}},
        "latent": {"latent_typing": latent},
        "entities": {"masked_entities": {}},
    }
    found["all"] = found["types"] | found["relations"] | found["graph"] | found["latent"]
    return found[kind]


def train(name: str, model: Path, steps: int, asked: dict[str, Any], changes: dict[str, Any]) -> Path:
    """The model of a run of masked words with other objectives, trained where it is not there."""
    settings = load_recipe("minilm/pretraining-2").config
    values: dict[str, Any] = {
        "data": [str(windows())],
        "objectives": {"masked_words": settings["objectives"]["masked_words"]} | asked,
        "word_only": "masked_entities" not in asked,
    }
    return trained(f"starts/{name}", "minilm/pretraining-2", str(model), steps, values | ENTITIES | changes)


def rates(**factors: float) -> dict[str, Any]:
    """Settings of the optimizer, with higher rates for new heads."""
    optimizer = load_recipe("minilm/pretraining-2").config["optimizer"]
    return {"optimizer": optimizer | {"learning_rate": RATE, "rate_factors": factors}}


def start(name: str, seed: int, steps: int, **changes: Any) -> Path:
    """The model of a start."""
    if name == "plain":
        return resolve("minilm")
    base = train("base", resolve("minilm"), BASE_STEPS, {}, rates(**{"cls.predictions.transform": HEAD_FACTOR}))
    asked = objectives(name)
    factors = {"extra_heads": HEAD_FACTOR} if set(asked) - {"masked_entities"} else {}
    return train(f"{name}-{steps}-{seed}", base, steps, asked, rates(**factors) | {"seed": seed} | changes)


def probed(name: str, seed: int, steps: int) -> list[dict[str, Any]]:
    """Scores of a start."""
    folder = STORE / "starts" / f"probes-{name}-{steps}-{seed}"
    if not (folder / "results.json").exists():
        loreweave.probe(str(start(name, seed, steps)), *PROBES, output=folder, device="cpu", overwrite=True)
    found: list[dict[str, Any]] = read_json(folder / "results.json")["scores"]
    return found


def table(steps: int) -> list[str]:
    """A row per start: mean and spread over the seeds of pre-training."""
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for folder in sorted((STORE / "starts").glob("probes-*")):
        name, budget, _ = folder.name.removeprefix("probes-").rsplit("-", 2)
        if (folder / "results.json").exists() and (name == "plain" or int(budget) == steps):
            for row in read_json(folder / "results.json")["scores"]:
                scores[name][f"{row['data']} {row['what']}"].append(100 * row["score"])
    columns = list(dict.fromkeys(column for row in scores.values() for column in row))
    lines = ["| start | seeds | " + " | ".join(columns) + " |", "|---|---|" + "---|" * len(columns)]
    for name, row in scores.items():
        cells = [_cell(row[column]) for column in columns]
        lines.append(f"| {name} | {max(map(len, row.values()))} | " + " | ".join(cells) + " |")
    return lines


def _cell(found: list[float]) -> str:
    spread = f" ± {statistics.stdev(found):.1f}" if len(found) > 1 else ""
    return f"{statistics.mean(found):.1f}{spread}" if found else ""


def main() -> None:
    """Train and probe what is missing, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", nargs="+", default=["plain", "words", "types", "types-shuffled"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--table", action="store_true", help="print the table of what is there")
    arguments = parser.parse_args()
    if not arguments.table:
        for seed in arguments.seeds:
            for name in arguments.starts:
                probed(name, 0 if name == "plain" else seed, arguments.steps)
                print(f"{name}, seed {seed}: done", file=sys.stderr)
    print("\n".join(table(arguments.steps)))


if __name__ == "__main__":
    main()
