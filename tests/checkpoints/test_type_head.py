"""Files of a type head."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from loreweave.checkpoints import type_head
from loreweave.errors import CheckpointError
from loreweave.models.type_head import TypeHead


@pytest.mark.parametrize("no_entity", [False, True])
def test_what_is_saved_is_loaded(tmp_path: Path, no_entity: bool) -> None:
    torch.manual_seed(0)
    head = TypeHead(torch.randn(3, 8), 0.25, no_entity)
    torch.nn.init.normal_(head.map.weight)
    type_head.save(tmp_path, head, ["a", "b", "c"], {"weight": 0.5})
    loaded, names = type_head.load(tmp_path)
    states = torch.randn(5, 8)
    assert names == ("a", "b", "c") and torch.equal(loaded(states), head(states))


def test_a_folder_without_one_is_refused(tmp_path: Path) -> None:
    assert not type_head.recognises(tmp_path)
    with pytest.raises(CheckpointError, match=r"found no entity_types\.json"):
        type_head.load(tmp_path)


def test_names_that_do_not_fit_the_vectors(tmp_path: Path) -> None:
    type_head.save(tmp_path, TypeHead(torch.eye(3), 0.1), ["a", "b", "c"], {})
    path = type_head.FILES.description(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"types": ["a", "b"]}))
    with pytest.raises(CheckpointError, match="found 2 types, and 3 vectors"):
        type_head.load(tmp_path)


def test_a_temperature_without_a_fraction(tmp_path: Path) -> None:
    """JSON has no floats: 1 is as good as 1.0."""
    type_head.save(tmp_path, TypeHead(torch.eye(2), 1), ["a", "b"], {})
    loaded, _ = type_head.load(tmp_path)
    assert loaded.temperature == 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": 0}, "expected a temperature over 0"),
        ({"temperature": True}, "expected a temperature over 0"),
        ({"types": ["a", 2, "c"]}, "types: found .* expected a list of names"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    type_head.save(tmp_path, TypeHead(torch.eye(3), 0.1), ["a", "b", "c"], {})
    path = type_head.FILES.description(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CheckpointError, match=message):
        type_head.load(tmp_path)
