"""What `precision=auto` becomes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from loreweave.training import precision
from loreweave.training.precision import (
    Choice,
    best_precision,
    has_bf16_instructions,
    settle_precision,
    time_products,
    with_settled_precision,
)

CPU = torch.device("cpu")


@dataclass
class Settings:
    precision: str = "auto"
    seed: int = 3


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    precision._best.cache_clear()
    yield
    precision._best.cache_clear()


def processor(monkeypatch: pytest.MonkeyPatch, native: bool | None, fp32: float = 1.0, bf16: float = 1.0) -> list[int]:
    calls: list[int] = []
    monkeypatch.setattr(precision, "has_bf16_instructions", lambda: native)
    monkeypatch.setattr(precision, "time_products", lambda: calls.append(1) or (fp32, bf16))
    return calls


@pytest.mark.parametrize("native", [True, None])
@pytest.mark.parametrize(("bf16", "expected"), [(0.4, "bf16"), (0.66, "bf16"), (0.7, "fp32"), (4.0, "fp32")])
def test_products_decide_and_are_timed_once(
    native: bool | None, bf16: float, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = processor(monkeypatch, native, bf16=bf16)
    said: list[str] = []
    assert settle_precision("auto", CPU, said.append) == expected
    assert best_precision("cpu").precision == expected
    assert len(calls) == 1
    assert said == [f"precision: {expected} (auto: a matrix product takes {1000 * bf16:.1f} ms in bf16, 1000.0 ms in fp32)"]


def test_a_processor_without_the_instructions_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = processor(monkeypatch, False, bf16=0.1)
    assert best_precision("cpu") == Choice("fp32", "the processor has no instructions for bf16")
    assert not calls


@pytest.mark.parametrize(("native", "expected"), [(True, "bf16"), (False, "fp32"), (None, "fp32")])
def test_several_processes_go_by_what_the_processor_says(
    native: bool | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    calls = processor(monkeypatch, native, bf16=0.1)
    assert best_precision("cpu").precision == expected
    assert not calls


def test_gpus_and_other_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "H100")
    for supported, expected in ((True, "bf16"), (False, "fp32")):
        precision._best.cache_clear()
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, found=supported: found)
        choice = best_precision("cuda")
        assert choice.precision == expected and "H100" in choice.reason
    assert best_precision("mps").precision == "fp32"


def test_what_is_asked_for_stays_and_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = processor(monkeypatch, True, bf16=0.1)
    said: list[str] = []
    assert settle_precision("fp32", CPU, said.append) == "fp32"
    config = Settings("fp16")
    assert with_settled_precision(config, CPU, said.append) is config
    assert not said and not calls


def test_a_run_that_goes_on_keeps_its_format_and_says_when_the_machine_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor(monkeypatch, False)
    said: list[str] = []
    for content in ({"precision": "bf16"}, {"task": "ner", "settings": {"precision": "bf16"}}):
        (tmp_path / "config.json").write_text(json.dumps(content))
        assert with_settled_precision(Settings(), CPU, said.append, tmp_path) == Settings("bf16")
    assert said == 2 * [
        "precision: bf16, as the run began; this machine would choose fp32: the processor has no instructions for bf16"
    ]
    (tmp_path / "config.json").write_text(json.dumps({"precision": "fp32"}))
    said.clear()
    assert with_settled_precision(Settings(), CPU, said.append, tmp_path) == Settings("fp32")
    assert said == ["precision: fp32, as the run began"]
    assert with_settled_precision(Settings(), CPU, said.append, tmp_path / "none") == Settings("fp32")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx512f avx512_bf16 fsrm\n", True),
        ("processor\t: 0\nflags\t\t: fpu avx2 amx_bf16\n", True),
        ("processor\t: 0\nflags\t\t: fpu avx512f avx512_vnni\n", False),
        ("processor\t: 0\nFeatures\t: fp asimd bf16 i8mm\n", True),
        ("processor\t: 0\nFeatures\t: fp asimd\n", False),
        ("something else\n", None),
        (None, None),
    ],
)
def test_instructions_are_read_from_the_system(
    text: str | None, expected: bool | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "_CPU_INFORMATION", tmp_path / "cpuinfo")
    if text is not None:
        (tmp_path / "cpuinfo").write_text(text)
    assert has_bf16_instructions() is expected


def test_products_are_timed() -> None:
    assert all(0 < seconds < 60 for seconds in time_products())
