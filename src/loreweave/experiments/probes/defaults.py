"""Data of the probes if the user names none: the sets of the field in `LOREWEAVE_DATA`, or the bundled mini-world."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from loreweave.corpus.bundled_data import ner_files, relation_files, typing_files
from loreweave.experiments.probes.settings import ProbeName

VARIABLE = "LOREWEAVE_DATA"
"""Environment variable with the folder of the real data sets."""

USUAL: tuple[ProbeName, ...] = ("few_shot", "typing", "mention_types")
"""Probes that run if none is asked for."""

REAL: dict[ProbeName, dict[str, tuple[str, ...]]] = {
    "few_shot": {"fewrel": ("re_fewrel/val_wiki.json.gz",)},
    "typing": {"gum": ("typing_gum/train.json.xz", "typing_gum/dev.json.xz")},
    "mention_types": {
        "politics": ("ner_crossner/politics/train.txt.gz", "ner_crossner/politics/test.txt.gz"),
        "ai": ("ner_crossner/ai/train.txt.gz", "ner_crossner/ai/test.txt.gz"),
    },
    "relations": {
        "semeval": ("re_semeval2010task8/TRAIN_FILE.TXT.gz", "re_semeval2010task8/TEST_FILE_FULL.TXT.gz"),
        "knowledgenet": ("re_knowledgenet/train_folds123.jsonl.gz",),
    },
}
"""Probe -> name of a data set -> its files in the folder."""

DataFiles = dict[ProbeName, dict[str, list[Path]]]


def default_data(probes: Sequence[ProbeName] | None) -> tuple[DataFiles, str]:
    """Files of the probes, and a line that says where they come from.

    Data sets that the folder lacks are left out and named in the line.
    """
    wanted = tuple(probes or USUAL)
    folder = os.environ.get(VARIABLE)
    if folder:
        found, lacking = _of_folder(Path(folder), wanted)
        if found:
            missing = f"; not there: {', '.join(lacking)}" if lacking else ""
            return found, f"data: the folder of {VARIABLE}, {folder}{missing}"
    bundled: DataFiles = {
        "few_shot": {"miniworld": [relation_files() / "train.jsonl"]},
        "typing": {"miniworld": [typing_files()]},
        "mention_types": {"miniworld": [ner_files()]},
        "relations": {"miniworld": [relation_files()]},
    }
    why = f"{VARIABLE} has none of the data sets" if folder else f"{VARIABLE} is not set"
    return {probe: bundled[probe] for probe in wanted}, f"data: the bundled mini-world, which is small ({why})"


def _of_folder(folder: Path, wanted: Sequence[ProbeName]) -> tuple[DataFiles, list[str]]:
    found: DataFiles = {}
    lacking = []
    for probe in wanted:
        for name, files in REAL[probe].items():
            paths = [folder / file for file in files]
            if all(path.is_file() for path in paths):
                found.setdefault(probe, {})[name] = paths
            else:
                lacking.append(name)
    return found, lacking
