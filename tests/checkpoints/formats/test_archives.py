"""Files that are unpacked from a tar, and the file with the weights."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path, PurePosixPath

import pytest

from loreweave.checkpoints.formats.archives import unpack, weights_in
from loreweave.errors import CheckpointError


def _tar(path: Path, *members: tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def _name(path: PurePosixPath) -> str | None:
    return path.name if path.suffix == ".bin" else None


@pytest.mark.parametrize(
    ("members", "content"),
    [
        ([("a.bin", b"old"), ("other.txt", b"x"), ("./a.bin", b"new")], b"new"),
        ([("a.bin", b"root"), ("deeper/a.bin", b"deep")], b"root"),
        ([("deeper/a.bin", b"deep"), ("a.bin", b"root")], b"root"),
        ([("one/a.bin", b"1"), ("two/a.bin", b"2"), ("a.bin", b"root")], b"root"),
    ],
    ids=["repeated", "deeper later", "deeper earlier", "two folders and the root"],
)
def test_the_file_nearest_to_the_root_and_the_last_of_one_path(
    tmp_path: Path, members: list[tuple[str, bytes]], content: bytes
) -> None:
    target = tmp_path / "out"
    unpack(_tar(tmp_path / "a.tar.gz", *members), target, _name)
    assert [file.name for file in target.iterdir()] == ["a.bin"] and (target / "a.bin").read_bytes() == content


def test_two_checkpoints_in_one_archive(tmp_path: Path) -> None:
    archive = _tar(tmp_path / "a.tar.gz", ("one/a.bin", b"1"), ("two/a.bin", b"2"))
    with pytest.raises(CheckpointError, match=r"a\.tar\.gz: found one/a\.bin and two/a\.bin, expected one checkpoint; unpack"):
        unpack(archive, tmp_path / "out", _name)


def test_the_file_with_the_weights(tmp_path: Path) -> None:
    (tmp_path / "x.bin").touch()
    assert weights_in(tmp_path, ["best.bin", "last.bin"], "*.bin") == tmp_path / "x.bin"
    (tmp_path / "last.bin").touch()
    assert weights_in(tmp_path, ["best.bin", "last.bin"], "*.bin") == tmp_path / "last.bin"
    assert weights_in(tmp_path, ["best.bin"], "*.bin") is None, "two of the pattern"
