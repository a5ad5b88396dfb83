"""Files of Paddle itself, and ours in Paddle. Paddle runs in a process of its own: see `paddle_python`."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import layouts
import numpy as np
import pytest
import torch
import transformers

from loreweave import models
from loreweave.checkpoints import convert, load_luke, recognise
from loreweave.checkpoints.formats import paddle

PROGRAM = Path(__file__).resolve().parent.parent / "helpers" / "paddle_program.py"
EPSILON = 1e-6


@cache
def paddle_python() -> str:
    """The Python that has Paddle: `LOREWEAVE_PADDLE_PYTHON`, else this one if the extra `paddle` is installed."""
    named = os.environ.get("LOREWEAVE_PADDLE_PYTHON")
    if named is None and find_spec("paddle") is None:
        pytest.skip("Paddle is not installed (extra: paddle); LOREWEAVE_PADDLE_PYTHON may name a Python that has it")
    return named or sys.executable


def run_paddle(*arguments: Any) -> None:
    command = [paddle_python(), str(PROGRAM), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]


def reference(name: str = "LukeForMaskedLM", **changes: Any) -> Any:
    return layouts.reference(getattr(transformers, name), extra_queries=True, **({"layer_norm_eps": EPSILON} | changes))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference's state as Paddle writes it, in each layout."""
    folder = tmp_path_factory.mktemp("written")
    np.savez(folder / "state.npz", **layouts.paddle_arrays(reference()))
    run_paddle("save", folder / "state.npz", folder)
    return folder


@pytest.mark.parametrize("layout", ["protocol-2", "protocol-3", "protocol-4", "training", "arrays", "safetensors"])
def test_what_paddle_writes_gives_the_same_outputs_here(written: Path, tmp_path: Path, layout: str) -> None:
    base = layouts.write_v4_folder(tmp_path / "luke", layouts.reference())
    path = written / f"{layout}.pdparams"
    assert recognise(path) == "paddle"
    loaded = load_luke(path, base=base)
    assert type(loaded.model) is models.LukeForMaskedLM and loaded.model.config.layer_norm_eps == EPSILON
    assert not loaded.report.dropped and not loaded.report.new_modules
    layouts.assert_same(loaded.model, reference(), *layouts.MASKED_LM)


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_half_precision_of_paddle_is_read_as_such(written: Path, tmp_path: Path, kind: str) -> None:
    base = layouts.write_v4_folder(tmp_path / "luke", layouts.reference())
    found = load_luke(written / f"{kind}.pdparams", base=base).model.state_dict()
    dtype = getattr(torch, kind)
    for name, tensor in reference().state_dict().items():
        assert torch.equal(found[name].float(), tensor.to(dtype).float()), name


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_what_we_write_gives_the_same_tensors_in_paddle(tmp_path: Path, dtype: torch.dtype) -> None:
    model = models.LukeForMaskedLM(layouts.config())
    model.load_state_dict(reference().state_dict())
    paddle.save(model.to(dtype), None, tmp_path / "out")
    run_paddle("load", tmp_path / "out" / "model_state.pdparams", tmp_path / "found.npz")
    found = dict(np.load(tmp_path / "found.npz"))
    wanted = layouts.paddle_arrays(reference())
    assert {name for name in found if not name.startswith("type:")} == set(wanted)
    for name, array in wanted.items():
        assert str(found[f"type:{name}"]) == f"paddle.{str(dtype).removeprefix('torch.')}"
        tensor = torch.from_numpy(array).to(dtype)
        stored = tensor.view(torch.uint16) if dtype == torch.bfloat16 else tensor
        assert np.array_equal(found[name], stored.numpy()), name


def states_of_paddle(file: Path, folder: Path, epsilon: float) -> list[np.ndarray]:
    batch = layouts.inputs()
    np.savez(folder / "inputs.npz", **{name: tensor.numpy() for name, tensor in batch.items()})
    run_paddle("forward", file, folder / "inputs.npz", folder / "states.npz", layouts.HEADS, epsilon)
    states = np.load(folder / "states.npz")
    return [states[f"state_{number}"] for number in range(len(states.files))]


def states_of_ours(model: Any) -> list[np.ndarray]:
    encoder = getattr(model, "luke", model).eval()
    with torch.no_grad():
        output = encoder(**layouts.inputs(), output_hidden_states=True)
    pairs = zip(output.hidden_states, output.entity_hidden_states, strict=True)
    return [torch.cat(pair, 1).numpy() for pair in pairs]


def differences(found: list[np.ndarray], wanted: list[np.ndarray]) -> list[float]:
    """The largest difference of each layer at visible positions, relative to 1 + the largest number."""
    batch = layouts.inputs()
    visible = torch.cat([batch["attention_mask"], batch["entity_attention_mask"]], 1).bool().numpy()
    assert len(found) == len(wanted) == layouts.LAYERS + 1
    pairs = zip(found, wanted, strict=True)
    return [float(np.abs(f - w)[visible].max() / (1 + np.abs(w[visible]).max())) for f, w in pairs]


def test_layers_computed_in_paddle_from_a_converted_model(tmp_path: Path) -> None:
    """The embeddings and each layer: entity-aware attention, feed-forward and layer norms; for both values of epsilon."""
    folder = layouts.write_v4_folder(tmp_path / "luke", reference(layer_norm_eps=1e-5))
    convert(folder, tmp_path / "paddle", to="paddle")
    file = tmp_path / "paddle" / "model_state.pdparams"
    ours = load_luke(folder).model
    assert max(differences(states_of_paddle(file, tmp_path, 1e-5), states_of_ours(ours))) < 1e-5
    as_paddle = load_luke(folder).model
    for module in as_paddle.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.eps = EPSILON
    assert max(differences(states_of_paddle(file, tmp_path, EPSILON), states_of_ours(as_paddle))) < 1e-5


def test_layers_computed_in_paddle_from_its_own_file(written: Path, tmp_path: Path) -> None:
    base = layouts.write_v4_folder(tmp_path / "luke", layouts.reference())
    file = written / "protocol-4.pdparams"
    found, ours = states_of_paddle(file, tmp_path, EPSILON), states_of_ours(load_luke(file, base=base).model)
    assert max(differences(found, ours)) < 1e-5
