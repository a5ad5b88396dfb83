"""Rebuild the checkpoints that the tables of benchmarks/*.md use: `python benchmarks/checkpoints.py NAME`.

Each takes at most 45 minutes on 2 CPU cores (fixed steps). They are kept in `LOREWEAVE_CHECKPOINTS` (default
`runs/checkpoints`) and taken from there when they are there already. Real text comes from `LOREWEAVE_DATA` (default
`../shared/data`); the titles in `text_wikispeedia/reserved_titles.txt` are never seen.

Names:
    luke-untrained     MiniLM made a LUKE, no step of pre-training
    luke-wikispeedia   the same after both stages: masked words + masked entities
    words-wikispeedia  plain MiniLM after the same steps on the same windows: masked words alone
    joint-*            from stage 1 of the two above, 400 steps: masked words alone (joint-words), with FB15k-237's texts
                       (joint-words-knowledge), with masked entities (joint-words-entities), with both and the graph over
                       LUKE's own entities (joint-all); joint-knowledge: the graph's texts alone, from MiniLM
    latent-typing      from stage 1 of words-wikispeedia, 1,400 steps of 16 sentences of text_wikispeedia and
                       text_public_domain: masked words + latent typing (recipe minilm/latent-typing)
    words-sentences    the same steps on the same sentences: masked words alone
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from loreweave.build.entity_vocabulary import build_entity_vocabulary
from loreweave.build.pretraining_set import build_pretraining_set, open_pretraining_set
from loreweave.build.text_blocks import build_text_blocks
from loreweave.checkpoints import luke_from_encoder
from loreweave.checkpoints.formats import hugging_face
from loreweave.corpus.exclusion import Exclusion
from loreweave.corpus.files.reading import read_json
from loreweave.corpus.graphs.building import GraphPolicy, build_graph
from loreweave.corpus.graphs.formats import find_graph
from loreweave.corpus.wikispeedia import read_reserved_titles, read_wikispeedia
from loreweave.encoding.model_names import resolve
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.run import run
from loreweave.training.settings.configuration import fill, to_dict
from loreweave.training.settings.recipes import load_recipe

REPOSITORY = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("LOREWEAVE_DATA", REPOSITORY.parent / "shared" / "data"))
STORE = Path(os.environ.get("LOREWEAVE_CHECKPOINTS", REPOSITORY / "runs" / "checkpoints"))

WINDOW = 64
STEPS = {"pretraining-1": 200, "pretraining-2": 1000}
BATCH = 32
ENTITIES = {"entities_start": "titles", "entity_embedding_size": 384}
WORDS_ONLY = {"word_only": True, "objectives": {"masked_words": {}}}
JOINT_STEPS, JOINT_RATE = 400, 3e-4
JOINT = {  # text objectives, objectives over the graph
    "joint-words": (["masked_words"], []),
    "joint-words-knowledge": (["masked_words"], ["contrastive_knowledge"]),
    "joint-words-entities": (["masked_words", "masked_entities"], []),
    "joint-all": (["masked_words", "masked_entities"], ["contrastive_knowledge", "knowledge_embedding"]),
    "joint-knowledge": ([], ["contrastive_knowledge"]),
}


def pretraining_set() -> Path:
    """Windows of 64 sub-words with at least one link, from the articles that are not reserved."""
    path = STORE / "wikispeedia-windows"
    if path.exists():
        return path
    folder = DATA / "text_wikispeedia"
    texts = list(read_wikispeedia(folder / "articles.jsonl.xz", read_reserved_titles(folder / "reserved_titles.txt")))
    vocabulary = build_entity_vocabulary(texts)
    report = build_pretraining_set(
        texts, AutoTokenizer.from_pretrained(resolve("minilm")), vocabulary, path, max_length=WINDOW, max_entities=24
    )
    print(report, file=sys.stderr)
    return path


def is_built(output: Path, config: PretrainingConfig) -> bool:
    """Whether a finished run with these very settings lies there (settings that are newer than the run have their defaults).

    A run stores the number format that `precision: auto` became.
    """
    if not (output / "results.json").exists():
        return False
    found, wanted = to_dict(fill(PretrainingConfig, read_json(output / "config.json"))), to_dict(config)
    return bool(found | ({"precision": "auto"} if config.precision == "auto" else {}) == wanted)


def graph(name: str) -> Path:
    """FB15k-237 (`fb15k237`), or its part among the entities that text_wikispeedia links to (`fb15k237-linked`)."""
    path = STORE / name
    if not path.exists():
        pretraining_set()
        within = STORE / "wikispeedia-windows" / "entity_vocab.jsonl" if name.endswith("-linked") else None
        report = build_graph(find_graph("fb15k237", DATA / "kg_fb15k237"), path, GraphPolicy(within_vocabulary=within))
        print({key: report[key] for key in ("entities", "triples", "left_out")}, file=sys.stderr)
    return path


def trained(name: str, recipe: str, model: str, steps: int, changes: dict[str, Any]) -> Path:
    """The model of a run, which is made where it is not there."""
    output = STORE / name
    values = load_recipe(recipe).config | {"data": [str(pretraining_set())]} | changes
    values |= {"model": model, "output": str(output), "steps": steps, "dropout": 0.0, "device": "cpu"}
    values |= {"batch_size": BATCH, "micro_batch_size": BATCH, "max_words": WINDOW}
    values |= {"schedule": {"name": "linear", "warmup_steps": steps // 10}}
    config = fill(PretrainingConfig, values)
    if not is_built(output, config):
        run(config, overwrite=True)
    return output / "model"


def stage_one(name: str, changes: dict[str, Any]) -> Path:
    """New entity modules and heads, from MiniLM."""
    steps = STEPS["pretraining-1"]
    return trained(f"{name}-pretraining-1", "minilm/pretraining-1", str(resolve("minilm")), steps, changes | ENTITIES)


def two_stages(name: str, changes: dict[str, Any]) -> Path:
    """Both stages of the recipe `minilm` with this file's steps."""
    start, steps = stage_one(name, changes), STEPS["pretraining-2"]
    return trained(f"{name}-pretraining-2", "minilm/pretraining-2", str(start), steps, changes | ENTITIES)


def sentences() -> list[str]:
    """The sentences of both plain texts, each a window; wikispeedia's articles that are reserved are left out."""
    reserved = read_reserved_titles(DATA / "text_wikispeedia" / "reserved_titles.txt")
    texts = {
        "wikispeedia-sentences": (DATA / "text_wikispeedia" / "articles.jsonl.xz", False),
        "public-domain-sentences": (DATA / "text_public_domain" / "texts.jsonl.xz", True),
    }
    for name, (file, unwrap) in texts.items():
        if not (STORE / name).exists():
            report = build_text_blocks(
                [file], AutoTokenizer.from_pretrained(resolve("minilm")), STORE / name, break_mode="eos", max_length=128,
                split_long_lines=True, sentences="en", unwrap=unwrap, exclude=Exclusion(reserved),
            )  # fmt: skip
            print(name, report, file=sys.stderr)
    return [str(STORE / name) for name in texts]


def latent_typing(name: str) -> Path:
    """A condition of the few-shot table: the recipe minilm/latent-typing, with or without latent typing."""
    output, config = STORE / name, load_recipe("minilm/latent-typing").config
    objectives = config["objectives"] | ({} if name == "latent-typing" else {"latent_typing": None})
    values = config | {"data": sentences(), "objectives": objectives, "output": str(output), "device": "cpu"}
    filled = fill(PretrainingConfig, values | {"model": str(stage_one("words-wikispeedia", WORDS_ONLY))})
    if not is_built(output, filled):
        run(filled, overwrite=True)
    return output / "model"


def joint(name: str) -> Path:
    """A condition of `joint_runs.py`: the same windows and steps for all that read windows, the same triples likewise."""
    text, knowledge = JOINT[name]
    settings = load_recipe("minilm/pretraining-2").config
    contrastive = load_recipe("minilm/contrastive-knowledge").config["objectives"]["contrastive_knowledge"]
    over_graphs = {
        "contrastive_knowledge": contrastive | {"graph": str(graph("fb15k237"))},
        "knowledge_embedding": {
            "graph": str(graph("fb15k237-linked")), "entities": "vocabulary", "scorer": "distmult", "weight": 1.0,
            "loss": "cross_entropy", "negatives_from": "all", "micro_batch_size": 256,
        },
    }  # fmt: skip
    changes: dict[str, Any] = {
        "objectives": {task: settings["objectives"][task] for task in text} | {task: over_graphs[task] for task in knowledge},
        "optimizer": settings["optimizer"] | {"learning_rate": JOINT_RATE, "rate_factors": {"extra_heads": 10.0}},
        "word_only": "masked_entities" not in text,
    }
    if not text:
        return trained(name, "minilm/pretraining-2", str(resolve("minilm")), JOINT_STEPS, changes | {"data": []})
    start = stage_one(*(("words-wikispeedia", WORDS_ONLY) if changes["word_only"] else ("luke-wikispeedia", {})))
    return trained(name, "minilm/pretraining-2", str(start), JOINT_STEPS, changes)


def build(name: str) -> Path:
    """The folder of a checkpoint, built when it is not there."""
    if name == "luke-wikispeedia":
        return two_stages(name, {})
    if name == "words-wikispeedia":
        return two_stages(name, WORDS_ONLY)
    if name in JOINT:
        return joint(name)
    if name in LATENT_TYPING:
        return latent_typing(name)
    path = STORE / name
    if not path.exists():
        vocabulary = open_pretraining_set(pretraining_set()).vocabulary
        assert vocabulary is not None
        built = luke_from_encoder(resolve("minilm"), vocabulary, entities_start="titles", entity_embedding_size=384, seed=0)
        hugging_face.save(built.model, built.tokenizer, path)
    return path


LATENT_TYPING = ("latent-typing", "words-sentences")
NAMES = ("luke-untrained", "luke-wikispeedia", "words-wikispeedia", *JOINT, *LATENT_TYPING)

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=NAMES)
    print(build(parser.parse_args().name))
