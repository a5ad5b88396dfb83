"""docs/objectives.md has every objective and hook, and its example trains."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
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


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the page's example, after its import."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "window_length.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "window_length", raising=False)
    isolate(registry.REGISTRY, monkeypatch)
    return importlib.import_module("window_length")


def test_the_example_has_settings_and_a_loss(example: Any) -> None:
    config = fill(PretrainingConfig, {"model": "m", "data": ["d"], "output": "o"}, ["objectives.window_length.weight=2"])
    assert config.objectives.window_length.weight == 2 and config.objectives.window_length.unit == 10

    def encoder(**_: Any) -> Any:
        return SimpleNamespace(last_hidden_state=torch.ones(2, 3, 4))

    batch = {"input_ids": torch.ones(2, 3), "attention_mask": torch.tensor([[1, 1, 1], [1, 0, 0]])}
    made = object.__new__(example.WindowLength)
    made.config = example.WindowLengthConfig()
    head = torch.nn.Linear(4, 1)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.constant_(head.bias, 0.1)
    found = made.loss(encoder, head, made.batch(0, batch))
    assert found.total.item() == pytest.approx(0.2**2)  # 0.1 - 0.3 and 0.1 - 0.1
    assert found.correct.item() == 1


def test_the_example_trains(tmp_path: Path, minilm_dir: Path, example: Any) -> None:
    world = make_world(tmp_path / "world", minilm_dir)
    asked = settings(world, tmp_path / "run", word_only=True, objectives={}, epochs=4)
    asked |= {"optimizer": {"learning_rate": 1e-2}, "dropout": 0.0}
    result = run(fill(PretrainingConfig, asked, ["objectives.window_length.unit=20", "objectives.masked_words.weight=1"]))
    losses = [row["window_length_loss"] for row in result.record.metrics()]
    assert len(losses) == 24 and losses[-1] < 0.5 * losses[0], losses
