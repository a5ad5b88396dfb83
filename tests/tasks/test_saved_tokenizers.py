"""The folder of a plain model: transformers reads texts with it as with the folder of the encoder."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from loreweave.tasks.registry import load_task, task_names, training_of

TRAINED = [name for name in task_names() if load_task(name).training is not None]


@pytest.mark.parametrize("name", TRAINED)
def test_a_pair_of_texts_keeps_its_segments(name: str, tiny_bert: Path, entity_file: Path, tmp_path: Path) -> None:
    training = training_of(load_task(name))
    settings = {"entities": str(entity_file)} if name == "entity-linking" else {}
    training.build(str(tiny_bert), ["A", "B"], training.config(**settings)).save_pretrained(tmp_path / "model")
    source, saved = (AutoTokenizer.from_pretrained(folder)("ann", "oslo") for folder in (tiny_bert, tmp_path / "model"))
    assert dict(saved) == dict(source)
    assert source["token_type_ids"] == [0, 0, 0, 1, 1]
