"""Ranges of settings: every number has one, and impossible values are refused before anything is read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, get_args, get_origin

import pytest

from loreweave.encoding.entity_texts import EntityTextConfig
from loreweave.errors import ConfigurationError
from loreweave.experiments.probes.settings import ProbeConfig
from loreweave.experiments.search.sweep import Sweep
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.tasks.ner.settings import NerConfig
from loreweave.tasks.registry import load_task, task_names
from loreweave.training.settings.configuration import fill
from loreweave.training.settings.documentation import setting_docs
from loreweave.training.settings.fields import dataclass_of, types_of, union_members
from loreweave.training.settings.ranges import (
    ANY_NUMBER,
    BETWEEN_0_AND_1,
    POSITIVE,
    POSITIVE_SHARE,
    SHARE,
    SHARE_BELOW_1,
    Range,
    Ranges,
    at_least,
    check_ranges,
    ranges_of,
)

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


def groups(cls: type, seen: dict[type, None]) -> dict[type, None]:
    """A group of settings and the groups in it."""
    if cls not in seen:
        seen[cls] = None
        for annotation in types_of(cls).values():
            if (inner := dataclass_of(annotation)) is not None:
                groups(inner, seen)
    return seen


def every_group() -> list[type]:
    """All groups of settings of tasks, objectives, pre-training, searches and probes."""
    found: dict[type, None] = {}
    for name in task_names():
        task = load_task(name)
        for cls in (task.evaluation, task.prediction, task.scoring, *([task.training.config] if task.training else [])):
            groups(cls, found)
    for cls in (PretrainingConfig, Sweep, ProbeConfig):
        groups(cls, found)
    return list(found)


NEEDED = {"model": "bert", "output": "run", "graph": "kg", "types": "types"}
"""Values of settings without a default, and of those that a sweep needs."""


def made(cls: type, name: str, value: Any) -> Any:
    """The group with a value, or a list or dict of it."""
    needed = {each.name: NEEDED[each.name] for each in fields(cls) if each.default is each.default_factory is MISSING}
    needed |= {"task": "ner", "vary": {"dropout": [0.1]}, "budget": {"trials": 1}} if cls is Sweep else {}
    default = next(each for each in fields(cls) if each.name == name).type
    whole = [value, 0.5] if "tuple" in str(default) else [value] if "list" in str(default) else value
    return cls(**{**needed, name: {"a": value} if "dict" in str(default) else whole})


def outside(found: Range) -> Iterator[float]:
    """Numbers that are not in a range, one beyond each end and those that are not finite."""
    yield from (math.nan, math.inf, -math.inf)
    if found.low is not None:
        yield found.low - 1 if found.closed[0] else found.low
    if found.high is not None:
        yield found.high + 1 if found.closed[1] else found.high


def numeric_settings(cls: type) -> list[str]:
    """The settings of a group that are numbers, or lists or dicts of numbers."""
    return [name for name, annotation in types_of(cls).items() if is_numeric(annotation)]


def is_numeric(annotation: Any) -> bool:
    kinds = union_members(annotation)
    inner = [part for kind in kinds if get_origin(kind) in (list, tuple, dict) for part in get_args(kind)]
    return bool({int, float} & {*kinds, *inner})


def test_there_are_many_settings_with_numbers() -> None:
    names = [(cls, name) for cls in every_group() for name in numeric_settings(cls)]
    assert len(names) > 250 and {"na_rate", "negative_weight", "least_variance", "initial"} <= {name for _, name in names}


@pytest.mark.parametrize("cls", every_group(), ids=lambda cls: f"{cls.__module__.rpartition('loreweave.')[2]}.{cls.__name__}")
def test_every_number_has_a_range_that_is_checked(cls: type) -> None:
    if cls is EntityTextConfig:  # its layer is below that of settings
        for name in numeric_settings(cls):
            with pytest.raises(ValueError, match=f"{name}: found -1"):
                EntityTextConfig(**{name: -1})
        return
    known = ranges_of(cls)
    for name in numeric_settings(cls):
        assert name in known, f"{cls.__name__}.{name} has no range: RANGES declares it"
        for value in outside(known[name]):
            with pytest.raises((ValueError, ConfigurationError), match=rf"^{name}\b.*: found .*, expected "):
                made(cls, name, value)


def test_numbers_of_each_range() -> None:
    inside = {
        ANY_NUMBER: (-1e9, 0, 7), POSITIVE: (1e-9, 1, 1e9), SHARE: (0, 0.5, 1), SHARE_BELOW_1: (0, 0.999),
        POSITIVE_SHARE: (0.001, 1), BETWEEN_0_AND_1: (0.001, 0.999), at_least(2): (2, 10**400), at_least(2, 4): (2, 4.0),
    }  # fmt: skip
    beyond = {
        ANY_NUMBER: (math.nan, math.inf, True, "1"), POSITIVE: (0, -1), SHARE: (-0.001, 1.001), SHARE_BELOW_1: (-0.001, 1),
        POSITIVE_SHARE: (0, 1.001), BETWEEN_0_AND_1: (0, 1), at_least(2): (1, 1.999), at_least(2, 4): (1, 5),
    }  # fmt: skip
    for found, values in inside.items():
        assert all(value in found for value in values), found
    for found, wrong in beyond.items():
        assert not any(value in found for value in wrong), found


@dataclass(kw_only=True)
class _Outer:
    RANGES: ClassVar[Ranges] = {("rate", "rates", "by_name"): SHARE, ("count",): at_least(1)}

    rate: float | str | None = None
    rates: list[float] = field(default_factory=list)
    by_name: dict[str, float] = field(default_factory=dict)
    count: int = 1

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(kw_only=True)
class _Inner(_Outer):
    RANGES: ClassVar[Ranges] = {("count",): at_least(0)}


def test_a_message_names_the_place_the_number_and_what_is_expected() -> None:
    _Outer(rate="auto", rates=[0, 1], by_name={"a": 0.5})
    assert _Inner(count=0).count == 0, "a subclass may declare a setting again, and has the other ranges"
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"rate": 2}, "^rate: found 2, expected a number from 0 to 1$"),
        ({"rates": [0.5, math.nan]}, "^rates: found nan, expected a number from 0 to 1$"),
        ({"by_name": {"head": -1}}, "^by_name.head: found -1, expected a number from 0 to 1$"),
        ({"count": math.inf}, "^count: found inf, expected a finite number, 0 or more$"),
    )
    for values, message in cases:
        with pytest.raises(ValueError, match=message):
            _Inner(**values)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("loss_scale.initial=0", "setting 'loss_scale.initial': found 0.0, expected more than 0"),
        ("loss_scale.growth_interval=-3", "setting 'loss_scale.growth_interval': found -3, expected more than 0"),
        ("optimizer.rate_factors.encoder=-1", "rate_factors.encoder: found -1.0, expected 0 or more"),
        ("seed=-1", "setting 'seed': found -1, expected a number from 0 to 4294967295"),
        ("objectives.masked_words.probability=1.5", "masked_words.probability': found 1.5, expected a number from 0 to 1"),
    ],
)
def test_the_dotted_name_of_a_setting_is_in_the_message(setting: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        fill(PretrainingConfig, {"model": "bert", "output": "run"}, [setting])


def test_the_list_of_settings_has_the_ranges() -> None:
    kinds = {setting.name: setting.kind for setting in setting_docs(NerConfig)}
    assert kinds["dropout"] == "number | null (a number from 0 to below 1)"
    assert (kinds["max_entity_length"], kinds["optimizer.epsilon"]) == ("integer (1 or more)", "number (more than 0)")
    assert kinds["seed"] == "integer", "any number in practice"
