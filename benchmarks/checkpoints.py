"""Rebuild the checkpoints that the tables of benchmarks/README.md use: `python benchmarks/checkpoints.py NAME`.

Each takes at most 45 minutes on 2 CPU cores (fixed steps). They are kept in `LOREWEAVE_CHECKPOINTS` (default
`runs/checkpoints`) and taken from there when they are there already. Real text comes from `LOREWEAVE_DATA` (default
`../shared/data`); the titles in `text_wikispeedia/reserved_titles.txt` are never seen.

Names:
    luke-untrained     MiniLM made a LUKE, no step of pre-training
    luke-wikispeedia   the same after both stages: masked words + masked entities
    words-wikispeedia  plain MiniLM after the same steps on the same windows: masked words alone
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from loreweave.build.entity_vocabulary import build_entity_vocabulary
from loreweave.build.pretraining_set import build_pretraining_set, open_pretraining_set
from loreweave.checkpoints import hugging_face, luke_from_encoder
from loreweave.checkpoints.names import model_path
from loreweave.corpus.files import read_json
from loreweave.corpus.wikispeedia import read_reserved_titles, read_wikispeedia
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.run import run
from loreweave.training.configuration import fill, to_dict
from loreweave.training.recipes import load_recipe

REPOSITORY = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("LOREWEAVE_DATA", REPOSITORY.parent / "shared" / "data"))
STORE = Path(os.environ.get("LOREWEAVE_CHECKPOINTS", REPOSITORY / "runs" / "checkpoints"))

WINDOW = 64
STEPS = {"pretraining-1": 200, "pretraining-2": 1000}
BATCH = 32
WORDS_ONLY = {"word_only": True, "objectives": {"masked_words": {}}}


def pretraining_set() -> Path:
    """Windows of 64 sub-words with at least one link, from the articles that are not reserved."""
    path = STORE / "wikispeedia-windows"
    if path.exists():
        return path
    folder = DATA / "text_wikispeedia"
    texts = list(read_wikispeedia(folder / "articles.jsonl.xz", read_reserved_titles(folder / "reserved_titles.txt")))
    vocabulary = build_entity_vocabulary(texts)
    report = build_pretraining_set(
        texts, AutoTokenizer.from_pretrained(model_path("minilm")), vocabulary, path, max_length=WINDOW, max_entities=24
    )
    print(report, file=sys.stderr)
    return path


def is_built(output: Path, config: PretrainingConfig) -> bool:
    """Whether a finished run with these very settings lies there (settings that are newer than the run have their defaults)."""
    return (output / "results.json").exists() and _within(read_json(output / "config.json"), to_dict(config))


def _within(old: Any, new: Any) -> bool:
    if isinstance(old, dict) and isinstance(new, dict):
        return all(name in new and _within(value, new[name]) for name, value in old.items())
    return bool(old == json.loads(json.dumps(new)))


def two_stages(name: str, changes: dict[str, Any]) -> Path:
    """Both stages of the recipe `minilm` with this file's steps."""
    model = str(model_path("minilm"))
    for stage, steps in STEPS.items():
        output = STORE / f"{name}-{stage}"
        values = load_recipe(f"minilm/{stage}").config | changes
        values |= {"model": model, "data": [str(pretraining_set())], "output": str(output), "steps": steps}
        values |= {"entities_start": "titles", "entity_embedding_size": 384, "max_words": WINDOW, "dropout": 0.0}
        values |= {"batch_size": BATCH, "micro_batch_size": BATCH, "device": "cpu"}
        values |= {"schedule": {"name": "linear", "warmup_steps": steps // 10}}
        config = fill(PretrainingConfig, values)
        if not is_built(output, config):
            run(config, overwrite=True)
        model = str(output / "model")
    return Path(model)


def build(name: str) -> Path:
    """The folder of a checkpoint, built when it is not there."""
    if name == "luke-wikispeedia":
        return two_stages(name, {})
    if name == "words-wikispeedia":
        return two_stages(name, WORDS_ONLY)
    path = STORE / name
    if not path.exists():
        vocabulary = open_pretraining_set(pretraining_set()).vocabulary
        assert vocabulary is not None
        built = luke_from_encoder(model_path("minilm"), vocabulary, entities_start="titles", entity_embedding_size=384, seed=0)
        hugging_face.save(built.model, built.tokenizer, path)
    return path


NAMES = ("luke-untrained", "luke-wikispeedia", "words-wikispeedia")

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=NAMES)
    print(build(parser.parse_args().name))
