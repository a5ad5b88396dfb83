"""What a process took, against work of a known size."""

from __future__ import annotations

import subprocess
import sys

import pytest

from loreweave.training.runs.resources import Meter, peak_memory_gib

HOLD = "from loreweave.training.runs.resources import peak_memory_gib as peak; before = peak(); {} ; print(peak() - before)"


@pytest.mark.parametrize(("held", "gib"), [("block = bytearray(b'x') * 2**28", 0.25), ("pass", 0.0)])
def test_the_peak_of_a_process_is_what_it_held(held: str, gib: float) -> None:
    found = subprocess.run([sys.executable, "-c", HOLD.format(held)], capture_output=True, text=True, check=True)
    assert float(found.stdout) == pytest.approx(gib, abs=0.02)


def test_a_child_does_not_inherit_the_peak_of_its_parent() -> None:
    block = bytearray(b"x") * 2**29
    command = "from loreweave.training.runs.resources import peak_memory_gib; print(peak_memory_gib())"
    found = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert len(block) / 2**30 < peak_memory_gib() and float(found.stdout) < 0.4


def test_parts_add_up_and_the_higher_peak_counts() -> None:
    used = Meter({"seconds": 100.0, "cpu_seconds": 50.0, "peak_memory_gib": 9000.0}).read()
    assert 100 <= used["seconds"] < 101 and 50 <= used["cpu_seconds"] < 51 and used["peak_memory_gib"] == 9000.0
