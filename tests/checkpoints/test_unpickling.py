"""Pickles from outside: what is read, and that nothing in them runs."""

from __future__ import annotations

import argparse
import enum
import os
import pickle
import sys
import types
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from loreweave.checkpoints import load_luke
from loreweave.checkpoints.unpickling import StandIn, read_numpy_pickle, read_torch_file
from loreweave.errors import CheckpointError


class Attack:
    """Creates a file when it is unpickled."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.victim}",)


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    return tmp_path / "victim"


def test_the_attack_of_these_tests_works_on_plain_pickle(victim: Path) -> None:
    pickle.loads(pickle.dumps(Attack(victim)))
    assert victim.exists()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", ["pytorch_model.bin", "mp_rank_00_model_states.pt", "best.th"])
def test_malicious_torch_files_are_refused(tmp_path: Path, victim: Path, name: str, zipped: bool) -> None:
    content = {"embeddings.word_embeddings.weight": torch.zeros(2, 2), "bad": Attack(victim)}
    torch.save(content, tmp_path / name, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=r"(posix|nt)\.system.*not run"):
        read_torch_file(tmp_path / name)
    (tmp_path / "metadata.json").write_text('{"model_config": {}}')
    with pytest.raises(CheckpointError, match=r"system"):
        load_luke(tmp_path / name)
    assert not victim.exists()


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_malicious_paddle_files_are_refused(tmp_path: Path, victim: Path, protocol: int) -> None:
    file = tmp_path / "model_state.pdparams"
    file.write_bytes(pickle.dumps({"a": np.zeros(2), "b": Attack(victim)}, protocol=protocol))
    with pytest.raises(CheckpointError, match=r"model_state.pdparams: found (posix|nt)\.system in the pickle"):
        load_luke(file)
    assert not victim.exists()


def test_builtins_that_run_code_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.pdparams"
    file.write_bytes(b"cbuiltins\neval\n(S'1+1'\ntR.")
    with pytest.raises(CheckpointError, match=r"builtins\.eval"):
        read_numpy_pickle(file)


def test_only_latin1_reaches_codecs(tmp_path: Path) -> None:
    file = tmp_path / "a.pdparams"
    file.write_bytes(b"c_codecs\nencode\n(Vabc\nVrot13\ntR.")
    with pytest.raises(CheckpointError, match="'rot13'"):
        read_numpy_pickle(file)


@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5])
def test_arrays_of_every_protocol(tmp_path: Path, protocol: int) -> None:
    content = OrderedDict(a=np.arange(6, dtype=np.float32).reshape(2, 3), b=("b", np.zeros(0, dtype=np.int64)), c=np.float64(2))
    (tmp_path / "a.pdparams").write_bytes(pickle.dumps(content, protocol=protocol))
    found = read_numpy_pickle(tmp_path / "a.pdparams")
    assert found["a"].tolist() == [[0, 1, 2], [3, 4, 5]] and found["a"].dtype == np.float32
    assert found["b"][1].shape == (0,) and found["c"] == 2


def test_arrays_by_the_names_of_numpy_1(tmp_path: Path) -> None:
    data = pickle.dumps({"a": np.arange(3)}, protocol=2).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    (tmp_path / "a.pdparams").write_bytes(data)
    assert read_numpy_pickle(tmp_path / "a.pdparams")["a"].tolist() == [0, 1, 2]


def test_arrays_of_objects_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pdparams").write_bytes(pickle.dumps({"a": [np.array([None])]}))
    with pytest.raises(CheckpointError, match="array of object"):
        read_numpy_pickle(tmp_path / "a.pdparams")


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("content", [b"", b"\x80\x04", b"no pickle", b"\x80\x04X\xff\xff\xff\x7f"])
def test_broken_files_are_errors_with_their_name(tmp_path: Path, content: bytes) -> None:
    for name, read in (("a.pdparams", read_numpy_pickle), ("a.bin", read_torch_file)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError, match=name):
            read(tmp_path / name)


def test_missing_files_are_named(tmp_path: Path) -> None:
    for read in (read_numpy_pickle, read_torch_file):
        with pytest.raises(CheckpointError, match="gone: file not found"):
            read(tmp_path / "gone")


@pytest.mark.parametrize("zipped", [True, False])
def test_tensors_with_settings_and_counters(tmp_path: Path, zipped: bool) -> None:
    content = {
        "module": OrderedDict(a=torch.ones(2)),
        "args": argparse.Namespace(rate=1e-5),
        "global_steps": np.int64(7),
        "loss": np.float64(0.5),
        "seen": {1, 2},
    }
    torch.save(content, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    found = read_torch_file(tmp_path / "a.pt")
    assert found["module"]["a"].tolist() == [1, 1]
    assert found["args"].rate == 1e-5 and not isinstance(found["args"], argparse.Namespace)
    assert found["global_steps"] == 7 and found["loss"] == 0.5 and found["seen"] == {1, 2}


def _foreign_package(monkeypatch: pytest.MonkeyPatch, name: str) -> types.ModuleType:
    """A module `package.module` of a package that is not installed, for pickling only."""
    modules = {part: types.ModuleType(part) for part in (name.partition(".")[0], name)}
    for part, module in modules.items():
        monkeypatch.setitem(sys.modules, part, module)
    return modules[name]


def _foreign_content(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Objects as fairseq pickles them in `extra_state` (meters with a state), and an enum, slots and a function besides."""
    module = _foreign_package(monkeypatch, "fairseq.meters")

    class AverageMeter:
        def __init__(self) -> None:
            self.val = 1.0

    class Slots:
        __slots__ = ("start",)

        def __init__(self) -> None:
            self.start = 1

    class Choice(enum.Enum):
        ONE = 1

    def tokenize_line(line: str) -> list[str]:
        return line.split()

    for item in (AverageMeter, Slots, Choice, tokenize_line):
        item.__module__, item.__qualname__ = "fairseq.meters", item.__name__
        setattr(module, item.__name__, item)
    meters = OrderedDict(loss=AverageMeter(), time=Slots())
    return {"meters": meters, "choice": Choice.ONE, "function": tokenize_line, "a": torch.ones(2)}


@pytest.mark.parametrize("zipped", [True, False])
def test_a_named_package_gets_stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zipped: bool) -> None:
    with monkeypatch.context() as patch:
        torch.save(_foreign_content(patch), tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    found = read_torch_file(tmp_path / "a.pt", stand_in_for="fairseq")
    assert found["a"].tolist() == [1, 1] and all(type(meter) is StandIn for meter in found["meters"].values())
    assert not vars(found["meters"]["loss"])
    assert type(found["choice"]) is StandIn and found["function"] is StandIn
    for package in (None, "fair", "fairseq.meters"):
        with pytest.raises(CheckpointError, match=r"found fairseq\.meters\.AverageMeter in the pickle.*not run"):
            read_torch_file(tmp_path / "a.pt", stand_in_for=package)


@pytest.mark.parametrize("zipped", [True, False])
def test_stand_ins_let_nothing_else_in(tmp_path: Path, victim: Path, monkeypatch: pytest.MonkeyPatch, zipped: bool) -> None:
    with monkeypatch.context() as patch:
        content = {**_foreign_content(patch), "bad": Attack(victim)}
        torch.save(content, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=r"(posix|nt)\.system.*not run"):
        read_torch_file(tmp_path / "a.pt", stand_in_for="fairseq")
    assert not victim.exists()
