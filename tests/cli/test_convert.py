"""`loreweave convert` with fairseq's RoBERTa: what changed is said, wrong use is one message."""

from __future__ import annotations

from pathlib import Path

import fairseq_roberta as original
import pytest

from loreweave.cli.main import main


def test_a_checkpoint_of_kepler_there_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = original.tensors("0.8") | original.knowledge_head("wikiData")
    file = original.write(tmp_path / "kepler", "0.8", model=state)
    assert main(["convert", str(file), str(tmp_path / "hf")]) == 0
    said = capsys.readouterr().err
    assert f"{file}: fairseq" in said and "head wikiData: 5 relations" in said and f"wrote {tmp_path / 'hf'}" in said
    assert main(["convert", str(tmp_path / "hf"), str(tmp_path / "back"), "--to", "Fairseq", "--fairseq-version", "0.9"]) == 0
    assert "left out the head wikiData" in capsys.readouterr().err
    assert (tmp_path / "back" / "model.pt").is_file()


def test_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = original.write(tmp_path / "in", "0.8", vocabulary=False)
    assert main(["convert", str(file), str(tmp_path / "hf"), "--from", "fairseq"]) == 1
    assert "put dict.txt, encoder.json and vocab.bpe next to the checkpoint" in capsys.readouterr().err
    assert main(["convert", str(file), str(tmp_path / "hf"), "--to", "fairsek"]) == 2
    assert main(["convert", str(file), str(tmp_path / "hf"), "--lite"]) == 2
    assert main(["convert", str(file), str(tmp_path / "hf"), "--fairseq-version", "0.9"]) == 2
    assert "--fairseq-version: " in capsys.readouterr().err
    assert main(["convert", str(file), str(tmp_path / "hf"), "--to", "fairseq", "--classification-head", "mnli"]) == 2
    assert "--classification-head: " in capsys.readouterr().err
    assert not (tmp_path / "hf").exists()
