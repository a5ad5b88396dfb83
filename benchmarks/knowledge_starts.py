"""When does knowledge help? The same encoder after equal steps with different objectives, and what its frozen states know.

    python benchmarks/knowledge_starts.py --starts words types types-shuffled --seeds 0 1 2
    python benchmarks/knowledge_starts.py --encoder encoders/mpnet-base --starts plain words types --steps 150
    python benchmarks/knowledge_starts.py --starts words@3e-5 types@1e-4 --seeds 0 1 2
    python benchmarks/knowledge_starts.py --table [--starts words@3e-5 words@1e-4 types@1e-4]

Every start is the recipe minilm/knowledge with other objectives beside masked words. A name with `-shuffled` is its control
without knowledge; `types0.25` are types with the weight 0.25. The learning rate of the encoder is 3e-4; `types@1e-4` is
trained with another. `descriptions` is `graph` with other triples: from the name of each entity to its description. The
encoder (default: MiniLM) is trained for `--steps` updates of 32 windows (500 of MiniLM: about 15 minutes of one CPU core),
then measured by `loreweave probe`. Windows are those of text_wikispeedia without its reserved titles, 64 sub-words long,
with later mentions of linked names linked too.
Runs and probes are kept in `LOREWEAVE_CHECKPOINTS` and taken from there, so that the table can be made in several sittings.
`--encoder` is the folder of another encoder. Its runs lie in folders with its name, so two encoders need different names.
`--table` needs the same `--encoder` and `--steps`. Without `--starts`, it has all starts with the learning rate 3e-4. Below
it are the numbers of labels that `--better` needs for the best score of `--than`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
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
RATE = "3e-4"
"""Learning rate of a start without `@`."""
KINDS = ("types", "relations", "types+relations", "types0.25+relations", "triples", "graph", "descriptions", "entities")
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
    pairs = load_recipe("minilm/knowledge").config["objectives"]["entity_relations"] | {"types": None} | shuffled
    latent = load_recipe("minilm/latent-typing").config["objectives"]["latent_typing"]
    found: dict[str, Callable[[], dict[str, Any]]] = {
        "words": dict,
        "types": lambda: {"entity_types": mentions},
        "relations": lambda: {"entity_relations": pairs | {"types": types()}},
        "types+relations": lambda: {"entity_types": mentions, "entity_relations": pairs | {"types": types()}},
        "types0.25+relations": lambda: {
            "entity_types": mentions | {"weight": 0.25},
            "entity_relations": pairs | {"types": types()},
        },
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
    """

    steps: int
    encoder: str = MINILM

    def folder(self, name: str, seed: int, what: str = "") -> Path:
        """Folder of the run of a start, or of `what` was measured with it."""
        kind, rate = kind_and_rate(name)
        starts = folder_of("starts" if rate == float(RATE) else f"starts-{rate:g}", self.encoder)
        return starts / f"{what}{'-' if what else ''}{kind}-{self.steps}-{seed}"


def kind_and_rate(name: str) -> tuple[str, float]:
    """What a start is trained on, and its learning rate: `types` and .0001 of `types@1e-4`."""
    kind, _, rate = name.partition("@")
    return kind, float(rate or RATE)


def start(name: str, seed: int, budget: Budget) -> Path:
    """The model of a start, trained where it is not there: the recipe minilm/knowledge with other objectives."""
    encoder, steps = budget.encoder, budget.steps
    kind, rate = kind_and_rate(name)
    if kind == "plain":
        return resolve(encoder)
    asked = objectives(kind)
    recipe = load_recipe("minilm/knowledge").config
    luke = ENTITIES if "masked_entities" in asked else {}
    values = {
        **recipe,
        **luke,
        "model": encoder,
        "data": [str(windows(encoder, shuffled=kind == "entities-shuffled"))],
        "objectives": {"masked_words": recipe["objectives"]["masked_words"]} | asked,
        "word_only": not luke,
        "output": str(budget.folder(name, seed)),
        "steps": steps,
        "optimizer": recipe["optimizer"] | {"learning_rate": rate},
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
        folder = budget.folder(name, seed, kind)
        if not (folder / "results.json").exists():
            loreweave.probe(str(start(name, seed, budget)), *settings, output=folder, device="cpu", overwrite=True)


def measured(names: Sequence[str], budget: Budget) -> dict[str, dict[int, list[dict[str, Any]]]]:
    """Scores of each start by the seed of pre-training; starts that were not measured are left out."""
    found: dict[str, dict[int, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for name in names:
        for probes in PROBES:
            pattern = budget.folder(name, 0, probes)
            for path in sorted(pattern.parent.glob(f"{pattern.name.removesuffix('0')}*/results.json")):
                found[name][int(path.parent.name.rpartition("-")[2])] += read_json(path)["scores"]
    return found


def table(names: Sequence[str], budget: Budget) -> list[str]:
    """A row per number, a column per start: mean and spread over the seeds of pre-training."""
    starts = measured(names, budget)
    scores: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for name, seeds in starts.items():
        for row in (row for rows in seeds.values() for row in rows):
            scores[row["data"], row["what"]][name].append(100 * row["score"])
    heads = [f"{name} ({len(seeds)})" for name, seeds in starts.items()]
    lines = ["| data | from | " + " | ".join(heads) + " |", "|---|---|" + "---|" * len(starts)]
    for (data, what), of_start in scores.items():
        lines.append(f"| {data} | {what} | " + " | ".join(_cell(of_start[name]) for name in starts) + " |")
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


def saved(better: str, baselines: Sequence[str], budget: Budget) -> list[str]:
    """For each data set: the labels that `better` needs for the best score of the `baselines` with 50, 200 and 1,000 labels."""
    curves: dict[str, dict[str, dict[int, list[float]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for name, seeds in measured([better, *baselines], budget).items():
        for row in (row for rows in seeds.values() for row in rows if row["probe"] != "few_shot"):
            curves[row["data"]][name][row["number"]].append(row["score"])
    lines = [f"| data | labels of {' or '.join(baselines)} | labels of {better} for the same score | share |", "|---" * 4 + "|"]
    for data, by_start in curves.items():
        means = {name: {count: statistics.mean(found) for count, found in curve.items()} for name, curve in by_start.items()}
        for count in (50, 200, 1000):
            scores = [means[name][count] for name in baselines if count in means.get(name, {})]
            needed = labels_needed(means.get(better, {}), max(scores)) if scores else None
            if needed is not None:
                lines.append(f"| {data} | {count:,} | {needed:,.0f} | {needed / count:.0%} |")
    return lines


def main() -> None:
    """Train and probe what is missing, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default=MINILM)
    parser.add_argument("--starts", nargs="+", metavar="START[@RATE]", help=", ".join(ORDER))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--table", action="store_true", help="print the table of what is there")
    parser.add_argument("--better", default="types", metavar="START[@RATE]")
    parser.add_argument("--than", nargs="+", default=["words"], metavar="START[@RATE]")
    arguments = parser.parse_args()
    budget = Budget(arguments.steps, arguments.encoder)
    starts = arguments.starts or (ORDER if arguments.table else ["plain", "words", "types", "types-shuffled"])
    if not arguments.table:
        for seed in arguments.seeds:
            for name in starts:
                probe(name, 0 if name == "plain" else seed, budget)
                print(f"{name}, seed {seed}: done", file=sys.stderr)
    print("\n".join([*table(starts, budget), "", *saved(arguments.better, arguments.than, budget)]))


if __name__ == "__main__":
    main()
