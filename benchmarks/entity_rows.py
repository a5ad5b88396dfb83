"""How good are entity rows that nobody trained? Hits at 1 of masked entities on the links of the reserved articles.

    python benchmarks/entity_rows.py --starts titles descriptions occurrences
    python benchmarks/entity_rows.py --starts titles occurrences --steps 100 --freeze

A LUKE is made from an encoder (`--model`), with its entity table started in each way, and the links of every third article in
`text_wikispeedia/reserved_titles.txt` to entities of the vocabulary are predicted, over the whole vocabulary. The texts for
rows are those of the articles that are not reserved. With `--steps`, stage 1 of pre-training follows with masked entities
alone, which leaves the words as they are; with `--freeze` the rows stay as well.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer

from checkpoints import BATCH, DATA, STORE, WINDOW, pretraining_set
from loreweave.build.pretraining_set import build_pretraining_set, open_pretraining_set
from loreweave.checkpoints.formats import hugging_face
from loreweave.corpus.annotated_text import write_annotated_texts
from loreweave.corpus.wikispeedia import read_reserved_titles, read_wikispeedia
from loreweave.encoding.model_names import resolve
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.evaluation import evaluate_objectives
from loreweave.pretraining.run import run
from loreweave.pretraining.start import start
from loreweave.training.precision import with_settled_precision
from loreweave.training.settings.configuration import fill

ROWS = STORE / "entity-rows"


def reserved_windows() -> Path:
    """Windows of every third reserved article, with the vocabulary of the others."""
    path = ROWS / "third-of-reserved-windows"
    if not path.exists():
        folder = DATA / "text_wikispeedia"
        reserved = read_reserved_titles(folder / "reserved_titles.txt")
        chosen = set(sorted(reserved)[::3])
        texts = [text for text in read_wikispeedia(folder / "articles.jsonl.xz") if text.title in chosen]
        vocabulary = open_pretraining_set(pretraining_set()).vocabulary
        assert vocabulary is not None
        tokenizer = AutoTokenizer.from_pretrained(resolve("minilm"))
        build_pretraining_set(texts, tokenizer, vocabulary, path, max_length=WINDOW, max_entities=24)
    return path


def articles() -> Path:
    """The articles that are not reserved, for their first sentences."""
    path = ROWS / "articles.jsonl"
    if not path.exists():
        folder = DATA / "text_wikispeedia"
        reserved = read_reserved_titles(folder / "reserved_titles.txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_annotated_texts(path, read_wikispeedia(folder / "articles.jsonl.xz", reserved))
    return path


def configuration(model: str, how: str, occurrences: int, output: Path, **changes: Any) -> PretrainingConfig:
    """Settings of a run with masked entities alone."""
    texts = {"entity_texts": str(articles())} if how == "descriptions" else {}
    values: dict[str, Any] = {
        "model": str(resolve(model)), "data": [str(pretraining_set())], "output": str(output), "entities_start": how,
        "entity_embedding_size": 384, "entity_occurrences": occurrences, "objectives": {"masked_entities": {}},
        "batch_size": BATCH, "micro_batch_size": BATCH, "max_words": WINDOW, "max_entities": 24, "precision": "auto",
        "device": "cpu", "dropout": 0.0,
    }  # fmt: skip
    config = fill(PretrainingConfig, values | texts | changes)
    return with_settled_precision(config, torch.device("cpu"))


def untrained(config: PretrainingConfig) -> tuple[Path, str]:
    """Folder of the LUKE as it starts, and what was done."""
    path = Path(config.output)
    if path.exists():
        return path, ""
    began = time.process_time()
    begun = start(config, [open_pretraining_set(place) for place in config.data])
    note = f"{'; '.join(begun.notes)}; {time.process_time() - began:.0f} CPU s"
    assert begun.model is not None
    hugging_face.save(begun.model, begun.tokenizer, path)
    return path, note


def trained(config: PretrainingConfig, steps: int, freeze: bool) -> Path:
    """The model after stage 1: new parts learn, words stay."""
    output = Path(config.output)
    if not (output / "results.json").exists():
        stage = {"trainable": "entities", "freeze_entity_embeddings": freeze, "steps": steps}
        learning = {"learning_rate": 1e-3, "epsilon": 1e-6, "bias_correction": True, "max_grad_norm": 1.0}
        changes = {"optimizer": learning, "schedule": {"name": "linear", "warmup_steps": steps // 10}}
        run(fill(PretrainingConfig, vars(config) | stage | changes), overwrite=True)
    return output / "model"


def hits(model: Path) -> dict[str, float]:
    """Metrics of the masked entities of the reserved windows: every entity is hidden, the words are not."""
    config = configuration(str(model), "words", 1, ROWS / "none", objectives={"masked_entities": {"probability": 1.0}})
    return evaluate_objectives(replace(config, data=[str(reserved_windows())]))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--starts", nargs="+", default=["titles", "descriptions", "occurrences"])
    parser.add_argument("--occurrences", type=int, default=4)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--freeze", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    name = "-".join(Path(arguments.model).parts[-3:-1]) or arguments.model
    for how in arguments.starts:
        count = f"-{arguments.occurrences}" if how == "occurrences" else ""
        trial = f"{name}-{how}{count}"
        model, note = ROWS / trial, ""
        config = configuration(arguments.model, how, arguments.occurrences, model)
        if arguments.steps:
            trial += f"-{arguments.steps}" + ("-frozen" if arguments.freeze else "")
            model = trained(replace(config, output=str(ROWS / trial)), arguments.steps, arguments.freeze)
        else:
            model, note = untrained(config)
        if note:
            print(note, file=sys.stderr)
        found = hits(model)
        print(f"| {trial} | {100 * found['masked_entities_accuracy']:.1f} |", flush=True)


if __name__ == "__main__":
    main()
