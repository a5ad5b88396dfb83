"""Settings that are read under a condition only, and what is said of one that is not read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import pytest

from loreweave.errors import ConfigurationError
from loreweave.training.settings.conditions import (
    GIVEN,
    LeftOpen,
    ReadWhen,
    check_read,
    conditions_of,
    either,
    is_read,
    never,
    when,
)
from loreweave.training.settings.configuration import fill, to_dict


@dataclass
class Inner:
    READ_WHEN: ClassVar[ReadWhen] = {("ratio",): when(steps=None, reason="a number of steps wins")}

    ratio: float = 0.1
    steps: int | None = None


@dataclass
class Outer:
    READ_WHEN: ClassVar[ReadWhen] = {
        ("depth", "nested"): when(head="spans", reason="tags cannot nest"),
        ("scheme",): when(head=("tags", "words")),
        ("table",): either(when(head="spans"), when(head="tags", encoder="luke")),
        ("split_by",): when(fraction=GIVEN),
        ("inner",): when(deep=True),
        ("patience",): when(dev=True),
        ("old",): never("nothing reads it any more"),
    }
    LEFT_OPEN: ClassVar[LeftOpen] = {"head": "auto"}

    head: str = "auto"
    depth: int = 3
    nested: bool = False
    scheme: str = "iob2"
    table: int = 0
    fraction: float | None = None
    split_by: str | None = None
    deep: bool = False
    inner: Inner = field(default_factory=lambda: Inner(ratio=0.0))
    other: Inner = field(default_factory=lambda: Inner(ratio=0.0))
    patience: int | None = None
    old: int = 1


@dataclass
class Derived(Outer):
    READ_WHEN: ClassVar[ReadWhen] = {("scheme",): when(head="spans")}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            ["head=tags", "nested=true"],
            "nested is read only with head=spans (tags cannot nest), found head=tags; leave it out (nested=false is its "
            "default), or set head=spans",
        ),
        (
            ["head=spans", "scheme=bilou"],
            "scheme is read only with head=tags or words, found head=spans; leave it out (scheme=iob2 is its default), or "
            "set head=tags or words",
        ),
        (
            ["split_by=doc"],
            "split_by is read only with a value of fraction, found fraction=null; leave it out (split_by=null is its default), "
            "or give fraction",
        ),
        (
            ["inner.ratio=0.5"],
            "inner.ratio is read only with deep=true, found deep=false; leave it out (inner.ratio=0.0 is its default), or set "
            "deep=true",
        ),
        (
            ["other.steps=4", "other.ratio=0.5"],
            "other.ratio is read only with other.steps=null (a number of steps wins), found other.steps=4; leave it out "
            "(other.ratio=0.0 is its default), or set other.steps=null",
        ),
        (["old=2"], "old is not read: nothing reads it any more; leave it out (old=1 is its default)"),
        (
            ["head=words", "table=7"],
            "table is read only with head=spans, or head=tags and a LUKE, found head=words; leave it out (table=0 is its "
            "default), or set head=spans",
        ),
    ],
)
def test_a_setting_that_is_not_read_is_refused(given: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        fill(Outer, {}, given)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "given",
    [
        ["head=tags", "nested=false", "depth=3"],  # a default is never an error
        ["nested=true"],  # head=auto leaves it open
        ["head=words", "scheme=bilou"],
        ["head=tags", "table=7"],  # the encoder is not known yet
        ["split_by=doc", "fraction=0.1"],
        ["deep=true", "inner.ratio=0.5"],
        ["other.steps=4"],  # whose ratio is the default of the group, not of its class
        ["patience=3"],
    ],
)
def test_what_is_read_or_may_be_read_is_kept(given: list[str]) -> None:
    filled = fill(Outer, {}, given)
    assert fill(Outer, to_dict(filled)) == filled


def test_the_default_of_a_group_and_that_of_its_class_are_both_defaults() -> None:
    assert fill(Outer, {"other": {"steps": 4}}).other == Inner(0.1, 4)
    assert fill(Outer, {}, ["other.steps=4"]).other == Inner(0.0, 4)


def test_what_was_left_open_is_checked_when_it_is_known() -> None:
    config = fill(Outer, {}, ["nested=true", "table=7"])
    check_read(config, head="spans", encoder="luke")
    with pytest.raises(ConfigurationError, match=r"found head=tags \(for head=auto\); leave it out"):
        check_read(config, head="tags", encoder="luke")
    config = replace(config, nested=False)
    check_read(config, head="tags", encoder="luke")
    with pytest.raises(ConfigurationError, match="table is read only .*, found .*no LUKE; leave it out .*, or"):
        check_read(config, head="tags", encoder="plain")


def test_the_way_out_is_one_that_can_be_gone() -> None:
    @dataclass
    class Heads(Outer):
        READ_WHEN: ClassVar[ReadWhen] = {("nested",): when(head="luke")}

    for encoder, end in (("plain", "set head=luke and take a LUKE (--model)"), ("luke", "set head=luke")):
        with pytest.raises(ConfigurationError) as caught:
            check_read(Heads(nested=True), head="tags", encoder=encoder)
        assert str(caught.value).endswith(f"or {end}")


def test_facts_say_how_to_get_them() -> None:
    with pytest.raises(ConfigurationError, match="only with dev data, found no dev data; .*, or give --dev FILE"):
        check_read(Outer(patience=2), dev=False)
    assert is_read(Outer(), "patience") is None and is_read(Outer(), "patience", dev=True) and is_read(Outer(), "head")


def test_a_subclass_declares_a_setting_anew() -> None:
    inherited, own = conditions_of(Outer), conditions_of(Derived)
    assert own["scheme"].text() == "head=spans" and inherited["scheme"].text("group.") == "group.head=tags or words"
    assert own["nested"].text() == "head=spans" and inherited["old"].text() == "never"
