"""Folders of the data of the mini-world, which the package contains."""

from __future__ import annotations

from pathlib import Path

DATA = Path(__file__).parents[1] / "miniworld" / "data"


def graph_files() -> Path:
    """Folder of the graph, for `loreweave build graph --format jsonl`."""
    return DATA / "graph"


def typing_files() -> Path:
    """Folder with `train.json`, `dev.json`, `test.json` of entity typing in Open Entity's layout."""
    return DATA / "typing"


def ner_files() -> Path:
    """Folder with `train.jsonl`, `dev.jsonl`, `test.jsonl` of NER as annotated text."""
    return DATA / "ner"


def relation_files() -> Path:
    """Folder with `train.jsonl`, `dev.jsonl`, `test.jsonl` of relation classification, as pairs."""
    return DATA / "relations"
