"""Designs of a bias probe: spans in sentences, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from loreweave.attention.bias.design import EXAMPLE, Design, read_design
from loreweave.errors import ConfigurationError

GOOD = """
templates:
  - text: "The guide gave {name} a map of the town ."
    targets: [guide, map]
groups:
  north: [Lars, Sigrid]
  south: [Pablo, Carmen]
"""


def read(folder: Path, content: str) -> Design:
    path = folder / "names.yaml"
    path.write_text(content, encoding="utf-8")
    return read_design(path)


def test_places_of_name_and_targets_follow_the_length_of_the_name(tmp_path: Path) -> None:
    design = read(tmp_path, GOOD)
    (template,) = design.templates
    for name in ("Lars", "Maximiliane"):
        text = template.text(name)
        assert text == f"The guide gave {name} a map of the town ."
        assert text[slice(*template.span(name))] == name and template.id == "1"
        assert {word: text[slice(*span)] for word, span in template.target_spans(name).items()} == {
            "guide": "guide",
            "map": "map",
        }
    assert [(group, rank, name) for _, group, rank, name in design.cases()] == [
        ("north", 1, "Lars"), ("north", 2, "Sigrid"), ("south", 1, "Pablo"), ("south", 2, "Carmen"),
    ]  # fmt: skip


def test_the_example_has_two_templates_and_two_groups_that_can_be_paired() -> None:
    design = read_design(Path(EXAMPLE))
    assert len(design.templates) == 2 and {len(names) for names in design.groups.values()} == {20}
    design.check_pairs()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{name}", "Ann", "templates, number 1: found 0 slots in .*expected one {name}"),
        ("a map", "{name}", "found 2 slots"),
        ("[guide, map]", "[guide, tower]", "found no 'tower' in the text"),
        ("[guide, map]", "[guide, guide]", "the target 'guide' is given twice"),
        ("[guide, map]", "guide", "targets: found 'guide', expected a list of words"),
        ("[guide, map]", "[name]", "found the target 'name' in the slot"),
        ("  south: [Pablo, Carmen]\n", "", "groups: found .*expected two or more groups"),
        ("Pablo, Carmen", "Pablo, Pablo", "groups, south: the name 'Pablo' is given twice"),
        ("Pablo, Carmen", "Pablo", "groups, south: found 1 name, expected two or more"),
        ("Pablo, Carmen", "Pablo, 7", "groups, south: found .*expected a list of words"),
        ("groups:", "grups:", "found the key 'grups'.*groups"),
        ("  - text", "  - sentence: x\n    text", "templates, number 1: found"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigurationError, match=f"names.yaml: .*{message}"):
        read(tmp_path, GOOD.replace(old, new))


def test_pairs_need_groups_of_one_size(tmp_path: Path) -> None:
    design = read(tmp_path, GOOD.replace("Pablo, Carmen", "Pablo, Carmen, Diego"))
    with pytest.raises(ConfigurationError, match="--paired: found groups of different sizes .north: 2, south: 3."):
        design.check_pairs()
