"""The examples of docs/fact_probing.md are facts in the format of their heading."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loreweave.tasks.contract import Reading
from loreweave.tasks.fact_probing.formats import FORMATS
from loreweave.tasks.fact_probing.reader import read
from loreweave.tasks.fact_probing.settings import ScoringSettings

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "fact_probing.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^### `(\w+)`\n.*?^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


def test_every_format_has_an_example() -> None:
    assert set(EXAMPLES) == set(FORMATS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_of_a_format_is_recognised_and_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / "facts.jsonl"
    path.write_text(EXAMPLES[name], encoding="utf-8")
    found, named = read(path, ScoringSettings()), read(path, ScoringSettings(), Reading(format=name))
    assert len(found.records) == 2 and found.records == named.records and not found.skipped
