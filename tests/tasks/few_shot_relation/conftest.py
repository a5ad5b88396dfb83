"""Sentences of four relations in the tiny encoder's words, as FewRel has them, and episodes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loreweave.tasks.few_shot_relation import reader
from loreweave.tasks.few_shot_relation.episodes import RelationEpisode
from loreweave.tasks.relations.record import RelationRecord

PATTERNS = {
    "lives": "{} lives in {} .", "works": "{} works at {} .", "river": "the river {} is in {} .", "and": "{} and {} .",
}  # fmt: skip
NAMES = (("ann", "oslo"), ("bob", "paris"), ("she", "bank"), ("he", "oslo"))


def instance(pattern: str, head: str, tail: str) -> dict[str, Any]:
    tokens = pattern.format(head, tail).split()
    return {"tokens": tokens, "h": [head, "Q1", [[tokens.index(head)]]], "t": [tail, "Q2", [[tokens.index(tail)]]]}


ROWS = {label: [instance(pattern, *pair) for pair in NAMES] for label, pattern in PATTERNS.items()}


@pytest.fixture
def fewrel_file(tmp_path: Path) -> Path:
    """Four relations with four sentences each."""
    path = tmp_path / "train_wiki.json"
    path.write_text(json.dumps(ROWS), encoding="utf-8")
    return path


@pytest.fixture
def records(fewrel_file: Path) -> list[RelationRecord]:
    return reader.read(fewrel_file).records


@pytest.fixture
def episodes(records: list[RelationRecord]) -> list[RelationEpisode]:
    """Two episodes that share sentences; in the second a relation has one sentence, the other two, and gold is unknown."""
    lives, works, river = records[:4], records[4:8], records[8:12]
    first = RelationEpisode("0", ("lives", "works"), ((lives[0],), (works[0],)), (lives[1], works[1]), (0, 1))
    second = RelationEpisode("1", ("river", "lives"), ((river[0],), (lives[0], lives[2])), (lives[1],), (None,))
    return [first, second]
