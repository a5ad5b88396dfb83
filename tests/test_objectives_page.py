"""docs/objectives.md has every objective and hook, and its example trains."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from other_packages import isolate
from pretraining_runs import settings
from tiny_worlds import make_world

from loreweave.objectives import OBJECTIVES, registry
from loreweave.objectives.base import Objective
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.run import run
from loreweave.training.settings.configuration import fill

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "objectives.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[str]:
    """The first column of the table that begins with a heading."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)


def test_every_objective_is_on_the_page() -> None:
    assert rows("name") == list(OBJECTIVES)


def test_every_hook_is_on_the_page() -> None:
    needed = {"name", "settings", "nothing", "build", "weight", "head", "loss"}
    assert rows("hook") == [part for part in vars(Objective) if not part.startswith("_") and part not in needed]


def test_the_example_trains(tmp_path: Path, minilm_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "window_length.py").write_text(example, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    isolate(registry.REGISTRY, monkeypatch)
    importlib.import_module("window_length")
    world = make_world(tmp_path / "world", minilm_dir)
    asked = settings(world, tmp_path / "run", word_only=True, objectives={}, epochs=4)
    asked |= {"optimizer": {"learning_rate": 1e-2}, "dropout": 0.0}
    result = run(fill(PretrainingConfig, asked, ["objectives.window_length.unit=20", "objectives.masked_words.weight=1"]))
    losses = [row["window_length_loss"] for row in result.record.metrics()]
    assert len(losses) == 24 and losses[-1] < 0.5 * losses[0], losses
