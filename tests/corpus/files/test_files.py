"""Files: compression, errors that name the place, and outputs that appear whole."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import subprocess
import sys
from pathlib import Path

import pytest

from loreweave.corpus.files.reading import content_suffix, open_text, read_json, read_json_lines, sha256_of, sha256_of_data
from loreweave.corpus.files.writing import (
    atomic_folder,
    atomic_path,
    atomic_write,
    check_free,
    is_temporary,
    json_text,
    remove_leftovers,
    write_json,
    write_json_lines,
)
from loreweave.errors import ConfigurationError, DataError


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz", ".bz2"])
def test_every_compression_round_trips(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows.jsonl{suffix}"
    assert write_json_lines(path, [{"a": "é\u2028"}, {"b": 2}]) == 2
    assert list(read_json_lines(path)) == [(1, {"a": "é\u2028"}), (2, {"b": 2})]
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_compressed_files_are_really_compressed(tmp_path: Path) -> None:
    write_json_lines(tmp_path / "a.xz", [{"a": 1}])
    assert lzma.decompress((tmp_path / "a.xz").read_bytes()) == b'{"a": 1}\n'


@pytest.mark.parametrize(
    ("name", "suffix"), [("a.jsonl", ".jsonl"), ("b.c/a.v2.TSV.GZ", ".tsv"), ("a.xz", ""), ("a", ""), ("a.tar.bz2", ".tar")]
)
def test_the_suffix_of_the_content(name: str, suffix: str) -> None:
    assert content_suffix(name) == suffix


def test_bad_encoding_names_line_and_byte(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes("fine é\n".encode() + b"caf\xe9\n")
    with pytest.raises(DataError, match="line 2: .*byte 3") as caught, open_text(path) as file:
        list(file)
    assert caught.value.line == 2


def test_a_decoding_error_of_the_caller_passes_through(tmp_path: Path) -> None:
    path = tmp_path / "fine.txt"
    path.write_text("fine\n")
    with pytest.raises(UnicodeDecodeError), open_text(path):
        b"\xff".decode()


def test_byte_order_mark_and_blank_lines_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n\r\n{"a": 2}')
    assert list(read_json_lines(path)) == [(1, {"a": 1}), (3, {"a": 2})]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ('{"a": 1}\n{"a"', "line 2: found broken JSON"),
        ("[1]", "line 1: found a JSON list, expected an object"),
        ('"a"', "line 1: found a JSON text, expected an object"),
        ("-1.5", "line 1: found a JSON number, expected an object"),
        ("null", "line 1: found null, expected an object"),
        ("false", "line 1: found false, expected an object"),
    ],
)
def test_broken_lines_are_named(tmp_path: Path, content: str, found: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(content)
    with pytest.raises(DataError, match=found):
        list(read_json_lines(path))


def test_missing_and_truncated_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.json: file not found"):
        read_json(tmp_path / "none.json")
    with pytest.raises(DataError, match="expected a file"):
        read_json(tmp_path)
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"many words " * 1000)[:-20])
    with pytest.raises(DataError, match=r"cut\.gz: broken compressed file"), open_text(tmp_path / "cut.gz") as file:
        file.read()


@pytest.mark.parametrize("content", [b"no bzip2 at all", bz2.compress(b"many words " * 1000)[:-20]])
def test_a_broken_bz2_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.bz2").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.bz2: broken compressed file"), open_text(tmp_path / "a.bz2") as file:
        file.read()


def test_an_error_of_the_system_passes_through(tmp_path: Path) -> None:
    (tmp_path / "a.bz2").write_bytes(bz2.compress(b"fine"))
    with pytest.raises(TimeoutError), open_text(tmp_path / "a.bz2"):
        raise TimeoutError(110, "no answer")


def test_json_round_trips_and_names_a_broken_line(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"é": [1, None]})
    assert read_json(tmp_path / "a.json") == {"é": [1, None]}
    (tmp_path / "a.json").write_text('{\n"a": }')
    with pytest.raises(DataError, match="line 2"):
        read_json(tmp_path / "a.json")


def test_half_a_surrogate_pair_survives(tmp_path: Path) -> None:
    write_json_lines(tmp_path / "a.jsonl", [{"a": "é\ud83d"}, {"a": "é"}])
    assert [row for _, row in read_json_lines(tmp_path / "a.jsonl")] == [{"a": "é\ud83d"}, {"a": "é"}]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(path) as file:
        file.write("new")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_appears_whole_and_is_not_overwritten_by_accident(tmp_path: Path) -> None:
    target = tmp_path / "set"
    with pytest.raises(RuntimeError), atomic_folder(target) as folder:
        (folder / "a").write_text("1")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with atomic_folder(target) as folder:
        (folder / "a").write_text("1")
        assert not target.exists()
    with pytest.raises(ConfigurationError, match="not empty"), atomic_folder(target):
        pass
    with atomic_folder(target, overwrite=True) as folder:
        (folder / "b").write_text("2")
    assert [entry.name for entry in target.iterdir()] == ["b"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_link_to_a_folder_stays_and_its_target_is_written(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "disk" / "real").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "real")
    with atomic_folder(tmp_path / "link", overwrite) as folder:
        (folder / "a").write_text("1")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "disk" / "real" / "a").read_text() == "1"
    assert [entry.name for entry in (tmp_path / "disk").iterdir()] == ["real"]


@pytest.mark.parametrize("name", [".", "../work", ".."])
def test_the_working_folder_is_refused_before_the_work(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    with pytest.raises(ConfigurationError, match="the working folder"), atomic_folder(name, overwrite=True):
        raise AssertionError("the work began")
    with atomic_folder("new") as folder:
        (folder / "a").write_text("1")
    assert (tmp_path / "work" / "new" / "a").is_file()


def test_a_mount_point_is_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to("disk")
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) == tmp_path / "disk")
    for open_output in (atomic_folder, atomic_path):
        for name in ("disk", "link"):
            with pytest.raises(ConfigurationError, match="disk: found a mount point.*inside it"), open_output(tmp_path / name):
                raise AssertionError("the work began")
    with atomic_folder(tmp_path / "disk" / "new"):
        pass
    assert (tmp_path / "disk" / "new").is_dir()


def test_the_hash_of_data_sees_every_file_of_a_folder(tmp_path: Path) -> None:
    """Documents of brat may lie in folders of folders: a run on them must not be resumed on others."""
    (tmp_path / "data" / "a" / "b").mkdir(parents=True)
    inner = tmp_path / "data" / "a" / "b" / "1.ann"
    inner.write_text("T1\tPER 0 3\tAnn")
    before = sha256_of_data(tmp_path / "data")
    assert before == sha256_of_data(tmp_path / "data")
    inner.write_text("T1\tLOC 0 3\tAnn")
    changed = sha256_of_data(tmp_path / "data")
    inner.rename(inner.with_name("2.ann"))
    assert len({before, changed, sha256_of_data(tmp_path / "data")}) == 3
    assert sha256_of_data(inner.with_name("2.ann")) == sha256_of(inner.with_name("2.ann"))


def test_sha256_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


KILLED = """
import os, sys
from pathlib import Path
from loreweave.corpus.files import writing as files
if sys.argv[2] == "between":
    replace = os.replace
    def killed(source, target):
        if str(target).endswith("/out"):
            os.kill(os.getpid(), 9)
        replace(source, target)
    os.replace = killed
with files.atomic_folder(sys.argv[1], overwrite=True) as folder:
    (folder / "new").write_text("new")
    if sys.argv[2] == "while writing":
        os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("when", ["while writing", "between"])
def test_what_a_killed_build_left_is_removed_by_the_next(tmp_path: Path, when: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "kept").write_text("old")
    assert subprocess.run([sys.executable, "-c", KILLED, out, when], check=False).returncode == -9
    assert len(list(tmp_path.iterdir())) == 2
    assert out.exists() is (when == "while writing")
    with pytest.raises(KeyboardInterrupt), atomic_folder(out, overwrite=True):
        raise KeyboardInterrupt  # the next build is broken off: the folder that was put aside is there again
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]
    assert (out / "kept").read_text() == "old"
    with atomic_folder(out, overwrite=True) as folder:
        (folder / "new").write_text("newer")
    assert [entry.name for entry in out.iterdir()] == ["new"]


def test_what_live_processes_write_stays(tmp_path: Path) -> None:
    """Two builds of one target at once, one of them inside the other."""
    with atomic_path(tmp_path / "out.txt") as first:
        first.write_text("first")
        write_json(tmp_path / "other.json", {})
        with atomic_path(tmp_path / "out.txt") as second:
            second.write_text("second")
        assert first.read_text() == "first"
    assert (tmp_path / "out.txt").read_text() == "first"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("owner", ["", "00000000-77-77-"])
def test_what_another_machine_writes_stays_for_a_day(tmp_path: Path, owner: str) -> None:
    partial = tmp_path / f".{owner}0123456789ab.partial.out"
    partial.mkdir()
    (partial / "rows").write_text("half a r")
    remove_leftovers(tmp_path / "out")
    assert partial.exists()
    for path in (partial / "rows", partial):
        os.utime(path, (1e9, 1e9))
    remove_leftovers(tmp_path / "other")
    assert partial.exists()
    remove_leftovers(tmp_path / "out")
    assert not partial.exists()


def test_temporary_names_are_told_from_others(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "rows.jsonl.gz") as path:
        path.write_text("x")
        assert is_temporary(path.name) and path.suffix == ".gz"
    assert not is_temporary("rows.partial.gz") and not is_temporary(".partial.x")


def test_numbers_that_are_not_finite_are_null_in_every_json(tmp_path: Path) -> None:
    """JSON has no word for them: other readers stop at the whole document."""
    value = {"a": [float("nan"), 1.5, (float("inf"), "é")], "b": {"c": -float("inf")}, "d": "NaN"}
    wanted = {"a": [None, 1.5, [None, "é"]], "b": {"c": None}, "d": "NaN"}
    write_json(tmp_path / "a.json", value)
    write_json_lines(tmp_path / "a.jsonl", [{"x": 1}, value])
    texts = [json_text(value), (tmp_path / "a.json").read_text(), (tmp_path / "a.jsonl").read_text().splitlines()[1]]

    def refuse(word: str) -> None:
        raise AssertionError(word)

    assert [json.loads(text, parse_constant=refuse) for text in texts] == [wanted] * 3


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_line_of_a_bad_byte_is_counted_as_lines_are_read(end: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one" + end.encode() + b"two" + end.encode() + b"x\xff" + end.encode())
    with pytest.raises(DataError, match=r"a\.txt, line 3: .* at byte 1 of the line"), open_text(tmp_path / "a.txt") as file:
        file.read()


def test_only_nothing_and_an_empty_folder_are_free(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    for name in ("new", "empty"):
        check_free(tmp_path / name, overwrite=False)
    for path, message in ((tmp_path, "the folder exists and is not empty"), (tmp_path / "file", "the file exists")):
        with pytest.raises(ConfigurationError, match=f"{message}; choose another or use --overwrite"):
            check_free(path, overwrite=False)
        check_free(path, overwrite=True)
