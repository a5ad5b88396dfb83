"""When does knowledge help? The same encoder after equal steps with different objectives, and what its frozen states know.

    python benchmarks/knowledge_starts.py --starts words types types-shuffled --seeds 0 1 2
    python benchmarks/knowledge_starts.py --encoder encoders/mpnet-base --starts plain words types --steps 150
    python benchmarks/knowledge_starts.py --starts words types --learning-rate 1e-4
    python benchmarks/knowledge_starts.py --table

Every start is the recipe minilm/knowledge with other objectives beside masked words. A name with `-shuffled` is its control
without knowledge. `descriptions` is `graph` with other triples: from the name of each entity to its description. The encoder
(default: MiniLM) is trained for `--steps` updates of 32 windows (500 of MiniLM: about 15 minutes of one CPU core), then
measured by `loreweave probe`. Windows are those of text_wikispeedia without its reserved titles, 64 sub-words long, with
later mentions of linked names linked too. Runs and probes are kept in `LOREWEAVE_CHECKPOINTS` and taken from there, so that
the table can be made in several sittings. `--encoder` is the folder of another encoder. Its runs lie in folders with its
name, so two encoders need different names. `--table` needs the same `--encoder`, `--steps` and `--learning-rate`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from shuffled_knowledge import names_and_descriptions, shuffle_links, shuffle_tails
from transformers import AutoTokenizer

import loreweave
from checkpoints import DATA, ENTITIES, STORE, WINDOW, graph, is_built, pretraining_set
from loreweave.build.added_links import link_repeats
from loreweave.build.entity_types import types_of_categories
from loreweave.build.pretraining_set import build_pretraining_set, open_pretraining_set
from loreweave.corpus.files.reading import read_json
from loreweave.corpus.knowledge.entity_types import write_entity_types
from loreweave.corpus.wikispeedia import category_name, read_reserved_titles, read_wikispeedia
from loreweave.encoding.model_names import resolve
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.run import run
from loreweave.training.settings.configuration import fill
from loreweave.training.settings.recipes import load_recipe

MINILM = "minilm"
RATE = 3e-4
"""Learning rate of most tables of types_from_links.md."""
KINDS = ("types", "relations", "types+relations", "triples", "graph", "descriptions", "entities")
ORDER = ["plain", "words", *(name for kind in KINDS for name in (kind, f"{kind}-shuffled")), "latent", "all"]
SETTINGS = ["labels=10,50,200,1000", "draws=5", "episodes=2000"]
PROBES = {"probes": SETTINGS, "relation-probes": [*SETTINGS, "probes=relations"]}
"""Folder of the scores -> settings of `loreweave probe`: FewRel, GUM and CrossNER; SemEval and KnowledgeNet."""


def texts() -> list[Any]:
    """The articles that are not reserved."""
    folder = DATA / "text_wikispeedia"
    return list(read_wikispeedia(folder / "articles.jsonl.xz", read_reserved_titles(folder / "reserved_titles.txt")))


def folder_of(name: str, encoder: str) -> Path:
    """Folder of what was made for an encoder: `name` for MiniLM, `name-ENCODER` for another."""
    return STORE / (name if encoder == MINILM else f"{name}-{Path(encoder).name}")


def windows(encoder: str = MINILM, shuffled: bool = False) -> Path:
    """Windows of 64 sub-words in which every place of a linked name is linked; the vocabulary is that of the links.

    With `shuffled`, the linked entities are random: the control of masked entities.
    """
    path = folder_of("wikispeedia-shuffled" if shuffled else "wikispeedia-repeats", encoder)
    if not path.exists():
        vocabulary = open_pretraining_set(pretraining_set()).vocabulary
        assert vocabulary is not None
        linked = link_repeats(texts())
        linked = shuffle_links(linked, seed=0) if shuffled else linked
        tokenizer = AutoTokenizer.from_pretrained(resolve(encoder))
        build_pretraining_set(linked, tokenizer, vocabulary, path, max_length=WINDOW, max_entities=24)
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
    mentions = load_recipe("minilm/knowledge").config["objectives"]["entity_types"] | {"types": types()} | shuffled
    pairs = load_recipe("minilm/entity-relations").config["objectives"]["entity_relations"] | {"types": None} | shuffled
    latent = load_recipe("minilm/latent-typing").config["objectives"]["latent_typing"]
    found: dict[str, Callable[[], dict[str, Any]]] = {
        "words": dict,
        "types": lambda: {"entity_types": mentions},
        "relations": lambda: {"entity_relations": pairs | {"types": types()}},
        "types+relations": lambda: {"entity_types": mentions, "entity_relations": pairs | {"types": types()}},
        "triples": lambda: {"entity_relations": pairs | {"graph": str(graph("fb15k237-linked"))}},
        "graph": lambda: {"contrastive_knowledge": over_graph(control)},
        "descriptions": lambda: {"contrastive_knowledge": over_descriptions(control)},
        "latent": lambda: {"latent_typing": latent},
        "entities": lambda: {"masked_entities": {}},
        "all": lambda: objectives("types+relations") | objectives("graph") | objectives("latent"),
    }
    return found[kind]()


def over_graph(control: str = "") -> dict[str, Any]:
    """Settings of the contrastive objective over FB15k-237; a control has random tails."""
    folder = graph("fb15k237")
    return contrast(shuffle_tails(folder, STORE / "fb15k237-shuffled", seed=0) if control else folder)


def over_descriptions(control: str = "") -> dict[str, Any]:
    """The same over names and descriptions of FB15k-237's entities; in a control, names have random descriptions."""
    name = "fb15k237-descriptions" + ("-shuffled" if control else "")
    return contrast(names_and_descriptions(graph("fb15k237"), STORE / name, seed=0 if control else None))


def contrast(folder: Path) -> dict[str, Any]:
    """Settings of the contrastive objective over a graph."""
    settings: dict[str, Any] = load_recipe("minilm/contrastive-knowledge").config["objectives"]["contrastive_knowledge"]
    return settings | {"graph": str(folder)}


@dataclass(frozen=True)
class Budget:
    """What all starts of a table have in common.

    Attributes:
        steps: number of updates.
        encoder: what is trained, as in `--model`.
        learning_rate: learning rate of the encoder.
    """

    steps: int
    encoder: str = MINILM
    learning_rate: float = RATE

    @property
    def folder(self) -> Path:
        """Folder of the runs and probes."""
        return folder_of("starts" if self.learning_rate == RATE else f"starts-{self.learning_rate:g}", self.encoder)


def start(name: str, seed: int, budget: Budget) -> Path:
    """The model of a start, trained where it is not there: the recipe minilm/knowledge with other objectives."""
    encoder, steps = budget.encoder, budget.steps
    if name == "plain":
        return resolve(encoder)
    asked = objectives(name)
    recipe = load_recipe("minilm/knowledge").config
    luke = ENTITIES if "masked_entities" in asked else {}
    values = {
        **recipe,
        **luke,
        "model": encoder,
        "data": [str(windows(encoder, shuffled=name == "entities-shuffled"))],
        "objectives": {"masked_words": recipe["objectives"]["masked_words"]} | asked,
        "word_only": not luke,
        "output": str(budget.folder / f"{name}-{steps}-{seed}"),
        "steps": steps,
        "optimizer": recipe["optimizer"] | {"learning_rate": budget.learning_rate},
        "schedule": {"name": "linear", "warmup_steps": steps // 10},
        "seed": seed,
        "device": "cpu",
    }
    config = fill(PretrainingConfig, values)
    if not is_built(Path(config.output), config):
        run(config, overwrite=True)
    return Path(config.output) / "model"


def probe(name: str, seed: int, budget: Budget) -> None:
    """Measure a start; it is trained first where its model is not there."""
    for kind, settings in PROBES.items():
        folder = budget.folder / f"{kind}-{name}-{budget.steps}-{seed}"
        if not (folder / "results.json").exists():
            loreweave.probe(str(start(name, seed, budget)), *settings, output=folder, device="cpu", overwrite=True)


def probed(budget: Budget) -> Iterator[tuple[str, int, list[dict[str, Any]]]]:
    """Name and seed of each start that was measured with a budget, and the scores of one kind of probes."""
    for kind in PROBES:
        for path in sorted(budget.folder.glob(f"{kind}-*-{budget.steps}-*/results.json")):
            name, _, seed = path.parent.name.removeprefix(f"{kind}-").rsplit("-", 2)
            yield name, int(seed), read_json(path)["scores"]


def table(budget: Budget) -> list[str]:
    """A row per number, a column per start: mean and spread over the seeds of pre-training."""
    scores: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    seeds: dict[str, set[int]] = defaultdict(set)
    for name, seed, rows in probed(budget):
        seeds[name].add(seed)
        for row in rows:
            scores[row["data"], row["what"]][name].append(100 * row["score"])
    names = sorted(seeds, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    heads = [f"{name} ({len(seeds[name])})" for name in names]
    lines = ["| data | from | " + " | ".join(heads) + " |", "|---|---|" + "---|" * len(names)]
    for (data, what), row in scores.items():
        lines.append(f"| {data} | {what} | " + " | ".join(_cell(row[name]) for name in names) + " |")
    return lines


def _cell(found: list[float]) -> str:
    spread = f" ± {statistics.stdev(found):.1f}" if len(found) > 1 else ""
    return f"{statistics.mean(found):.1f}{spread}" if found else ""


def labels_needed(curve: dict[int, float], score: float) -> float | None:
    """Number of labels at which a curve reaches a score: linear in the logarithm of the number; None beyond its end."""
    points = sorted(curve.items())
    for (less, low), (more, high) in pairwise(points):
        if low < score <= high:
            return float(less * (more / less) ** ((score - low) / (high - low)))
    return None


def saved(budget: Budget, better: str, baseline: str) -> list[str]:
    """For each data set: the labels that `better` needs for the score that `baseline` has with 50, 200 and 1,000 labels."""
    curves: dict[str, dict[str, dict[int, list[float]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for name, _, rows in probed(budget):
        for row in rows if name in (better, baseline) else []:
            if row["probe"] != "few_shot":
                curves[row["data"]][name][row["number"]].append(row["score"])
    lines = [f"| data | labels of {baseline} | labels of {better} for the same score | share |", "|---|---|---|---|"]
    for data, by_start in curves.items():
        means = {name: {count: statistics.mean(found) for count, found in curve.items()} for name, curve in by_start.items()}
        for count in (50, 200, 1000):
            score = means.get(baseline, {}).get(count)
            needed = None if score is None else labels_needed(means.get(better, {}), score)
            if needed is not None:
                lines.append(f"| {data} | {count:,} | {needed:,.0f} | {needed / count:.0%} |")
    return lines


def main() -> None:
    """Train and probe what is missing, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default=MINILM)
    parser.add_argument("--starts", nargs="+", default=["plain", "words", "types", "types-shuffled"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--learning-rate", type=float, default=RATE, help="of the encoder")
    parser.add_argument("--table", action="store_true", help="print the table of what is there")
    arguments = parser.parse_args()
    budget = Budget(arguments.steps, arguments.encoder, arguments.learning_rate)
    if not arguments.table:
        for seed in arguments.seeds:
            for name in arguments.starts:
                probe(name, 0 if name == "plain" else seed, budget)
                print(f"{name}, seed {seed}: done", file=sys.stderr)
    print("\n".join([*table(budget), "", *saved(budget, "types", "words")]))


if __name__ == "__main__":
    main()
