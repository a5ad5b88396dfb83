"""What is said of settings: every one can be given as it is said, and what stands under a field is its text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import ClassVar

import pytest

from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.tasks.few_shot_ner.settings import EvaluationSettings
from loreweave.tasks.ner.model import NerConfig
from loreweave.tasks.registry import load_training, trained_task_names
from loreweave.training.retention import RULES
from loreweave.training.schedules import SCHEDULES
from loreweave.training.settings.configuration import fill
from loreweave.training.settings.documentation import Choices, setting_docs


@dataclass
class Inner:
    rate: float = 0.5
    """How
    fast."""


@dataclass
class Base:
    seed: int = 1
    """Seed of random numbers."""
    names: list[str] | None = None


@dataclass
class Outer(Base):
    seed: int = 2
    inner: Inner = field(default_factory=lambda: Inner(rate=0.25))
    other: Inner | None = None
    wanted: str = field(kw_only=True)
    """Must be given."""


def test_texts_types_and_defaults() -> None:
    found = [(setting.name, setting.kind, setting.default, setting.text) for setting in setting_docs(Outer)]
    assert {setting.read for setting in setting_docs(Outer)} == {"always"}
    assert found == [
        ("seed", "integer", 2, "Seed of random numbers."),
        ("names", "list of texts | null", None, ""),
        ("inner.rate", "number", 0.25, "How fast."),
        ("other", "group | null", None, ""),
        ("other.rate", "number", 0.5, "How fast."),
        ("wanted", "text", None, "Must be given."),
    ]


@dataclass
class Choosing:
    CHOICES: ClassVar[Choices] = {
        "colour": {"red": SimpleNamespace(summary="as fire"), "blue": SimpleNamespace(summary="as water")}
    }

    colour: str = "red"
    """Colour of the line."""


@dataclass
class ChoosingOther(Choosing):
    colour: str = "blue"


def test_the_values_of_a_table_are_explained() -> None:
    text = "Colour of the line. `red`: as fire. `blue`: as water."
    assert [(setting.default, setting.text) for setting in setting_docs(Choosing)] == [("red", text)]
    assert [(setting.default, setting.text) for setting in setting_docs(ChoosingOther)] == [("blue", text)]
    texts = {setting.name: setting.text for setting in setting_docs(load_training("ner").config)}
    assert all(f"`{name}`: {rule.summary}." in texts["keep"] for name, rule in RULES.items())
    assert all(f"`{name}`: {schedule.summary}." in texts["schedule.name"] for name, schedule in SCHEDULES.items())


@pytest.mark.parametrize("task", trained_task_names())
def test_every_setting_can_be_given_with_its_default(task: str) -> None:
    config = load_training(task).config
    # a group that may be missing is there as soon as a setting of it is given
    settings = [setting for setting in setting_docs(config) if not setting.name.startswith("fine_tuning.optimizer.")]
    given = [f"{s.name}={json.dumps(s.default) if not isinstance(s.default, str) else s.default}" for s in settings]
    assert fill(config, {}, given) == config()
    assert len({setting.name for setting in settings}) == len(settings) > 30


@pytest.mark.parametrize("cls", [PretrainingConfig, *(load_training(task).config for task in trained_task_names())])
def test_every_setting_has_a_text(cls: type) -> None:
    assert [setting.name for setting in setting_docs(cls) if not setting.text] == []


def test_when_a_setting_is_read() -> None:
    read = {setting.name: setting.read for setting in setting_docs(EvaluationSettings)}
    assert (read["space"], read["fine_tuning.max_steps"], read["episodes"]) == ("method=container", "fine_tune=true", "always")
    assert read["temperature"] == "viterbi=true, or method=structshot and viterbi=null"
    read = {setting.name: setting.read for setting in setting_docs(NerConfig)}
    assert (read["nested"], read["base"], read["patience"]) == ("head=luke", "a LUKE", "dev data")
    assert read["schedule.warmup_ratio"] == "schedule.warmup_steps=null"


def test_real_texts() -> None:
    texts = {setting.name: setting.text for setting in setting_docs(NerConfig)}
    assert texts["patience"].startswith("Number of epochs without a better") and "16" not in texts["max_mention_length"]
    assert "length of a candidate span" in texts["max_mention_length"]  # its own, not that of the class below
    assert any(setting.name == "optimizer.learning_rate" for setting in setting_docs(PretrainingConfig))
