"""The file of a split in a data folder, or its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from loreweave.errors import DataError
from loreweave.tasks.files.data_folder import USUAL_SPLITS, split_file


def test_files_come_before_folders(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "shard_0.json").write_text("[]")
    assert split_file(USUAL_SPLITS, tmp_path, "train") == tmp_path / "train"
    (tmp_path / "train.json.xz").write_text("")
    assert split_file(USUAL_SPLITS, tmp_path, "train") == tmp_path / "train.json.xz"
    assert split_file(USUAL_SPLITS, tmp_path, "dev") is None


def test_several_files_of_a_split_are_refused(tmp_path: Path) -> None:
    for name in ("dev.json", "valid.json"):
        (tmp_path / name).write_text("[]")
    with pytest.raises(DataError, match="found dev.json, valid.json, expected one dev file; use --dev"):
        split_file(USUAL_SPLITS, tmp_path, "dev")
