"""What a model is named by, where there is none of that name."""

from __future__ import annotations

from pathlib import Path

import layouts
import pytest

from loreweave.errors import CheckpointError
from loreweave.models import LukeModel
from loreweave.tasks.jobs.checkpoints import load_checkpoint_of
from loreweave.tasks.registry import load_training
from loreweave.tasks.starting_points import read_luke


@pytest.mark.parametrize("task", ["ner", "entity-typing", "relation-classification", "few-shot-ner", "few-shot-relation"])
@pytest.mark.parametrize("name", ["nofolder", "./nofolder", "no/such/folder"])
def test_a_mistyped_path(task: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    training = load_training(task)
    with pytest.raises(CheckpointError, match="(nofolder|no/such/folder): no such file or folder"):
        training.build(name, ["a", "b"], training.config())
    with pytest.raises(CheckpointError, match="no such file or folder"):
        load_checkpoint_of(training, Path(name))


def test_a_released_file_without_words(tmp_path: Path) -> None:
    """The way out is named as the shell has it."""
    layouts.write_original(tmp_path / "luke", layouts.reference())
    with pytest.raises(CheckpointError, match=r"give --base FOLDER \(finetune: base=FOLDER\), the encoder"):
        load_checkpoint_of(load_training("entity-typing"), tmp_path / "luke")


def test_a_hugging_face_folder_without_words(tmp_path: Path) -> None:
    """A base of the same words and entities has them, and so have the files that the message names."""
    (tmp_path / "luke").mkdir()
    original = layouts.write_v4_folder(tmp_path / "luke", layouts.reference())
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("config.json", "pytorch_model.bin"):
        (copy / name).write_bytes((original / name).read_bytes())
    message = r"give --base .* or copy its tokenizer into this folder \(tokenizer\*\.json, vocab\.json, merges\.txt"
    with pytest.raises(CheckpointError, match=message):
        read_luke(str(copy), LukeModel, None)
    assert read_luke(str(copy), LukeModel, str(original)).tokenizer is not None
    for pattern in ("tokenizer*.json", "vocab.json", "merges.txt", "entity_vocab.json"):
        for file in original.glob(pattern):
            (copy / file.name).write_bytes(file.read_bytes())
    assert read_luke(str(copy), LukeModel, None).tokenizer is not None
