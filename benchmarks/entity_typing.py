"""Does knowledge help entity typing? Four starting points, the same fine-tuning, several seeds, one table.

    python benchmarks/entity_typing.py [--seeds 0 1 2] [--rates 1e-4 3e-4] [--sets gum wikidata] [--conditions ...]
        [--changes KEY=VALUE ...]

Conditions: plain MiniLM with markers; plain MiniLM continued with masked words on text_wikispeedia; MiniLM made a LUKE without
pre-training; that LUKE continued with masked words and masked entities, the same windows and steps
(`benchmarks/checkpoints.py` rebuilds each). The epoch is selected on a tenth of train, cut by document or entity; the given
dev file is the test. Every condition gets the same tuning (`fine_tuning.py`). Runs that are done are not run again; `--table`
prints the table of those alone, of every condition. `--changes` go to every run (with an `--output` of their own). The
conditions `joint-...` are those of `joint_runs.py`.
"""

from __future__ import annotations

from pathlib import Path

from fine_tuning import DataSet, fill_table, parser

from checkpoints import DATA
from loreweave.corpus.files.reading import read_json
from loreweave.corpus.files.writing import write_json

GUM, WIKIDATA = DATA / "typing_gum", DATA / "typing_wikidata"
GUM_TRAIN_MENTIONS = 8000 / 22330
COMMON = ("dev_fraction=0.1", "precision=bf16", "max_length=64", "eval_batch_size=64")
METRICS = {"micro_f1": "micro F1", "macro_f1": "macro F1", "accuracy": "exact set"}


def typing(train: Path, test: Path, *settings: str) -> DataSet:
    """A data set of entity typing."""
    recipe = "minilm/entity-typing"
    return DataSet(task="entity-typing", recipe=recipe, train=train, test=test, metrics=METRICS, settings=(*COMMON, *settings))


SETS = {
    "gum": typing(
        GUM / "train.json.xz", GUM / "dev.json.xz",
        "dev_split_by=doc", "epochs=2", f"train_fraction={GUM_TRAIN_MENTIONS:.4f}",
    ),
    "wikidata": typing(
        WIKIDATA / "train.json.gz", WIKIDATA / "dev.json.gz", "dev_split_by=entity", "epochs=5"
    ),
}  # fmt: skip


def with_known_labels(data: DataSet, target: Path) -> DataSet:
    """The set without those labels of its test that no training record has (two of typing_wikidata's)."""
    known = {label for record in read_json(data.train) for label in record["labels"]}
    records = [record | {"labels": [x for x in record["labels"] if x in known]} for record in read_json(data.test)]
    target.parent.mkdir(parents=True, exist_ok=True)
    write_json(target, records)
    return typing(data.train, target, *data.settings[len(COMMON) :])


def main() -> None:
    """Run what is missing, then print the table."""
    options = parser(__doc__, SETS, "entity-typing", [1e-4, 3e-4]).parse_args()
    sets = {name: with_known_labels(SETS[name], options.output / name / "test.json") for name in options.sets}
    fill_table(options, sets)


if __name__ == "__main__":
    main()
