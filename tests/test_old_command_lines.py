"""The page that maps old options to ours: what it names of ours is there."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from pathlib import Path

from loreweave.cli.main import COMMANDS
from loreweave.tasks.cloze_qa.settings import ClozeConfig
from loreweave.tasks.entity_typing.model import EntityTypingConfig
from loreweave.tasks.extractive_qa.settings import EvaluationSettings, QaConfig
from loreweave.tasks.ner.model import NerConfig
from loreweave.tasks.relation_classification.model import RelationConfig
from loreweave.training.optimizers import OptimizerConfig, ScheduleConfig
from loreweave.training.settings.recipes import recipe_names

SETTING = re.compile(r"([a-z_]+(?:\.[a-z_]+)?)(=.*)?")
PAGE = Path(__file__).parent.parent / "docs" / "old_command_lines.md"


def settings(config: type, prefix: str = "") -> set[str]:
    assert is_dataclass(config)
    return {prefix + field.name for field in fields(config)}


KNOWN = settings(EntityTypingConfig) | settings(RelationConfig) | settings(NerConfig) | settings(ClozeConfig)
KNOWN |= settings(QaConfig) | settings(EvaluationSettings)
KNOWN |= settings(OptimizerConfig, "optimizer.") | settings(ScheduleConfig, "schedule.")


def rows() -> list[list[str]]:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def code(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_every_setting_that_it_names_exists() -> None:
    matches = [SETTING.fullmatch(word) for row in rows() for word in code(row[1])]
    named = {found[1] for found in matches if found}
    no_settings = {"no_relation", "finetune", "evaluate", "results.json", "environment.json"}
    assert len(named & KNOWN) > 25
    assert {word for word in named if "_" in word or "." in word} - no_settings <= KNOWN


def test_every_command_that_it_names_exists_and_nothing_is_missing() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"`(?:python -m )?loreweave ([a-z]+)", text))
    assert {"finetune", "attention", "search"} <= named <= set(COMMANDS)
    assert "not available" not in text, "what was missing when the page was written is there now"


def test_every_recipe_that_it_names_exists() -> None:
    named = {word for row in rows() for cell in row[2:] for word in code(cell)}
    assert named and named <= set(recipe_names())
