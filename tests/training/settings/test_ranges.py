"""Ranges of the settings that tasks and pre-training share: impossible values are refused before anything is read."""

from __future__ import annotations

import pytest

from loreweave.errors import ConfigurationError
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.tasks.ner.settings import NerConfig
from loreweave.training.settings.configuration import fill

WRONG = (
    ("dropout=5", "dropout.?: found 5.*, expected a number from 0 to below 1"),
    ("dropout=1", "dropout.?: found 1.*, expected a number from 0 to below 1"),
    ("dropout=-0.1", "dropout.?: found -0.1, expected a number from 0 to below 1"),
    ("schedule.warmup_ratio=6", "warmup_ratio.?: found 6.*, expected a number from 0 to 1"),
    ("schedule.warmup_steps=-1", "warmup_steps.?: found -1, expected 0 or more"),
    ("schedule.total_steps=0", "total_steps.?: found 0, expected 1 or more"),
)


@pytest.mark.parametrize(("setting", "message"), WRONG)
@pytest.mark.parametrize("kind", [NerConfig, PretrainingConfig])
def test_impossible_values_are_refused(kind: type, setting: str, message: str) -> None:
    values = {"model": "bert", "output": "run"} if kind is PretrainingConfig else {}
    with pytest.raises(ConfigurationError, match=message):
        fill(kind, values, [setting, *(["schedule.warmup_steps=null"] if "warmup_ratio" in setting else [])])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("max_length=0", "max_length.?: found 0, expected 1 or more"),
        ("max_mention_length=0", "max_mention_length.?: found 0, expected 1 or more"),
        ("patience=0", "patience.?: found 0, expected 1 or more"),
    ],
)
def test_counts_of_fine_tuning_begin_at_one(setting: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        fill(NerConfig, {}, [setting])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("sampling_smoothing=-1", "sampling_smoothing.?: found -1.*, expected 0 or more"),
        ("save_steps=-1", "save_steps.?: found -1, expected 0 or more"),
        ("workers=-1", "workers.?: found -1, expected 0 or more"),
        ("entity_embedding_size=0", "entity_embedding_size.?: found 0, expected more than 0"),
    ],
)
def test_numbers_of_pretraining(setting: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        fill(PretrainingConfig, {"model": "bert", "output": "run"}, [setting])


def test_the_ends_that_are_possible() -> None:
    settings = ["dropout=0", "schedule.warmup_ratio=1", "schedule.total_steps=1", "patience=1", "max_length=1"]
    config = fill(NerConfig, {}, settings)
    assert (config.dropout, config.schedule.warmup_ratio, config.schedule.total_steps) == (0.0, 1.0, 1)
