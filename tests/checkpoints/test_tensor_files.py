"""Files of named tensors, whole and in shards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from loreweave.checkpoints.tensor_files import read_tensors, write_safetensors, write_torch
from loreweave.errors import CheckpointError

STATE = {"a": torch.arange(4.0), "b": torch.ones(2, 2)}


def _write_shards(folder: Path, kind: str, weight_map: dict[str, str] | None = None) -> Path:
    end = ".safetensors" if kind == "model" else ".bin"
    names = {"a": f"{kind}-00001-of-00002{end}", "b": f"{kind}-00002-of-00002{end}"}
    for tensor, name in names.items():
        save = save_file if kind == "model" else torch.save
        save({tensor: STATE[tensor]}, folder / name)
    index = folder / f"{kind}{end}.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": weight_map or names}))
    return index


@pytest.mark.parametrize("kind", ["model", "pytorch_model"])
def test_shards_are_joined(tmp_path: Path, kind: str) -> None:
    index = _write_shards(tmp_path, kind)
    for place in (index, tmp_path):
        found = read_tensors(place)
        assert {name: tensor.tolist() for name, tensor in found.items()} == {n: t.tolist() for n, t in STATE.items()}


def test_shards_outside_the_folder_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    index = _write_shards(folder, "model", {"a": "../secret.safetensors"})
    with pytest.raises(CheckpointError, match=r"\.\./secret\.safetensors.*same folder"):
        read_tensors(index)


def test_a_tensor_that_no_shard_holds(tmp_path: Path) -> None:
    index = _write_shards(tmp_path, "model", {"a": "model-00001-of-00002.safetensors", "z": "model-00001-of-00002.safetensors"})
    with pytest.raises(CheckpointError, match="do not hold z"):
        read_tensors(index)


def test_safetensors_before_pickles(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "pytorch_model.bin")
    save_file({"a": torch.ones(1)}, tmp_path / "model.safetensors")
    assert read_tensors(tmp_path)["a"].item() == 1


@pytest.mark.parametrize("content", [[1, 2], {"a": torch.zeros(1), "epoch": 3}, {1: torch.zeros(1)}])
def test_what_is_no_state_dict_is_named(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "a.bin")
    with pytest.raises(CheckpointError, match="a.bin: found"):
        read_tensors(tmp_path / "a.bin")


def test_a_broken_safetensors_file(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"12345678broken")
    with pytest.raises(CheckpointError, match="model.safetensors"):
        read_tensors(tmp_path)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="expected one of model.safetensors"):
        read_tensors(tmp_path)


def test_tied_tensors_are_written_by_each_name(tmp_path: Path) -> None:
    table = torch.randn(50, 40)
    tied = {"table": table, "decoder": table, "transposed": table.T, "part": table[:10]}
    write_safetensors(tied, tmp_path / "model.safetensors")
    write_torch(tied, tmp_path / "a.bin")
    for found in (load_file(tmp_path / "model.safetensors"), read_tensors(tmp_path / "a.bin")):
        assert all(found[name].equal(tensor) for name, tensor in tied.items())
    whole = 4 * 50 * 40
    assert (
        tmp_path / "a.bin"
    ).stat().st_size < 2 * whole + 4 * 10 * 40 + 4000  # the decoder is stored once, a view without the rest
