"""The word tokenizer of a name: packaged, a folder, or on the Hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from loreweave.checkpoints.word_tokenizers import read_word_tokenizer
from loreweave.encoding import hub
from loreweave.errors import CheckpointError


def test_packaged_names_and_folders(minilm_dir: Path) -> None:
    assert read_word_tokenizer("minilm").get_vocab() == read_word_tokenizer(minilm_dir).get_vocab()


def test_a_name_on_the_hub_brings_no_weights(minilm_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def download(name: str, allow_patterns: list[str]) -> str:
        asked.extend(allow_patterns)
        return str(minilm_dir)

    monkeypatch.setattr(hub, "snapshot_download", download)
    assert len(read_word_tokenizer("owner/encoder")) == 30_522
    assert "*.json" in asked and not any("safetensors" in pattern or "pytorch_model" in pattern for pattern in asked)


def test_what_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str, allow_patterns: list[str]) -> str:
        raise OSError("no connection")

    monkeypatch.setattr(hub, "snapshot_download", fail)
    with pytest.raises(CheckpointError, match=r"no model of this name among those downloaded .* \(no connection\)"):
        read_word_tokenizer("owner/encoder")
    with pytest.raises(CheckpointError, match="no such file or folder"):
        read_word_tokenizer(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="no readable word tokenizer"):
        read_word_tokenizer(tmp_path)
