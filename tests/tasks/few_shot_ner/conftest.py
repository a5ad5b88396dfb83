"""A few sentences of the tiny encoder's words, and episodes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SUPPORT = {
    "word": [["ann", "lives", "in", "oslo", "."], ["the", "bank", "is", "long"]],
    "label": [["person-x", "O", "O", "location-other", "O"], ["O", "organization-other", "O", "O"]],
}
QUERY = {"word": [["bob", "works", "in", "paris"]], "label": [["person-x", "O", "O", "location-other"]]}
EPISODE: dict[str, Any] = {
    "support": SUPPORT, "query": QUERY, "types": ["person-x", "location-other", "organization-other"],
}  # fmt: skip
COLUMNS = """ann B-person
lives O
in O
oslo B-place

bob B-person
works O
at O
a O
bank B-group

she O
lives O
in O
paris B-place

the O
bank B-group
is O
long O

"""


@pytest.fixture
def episode_file(tmp_path: Path) -> Path:
    """Three episodes; the second has a longer query, the third asks about its own support."""
    second = EPISODE | {"query": {key: QUERY[key] + SUPPORT[key] for key in ("word", "label")}}
    third = EPISODE | {"query": SUPPORT}
    path = tmp_path / "episodes.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in (EPISODE, second, third)))
    return path


@pytest.fixture
def source_file(tmp_path: Path) -> Path:
    """Sixteen labelled sentences as columns."""
    path = tmp_path / "train.txt"
    path.write_text(COLUMNS * 4)
    return path
