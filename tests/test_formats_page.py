"""docs/formats.md names every registered format, and its examples are read as what their heading says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from formats_page import SECTIONS, write_example

from loreweave.corpus.column_formats.formats import COLUMN_FORMATS
from loreweave.corpus.mention_formats import MENTION_FORMATS
from loreweave.tasks.cloze_qa import reader as cloze_qa
from loreweave.tasks.entity_linking import reader as entity_linking
from loreweave.tasks.entity_typing import reader as typing
from loreweave.tasks.extractive_qa import reader as extractive_qa
from loreweave.tasks.few_shot_ner import reader as few_shot_ner
from loreweave.tasks.latent_types.reader import read_texts
from loreweave.tasks.ner import reader as ner
from loreweave.tasks.registry import load_training, trained_task_names
from loreweave.tasks.relations import files as relation_files
from loreweave.tasks.text_classification import reader as text_classification


def test_every_format_of_every_task_is_on_the_page() -> None:
    registered = {name for task in trained_task_names() for name in load_training(task).formats}
    assert set(SECTIONS) == registered, "a format has no heading, or a heading no format"


def reader_of(name: str) -> Callable[..., Any]:
    if name in extractive_qa.FORMATS:
        return extractive_qa.read
    if name in text_classification.FORMATS:
        return text_classification.read
    if name in cloze_qa.FORMATS:
        return cloze_qa.read
    if name in MENTION_FORMATS or name in COLUMN_FORMATS:
        return ner.read
    if name in entity_linking.FORMATS:
        return entity_linking.read
    return typing.read if name in typing.FORMATS else relation_files.read


@pytest.mark.parametrize("name", [name for name, blocks in SECTIONS.items() if blocks])
def test_the_example_of_a_format_is_recognised_and_read(name: str, tmp_path: Path) -> None:
    (example,) = SECTIONS[name]
    path = write_example(name, example, tmp_path)
    read = reader_of(name)
    found, named = read(path), read(path, name)
    assert found.records and [record.id for record in found.records] == [record.id for record in named.records]
    assert not found.skipped or name == "prodigy"
    if read is ner.read:
        surfaces = [record.surface(mention) for record in found.records for mention in record.mentions]
        assert surfaces[0] in ("Mia", "Mia Brandt") and len(surfaces) >= len(found.records)
        tagged = few_shot_ner.read(path)
        assert [record.id for record in tagged.records] == [record.id for record in found.records]
        texts = [line.text for line in read_texts([path], format=name)]
        assert texts == [record.text for record in found.records if record.text]
