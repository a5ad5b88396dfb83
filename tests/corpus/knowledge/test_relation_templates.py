"""Templates of relations: filling them, reading them, and the bundled ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loreweave.corpus.knowledge.relation_templates import (
    BUNDLED_TEMPLATES,
    Question,
    RelationTemplate,
    fill_template,
    read_templates,
)
from loreweave.errors import DataError


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def test_a_template_is_filled_in_one_pass() -> None:
    assert fill_template("[X] was born in [Y] .", "Ada") == Question("Ada was born in [MASK] .", (0, 3))
    assert fill_template("The capital of [X] is [Y].", "A [Y] [X]") == Question("The capital of A [Y] [X] is [MASK].", (15, 24))
    assert fill_template("[Y] acted in [X] .", "Heat").text == "[MASK] acted in Heat ."


def test_a_file_in_the_layout_of_lama(tmp_path: Path) -> None:
    path = write(
        tmp_path / "relations.jsonl",
        {"relation": "P19", "template": "[X] was born in [Y] .", "label": "place of birth", "description": "d", "type": "N-1"},
        {"relation": "P36", "template": "The capital of [X] is [Y] ."},
    )
    found = read_templates(path)
    assert found["P19"] == RelationTemplate("P19", "[X] was born in [Y] .", "place of birth", "N-1")
    assert list(found) == ["P19", "P36"] and found["P36"].kind == ""


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"relation": "P1", "template": "[X] is ."}, r"line 2, field 'template': found '\[X\] is \.', expected a sentence"),
        ({"relation": "P1", "template": "It is [Y] ."}, "field 'template': found 'It is"),
        ({"relation": "P1", "template": "[X] is [Y] and [Y] ."}, "field 'template'"),
        ({"relation": "P1"}, "field 'template': found nothing, expected a string"),
        ({"relation": " ", "template": "[X] is [Y] ."}, "field 'relation': found an empty name"),
        ({"relation": "P0", "template": "[X] is [Y] ."}, "field 'relation': found a second template for 'P0'"),
        ({"relation": "P1", "template": "[X] is [Y] .", "label": 3}, "field 'label': found 3"),
        ([1], "line 2: found a JSON list"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: object, message: str) -> None:
    path = write(tmp_path / "relations.jsonl", {"relation": "P0", "template": "[X] is [Y] ."}, row)
    with pytest.raises(DataError, match=message):
        read_templates(path)


def test_a_file_without_templates_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found no template"):
        read_templates(write(tmp_path / "relations.jsonl"))


def test_the_bundled_templates_are_read_and_end_like_sentences() -> None:
    found = read_templates(BUNDLED_TEMPLATES)
    assert {"P19", "P36", "/people/person/place_of_birth"} <= set(found)
    assert all(template.label and template.template.endswith(" .") for template in found.values())
