"""Devices of machines that this one is not: torch is told which accelerators it sees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from loreweave.cli.main import main
from loreweave.errors import ConfigurationError
from loreweave.training import accelerators, precision
from loreweave.training.devices import autocast, choose_device, training_device
from loreweave.training.precision import best_precision
from loreweave.training.runs.environment import environment
from loreweave.training.runs.resources import Meter, peak_device_memory_gib

Machine = Callable[..., None]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with so many devices of each kind."""

    def has(cuda: int = 0, xpu: int = 0, mps: int = 0) -> None:
        for kind, number in (("cuda", cuda), ("xpu", xpu), ("mps", mps)):
            module = torch.get_device_module(kind)
            monkeypatch.setattr(torch.backends.mps if kind == "mps" else module, "is_available", lambda found=number: found > 0)
            monkeypatch.setattr(module, "device_count", lambda found=number: found)
            if kind != "mps":
                monkeypatch.setattr(module, "get_device_name", lambda index=0, kind=kind: f"{kind} card {index}")
        monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
        precision._best.cache_clear()

    has()
    return has


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({}, "cpu"),
        ({"mps": 1}, "mps"),
        ({"xpu": 2}, "xpu"),
        ({"cuda": 8}, "cuda"),
        ({"cuda": 1, "xpu": 1, "mps": 1}, "cuda"),
        ({"xpu": 1, "mps": 1}, "xpu"),
    ],
)
def test_the_automatic_choice(machine: Machine, found: dict[str, int], expected: str) -> None:
    machine(**found)
    assert str(choose_device(None)) == str(choose_device("auto")) == expected


def test_every_device_of_the_machine_can_be_named(machine: Machine) -> None:
    machine(cuda=2, xpu=1, mps=1)
    names = accelerators.devices_here()
    assert names == ["cuda:0", "cuda:1", "xpu:0", "mps", "cpu"]
    assert [str(choose_device(name)) for name in names] == names
    assert [str(choose_device(kind)) for kind in ("cuda", "xpu", "mps:0", "cpu:0")] == ["cuda", "xpu", "mps:0", "cpu:0"]


@pytest.mark.parametrize("name", ["gpu", "cuda:-1", "cuda:x", "CUDA", "meta", "vulkan", "xla", "", "cuda:1,2", "cpu cuda"])
def test_a_name_of_no_device(machine: Machine, name: str) -> None:
    machine(cuda=2)
    with pytest.raises(ConfigurationError) as caught:
        choose_device(name)
    assert f"found {name!r}, expected auto, cpu, cuda, xpu, mps" in str(caught.value)
    assert "this machine has cuda:0, cuda:1 and cpu" in str(caught.value)


@pytest.mark.parametrize("name", ["xpu", "xpu:0", "mps", "cuda:2", "cpu:1"])
def test_a_device_that_the_machine_lacks(machine: Machine, name: str) -> None:
    machine(cuda=2)
    with pytest.raises(ConfigurationError, match=f"found '{name}', but this machine has cuda:0, cuda:1 and cpu"):
        choose_device(name)


def test_a_build_of_torch_without_the_kind_is_the_reason(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: False)
    with pytest.raises(ConfigurationError, match=r"this machine has only cpu; torch .* is built without CUDA"):
        choose_device("cuda")
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: True)
    with pytest.raises(ConfigurationError, match="this machine has only cpu$"):
        choose_device("cuda")


def test_training_on_another_device_than_the_first(machine: Machine) -> None:
    machine(cuda=2, xpu=2)
    assert str(training_device("xpu:0")) == "xpu:0"
    with pytest.raises(ConfigurationError, match="set CUDA_VISIBLE_DEVICES=1 and use device=cuda"):
        training_device("cuda:1")
    with pytest.raises(ConfigurationError, match="set ZE_AFFINITY_MASK=1 and use device=xpu"):
        training_device("xpu:1")


def test_bf16_is_chosen_where_the_hardware_has_it(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(xpu=1)
    for native in (True, False):
        precision._best.cache_clear()
        monkeypatch.setattr(
            torch.xpu, "is_bf16_supported", lambda including_emulation, native=native: native or including_emulation
        )
        choice = best_precision("xpu")
        assert choice.precision == ("bf16" if native else "fp32") and "xpu card 0" in choice.reason


def test_bf16_that_a_device_has_not_is_refused_before_any_work(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(mps=1)
    monkeypatch.setattr(torch.backends.mps, "is_macos_or_newer", lambda major, minor: (major, minor) <= (13, 6))
    with pytest.raises(ConfigurationError, match="this mps device has no bf16; use fp16 or fp32"):
        autocast(torch.device("mps"), "bf16")


def test_the_record_of_a_run_names_the_devices_and_their_memory(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(xpu=2)
    assert environment()["devices"] == ["xpu card 0", "xpu card 1"]
    assert "peak_device_memory_gib" not in Meter().read()
    monkeypatch.setattr(torch.xpu, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.xpu, "max_memory_allocated", lambda device: 3 * 2**29)
    assert Meter().read()["peak_device_memory_gib"] == 1.5
    machine(mps=1)
    assert environment()["devices"] == ["mps"]
    assert peak_device_memory_gib(torch.device("mps")) is None and peak_device_memory_gib(torch.device("cpu")) is None


COMMANDS = [
    ["finetune", "ner", "--model", "minilm", "--train", "f", "--output", "o"],
    ["evaluate", "ner", "--model", "m", "--data", "f"],
    ["predict", "ner", "--model", "m", "f"],
    ["pretrain", "minilm/pretraining-1", "data=d", "output=o"],
    ["pretrain", "minilm/pretraining-1", "data=d", "output=o", "--estimate"],
    ["probe", "minilm", "few_shot.data=d"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_every_command_refuses_a_device_that_is_not_there(
    machine: Machine, command: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(cuda=1)
    monkeypatch.chdir(tmp_path)
    Path("f").write_text('{"text": "A text."}\n')
    assert main([*command, "--device", "cuda:7"]) in (1, 2)
    assert "this machine has cuda:0 and cpu" in capsys.readouterr().err
