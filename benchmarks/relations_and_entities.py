"""Does knowledge help relation classification and NER? Five starting points, the same fine-tuning, several seeds, one table.

    python benchmarks/relations_and_entities.py --sets semeval2010task8 knowledgenet --rates 1e-4 3e-4 [--seeds 0 1 2]
    python benchmarks/relations_and_entities.py --sets crossner-politics crossner-science wnut17 ja-wikipedia
    python benchmarks/relations_and_entities.py --conditions "LUKE, continued" "LUKE, continued, words alone"

The conditions of `entity_typing.py`, and LUKE continued with masked words, masked entities and a graph in one run (joint-all).
Plain encoders take markers for relations and tags for names, a LUKE its entity pairs and (with shared words) spans: each as
its papers do. "words alone" reads a LUKE as a plain encoder, so that what its words learned is seen apart from its head.
Every condition gets the same tuning (`fine_tuning.py`); several rates can be tried for relations alone, which have a dev
set. The relation sets, WNUT-17 and Japanese use a part of their training records, the same for all, so that a run takes
minutes on one core: the numbers compare starting points, not systems.

KnowledgeNet: folds 1 and 2 against fold 3. Japanese: a fifth of the sentences is the test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from fine_tuning import CONDITIONS, DataSet, fill_table, parser

from checkpoints import DATA
from loreweave.corpus.files.reading import read_json, read_json_lines
from loreweave.corpus.files.writing import write_json, write_json_lines

SEMEVAL, KNOWLEDGENET = DATA / "re_semeval2010task8", DATA / "re_knowledgenet" / "train_folds123.jsonl.gz"
WNUT, CROSSNER = DATA / "ner_wnut17", DATA / "ner_crossner"
JAPANESE = DATA / "ner_ja_wikipedia" / "ner.json.xz"
COMMON = ("precision=bf16", "eval_batch_size=64", "max_length=96")
SPANS = ("max_mention_length=8", "keep=last", "min_updates=null")
SHARED = ("head=luke", "shared_words=true", "max_entity_length=2048")
F1 = {"micro_f1": "micro F1", "macro_f1": "macro F1"}


def relations(train: Path, test: Path, *settings: str, metric: str = "micro_f1") -> DataSet:
    """A data set of relation classification; a small part of the training records is dev."""
    settings = (*COMMON, "dev_fraction=0.03", f"metric={metric}", *settings)
    recipe = "minilm/relation-classification"
    return DataSet(
        task="relation-classification", recipe=recipe, train=train, test=test, metric=metric, metrics=F1, settings=settings,
        words_settings=("head=markers",),
    )  # fmt: skip


def entities(train: Path, test: Path, *settings: str) -> DataSet:
    """A data set of NER; the last epoch is scored, for a dev set would take longer than the training."""
    settings = (*COMMON, *SPANS, *settings)
    return DataSet(
        task="ner", recipe="minilm/ner", train=train, test=test, metrics=F1, settings=settings,
        luke_settings=SHARED, words_settings=("head=tags",),
    )  # fmt: skip


def crossner(domain: str) -> DataSet:
    """A domain of CrossNER, whole."""
    train, test = (CROSSNER / domain / f"{split}.txt.gz" for split in ("train", "test"))
    return entities(train, test, "epochs=10")


def divided(source: Path, folder: Path, in_test: Callable[[int, Any], bool]) -> tuple[Path, Path]:
    """The records of a file as a training and a test file."""
    lines = ".jsonl" in source.name
    rows: Iterable[Any] = (row for _, row in read_json_lines(source)) if lines else read_json(source)
    parts: tuple[list[Any], list[Any]] = ([], [])
    for number, row in enumerate(rows):
        parts[in_test(number, row)].append(row)
    name = ".jsonl" if lines else ".json"
    files = folder / f"train{name}", folder / f"test{name}"
    folder.mkdir(parents=True, exist_ok=True)
    for file, part in zip(files, parts, strict=True):
        write_json_lines(file, part) if lines else write_json(file, part)
    return files


def knowledgenet(folder: Path) -> DataSet:
    """Folds 1 and 2 against fold 3."""
    train, test = divided(KNOWLEDGENET, folder, lambda _, row: row["fold"] == 3)
    return relations(train, test, "train_fraction=0.4", "dev_split_by=doc")


def japanese(folder: Path) -> DataSet:
    """Every fifth sentence is the test."""
    train, test = divided(JAPANESE, folder, lambda number, _: number % 5 == 4)
    return entities(train, test, "train_fraction=0.3")


SETS: dict[str, Callable[[Path], DataSet]] = {
    "semeval2010task8": lambda _: relations(
        SEMEVAL / "TRAIN_FILE.TXT.gz", SEMEVAL / "TEST_FILE_FULL.TXT.gz", "train_fraction=0.25", metric="macro_f1"
    ),
    "knowledgenet": knowledgenet,
    "crossner-politics": lambda _: crossner("politics"),
    "crossner-science": lambda _: crossner("science"),
    "crossner-ai": lambda _: crossner("ai"),
    "wnut17": lambda _: entities(WNUT / "wnut17train.conll.gz", WNUT / "emerging.test.annotated.gz", "train_fraction=0.4"),
    "ja-wikipedia": japanese,
}


def main() -> None:
    """Run what is missing, then print the table."""
    flags = parser(__doc__, SETS, "relations-and-entities", [3e-4])
    flags.set_defaults(conditions=[*CONDITIONS, "joint-all"])
    options = flags.parse_args()
    fill_table(options, {name: SETS[name](options.output / name) for name in options.sets})


if __name__ == "__main__":
    main()
