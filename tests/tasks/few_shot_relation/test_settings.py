"""Settings of the commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from loreweave.errors import ConfigurationError
from loreweave.tasks.few_shot_relation.model import FewShotRelationConfig
from loreweave.tasks.few_shot_relation.settings import EvaluationSettings
from loreweave.training.settings.configuration import fill


def test_key_value_fills_them() -> None:
    found = fill(EvaluationSettings, {"episodes": 10}, ["way=10", "relations=[P26, P40]", "answers=gold.json", "distance=dot"])
    assert (found.way, found.relations, found.answers, found.distance) == (10, ["P26", "P40"], Path("gold.json"), "dot")
    with pytest.raises(ConfigurationError, match="setting 'bootstrap': found -1, expected 0 or more"):
        fill(EvaluationSettings, {}, ["bootstrap=-1"])
    with pytest.raises(ConfigurationError, match="did you mean 'shot'"):
        fill(EvaluationSettings, {}, ["shots=1"])
    with pytest.raises(ConfigurationError, match="setting 'way': found 1, expected 2 or more"):
        fill(FewShotRelationConfig, {}, ["way=1"])
