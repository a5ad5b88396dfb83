"""Names of classes of other people's NER models."""

from __future__ import annotations

from pathlib import Path

import pytest

from loreweave.errors import CheckpointError
from loreweave.tasks.ner.foreign_classes import span_classes, tag_classes

PLACE = Path("model")


@pytest.mark.parametrize(
    ("names", "tags"),
    [
        (["O", "B-PER", "I-PER"], ["O", "B-PER", "I-PER"]),
        (["[PAD]", "o", "PER-B", "PER-I", "<s>"], ["O", "O", "B-PER", "I-PER", "O"]),
        (["O", "PER", "LOC"], ["O", "PER", "LOC"]),
    ],
)
def test_tags(names: list[str], tags: list[str]) -> None:
    assert tag_classes(names, PLACE) == tags


def test_spans() -> None:
    assert span_classes(["PER", "no-entity"], PLACE) == ["PER", "NIL"]
    assert span_classes(["O", "PER"], PLACE) == ["O", "PER"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["LABEL_0", "LABEL_1"], "model: the classes are numbered .LABEL_0, LABEL_1.*no mention"),
        (["B-PER", "I-PER"], "model: found no class for words outside mentions among B-PER, I-PER, expected O"),
        (["O", "B-PER", "LOC"], "model: the classes are not tags: found the tags 'B-PER' and 'LOC'"),
    ],
)
def test_names_that_say_too_little(names: list[str], message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        tag_classes(names, PLACE)
    if "O" not in names:
        with pytest.raises(CheckpointError, match="numbered|found no class for spans that are not mentions"):
            span_classes(names, PLACE)
