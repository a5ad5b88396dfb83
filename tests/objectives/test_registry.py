"""Objectives from outside: by one call, or by an entry point of another package."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import word_count
from other_packages import isolate, package
from torch import nn
from word_count import WordCount, WordCountConfig

from loreweave.errors import ConfigurationError
from loreweave.objectives import OBJECTIVES, MaskedWords, Objective, ObjectivesConfig, objectives, register_objective, registry
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.training.settings.configuration import fill

ASKED = {"model": "m", "data": ["d"], "output": "o"}


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(registry.REGISTRY, monkeypatch)


def test_a_registered_objective_has_its_settings_in_recipes() -> None:
    with pytest.raises(ConfigurationError, match="unknown setting 'word_count' in objectives"):
        fill(PretrainingConfig, ASKED, ["objectives.word_count.scale=0.5"])
    register_objective(WordCount)
    register_objective(WordCount)  # again does nothing
    config = fill(PretrainingConfig, ASKED, ["objectives.word_count.scale=0.5", "objectives.masked_entities=null"])
    assert list(config.objectives) == ["masked_words", "word_count"]
    assert config.objectives.word_count == WordCountConfig(scale=0.5)
    assert list(objectives()) == [*OBJECTIVES, "word_count"], "behind those of the house"
    with pytest.raises(ConfigurationError, match="unknown setting 'scales' in objectives.word_count; did you mean 'scale'"):
        fill(PretrainingConfig, ASKED, ["objectives.word_count.scales=0.5"])


def made(**changes: Any) -> type[Objective]:
    """The objective with other attributes."""
    return type("Other", (WordCount,), changes)


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (made(name="masked_words"), "there is an objective named 'masked_words' already"),
        (made(name="windows"), "'windows' has another meaning"),
        (made(name="items"), "'items' has another meaning"),
        (made(name="training"), "'training' has another meaning"),
        (made(name="word-count"), "Other.name: found 'word-count'"),
        (made(name=None), "Other.name: found None"),
        (made(name="masked"), "the names 'masked' and 'masked_entities'"),
        (made(name="cls_entity_again"), "the names 'cls_entity_again' and 'cls_entity'"),
        (made(settings=dict), "Other.settings: found <class 'dict'>, expected a subclass of ObjectiveConfig"),
        (nn.Linear, "expected a subclass of WindowObjective, TextObjective, StreamObjective"),
        (WordCountConfig(), "expected a subclass of WindowObjective"),
        (type("Half", (MaskedWords.__mro__[1],), {"name": "half"}), "Half does not define head, loss, mask"),
    ],
)
def test_what_cannot_be_an_objective_is_refused(objective: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        register_objective(objective)
    assert message in str(raised.value)
    assert list(ObjectivesConfig.members()) == list(OBJECTIVES)


def test_another_objective_of_a_registered_name_is_refused() -> None:
    register_objective(WordCount)
    with pytest.raises(ConfigurationError, match="there is an objective named 'word_count' already"):
        register_objective(made())


def test_an_entry_point_of_another_package_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, "loreweave.objectives", "word_count = word_count:WordCount", "")
    monkeypatch.syspath_prepend(tmp_path)
    assert objectives()["word_count"] is word_count.WordCount
    assert fill(PretrainingConfig, ASKED, ["objectives.word_count.weight=2"]).objectives.word_count.weight == 2


@pytest.mark.parametrize(
    ("entry_point", "source", "message"),
    [
        ("word_count = their_module:Missing", "", "cannot load their_module:Missing (AttributeError: "),
        ("word_count = their_module:x", "import missing_module", "(ModuleNotFoundError: No module named 'missing_module')"),
        ("word_count = their_module:x", "x = 3", "found 3, expected a subclass of WindowObjective"),
        ("counts = word_count:WordCount", "", "its objective is named 'word_count', expected the same name"),
    ],
)
def test_an_entry_point_that_does_not_work_is_named(
    entry_point: str, source: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, "loreweave.objectives", entry_point, source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "their_module", raising=False)
    with pytest.raises(ConfigurationError) as raised:
        fill(PretrainingConfig, ASKED)
    name = entry_point.split()[0]
    assert str(raised.value).startswith(f"entry point {name!r} of loreweave.objectives in their-package: ")
    assert message in str(raised.value)
