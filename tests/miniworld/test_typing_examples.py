"""The typing examples: they follow from pages and graph, and no entity is in two splits."""

from __future__ import annotations

import json

import pytest

from loreweave.corpus.bundled_data import typing_files
from loreweave.miniworld import load_pages
from loreweave.miniworld.typing_examples import LEAST_ENTITIES, MOST_OF_ONE_ENTITY, entity_types, typing_records
from loreweave.tasks.entity_typing.reader import read

SPLITS = ("train", "dev", "test")


def test_the_files_are_what_the_pages_and_the_graph_give() -> None:
    made = typing_records(load_pages(), entity_types())
    for split in SPLITS:
        assert json.loads((typing_files() / f"{split}.json").read_text(encoding="utf-8")) == made[split]


def test_the_task_reads_them() -> None:
    results = {split: read(typing_files() / f"{split}.json") for split in SPLITS}
    assert sum(len(result.records) for result in results.values()) >= 300
    assert not any(result.skipped for result in results.values())


def test_no_entity_is_in_two_splits_and_each_label_is_in_train() -> None:
    made = typing_records(load_pages(), entity_types())
    entities = {split: {record["entity"] for record in made[split]} for split in SPLITS}
    labels = {split: {label for record in made[split] for label in record["labels"]} for split in SPLITS}
    assert not entities["train"] & entities["test"] and not entities["train"] & entities["dev"]
    assert not entities["dev"] & entities["test"]
    assert labels["dev"] | labels["test"] <= labels["train"]
    assert {"person", "place", "city", "country", "scientist", "work", "organisation"} <= labels["test"]


def test_labels_are_the_types_of_the_entity() -> None:
    types = entity_types()
    for records in typing_records(load_pages(), types).values():
        for record in records:
            assert record["labels"] and set(record["labels"]) <= set(types[record["entity"]])


def test_a_small_world_by_hand() -> None:
    from loreweave.corpus.annotated_text import AnnotatedText
    from loreweave.miniworld.world import parse_links

    names = [f"T{index}" for index in range(LEAST_ENTITIES)]
    links = " ".join(f"Here is [[{name}]]." for name in names for _ in range(MOST_OF_ONE_ENTITY + 1))
    text, mentions = parse_links(f"{links} A [[rare]] thing and a [[poet]] too.")
    types = {name: ["thing", "odd" if name == "T0" else "even"] for name in names}
    types |= {"rare": ["unheard of"], "poet": ["occupation"]}
    made = typing_records([AnnotatedText("Page", text, tuple(mentions))], types)
    records = [record for split in made.values() for record in split]
    assert len(records) == LEAST_ENTITIES * MOST_OF_ONE_ENTITY
    assert {tuple(record["labels"]) for record in records} == {("thing",)}, "rare types are left out"
    assert {record["sent"] for record in records} == {f"Here is {name}." for name in names}
    assert {(record["start"], record["end"]) for record in records} == {(8, 10)}
    assert pytest.approx(len(made["test"]) / len(records), abs=0.15) == 0.2
