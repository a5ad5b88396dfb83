"""Groups of settings that a registry names: filled, overridden, refused, documented and written as dataclasses are."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from loreweave.errors import ConfigurationError
from loreweave.training.settings.conditions import ReadWhen, when
from loreweave.training.settings.configuration import fill, to_dict
from loreweave.training.settings.documentation import setting_docs
from loreweave.training.settings.registered import RegisteredGroup


@dataclass(kw_only=True)
class Apple:
    READ_WHEN: ClassVar[ReadWhen] = {("worms",): when(ripe=True)}
    ripe: bool = False
    """Whether it can be eaten."""
    worms: int = 0

    def __post_init__(self) -> None:
        if self.worms < 0:
            raise ValueError(f"worms: found {self.worms}, expected 0 or more")


@dataclass(kw_only=True)
class Pear:
    grams: float
    shares: tuple[float, float] = (0.5, 0.5)


KINDS: dict[str, type] = {"apple": Apple, "pear": Pear}


class Fruits(RegisteredGroup):
    @classmethod
    def members(cls) -> dict[str, type]:
        return dict(KINDS)

    @classmethod
    def texts(cls) -> dict[str, str]:
        return {name: f"One {name}." for name in KINDS}


@dataclass(kw_only=True)
class Basket:
    fruits: Fruits = field(default_factory=lambda: Fruits(apple=Apple()))
    size: int = 1


def test_values_and_overrides_fill_it() -> None:
    basket = fill(Basket, {"fruits": {"pear": {"grams": "1e2"}}}, ["fruits.pear.shares=0.25,0.75", "fruits.apple.ripe=true"])
    assert basket.fruits == Fruits(pear=Pear(grams=100.0, shares=(0.25, 0.75)), apple=Apple(ripe=True))
    assert list(basket.fruits) == ["apple", "pear"], "in the order of the registry"
    assert fill(Basket, {}).fruits.apple == Apple() and fill(Basket, {}).fruits.pear is None
    assert fill(Basket, {}, ["fruits.apple.ripe=true"]).fruits == Fruits(apple=Apple(ripe=True))
    assert fill(Basket, {"fruits": {}}).fruits == Fruits()
    assert fill(Basket, {}, ["fruits.apple=null"]).fruits == Fruits()


def test_it_is_written_without_what_is_off_and_read_again() -> None:
    basket = fill(Basket, {"fruits": {"pear": {"grams": 3}, "apple": None}})
    written = to_dict(basket)
    assert written == {"fruits": {"pear": {"grams": 3.0, "shares": [0.5, 0.5]}}, "size": 1}
    assert fill(Basket, written) == basket
    assert pickle.loads(pickle.dumps(basket)) == basket == copy.deepcopy(basket)


@pytest.mark.parametrize(
    ("values", "overrides", "message"),
    [
        ({"fruits": {"aple": {}}}, [], "unknown setting 'aple' in fruits; did you mean 'apple'?"),
        ({}, ["fruits.cherry=1"], "unknown setting 'cherry' in fruits; known: apple, pear"),
        ({}, ["fruits.apple.wurms=1"], "unknown setting 'wurms' in fruits.apple; did you mean 'worms'?"),
        ({}, ["apple=1"], "did you mean 'fruits.apple'?"),
        ({"fruits": {"pear": {}}}, [], "setting 'fruits.pear.grams' of Basket is missing"),
        ({"fruits": {"pear": {"grams": "much"}}}, [], "setting 'fruits.pear.grams': found 'much' (a text), expected a number"),
        ({"fruits": {"apple": 3}}, [], "setting 'fruits.apple': found 3, expected a group of settings"),
        ({"fruits": 3}, [], "setting 'fruits': found 3, expected a group of settings"),
        ({"fruits": {"apple": {"worms": -1}}}, [], "setting 'fruits.apple.worms': found -1, expected 0 or more"),
        ({"fruits": {"apple": {"worms": 2}}}, [], "fruits.apple.worms is read only with fruits.apple.ripe=true"),
    ],
)
def test_what_is_wrong_is_named(values: dict[str, object], overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        fill(Basket, values, overrides)
    assert message in str(raised.value)


def test_only_names_of_the_registry_are_attributes() -> None:
    with pytest.raises(AttributeError, match="Fruits has no setting 'cherry'"):
        _ = Fruits().cherry
    with pytest.raises(ConfigurationError, match="unknown setting 'cherry'; known: apple, pear"):
        Fruits(cherry=Apple())


def test_a_name_that_is_added_later_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "cherry", Apple)
    assert fill(Basket, {"fruits": {"cherry": {"ripe": True}}}).fruits.cherry == Apple(ripe=True)


def test_its_documentation() -> None:
    found = {setting.name: setting for setting in setting_docs(Basket)}
    names = ["apple", "apple.ripe", "apple.worms", "pear", "pear.grams", "pear.shares"]
    assert list(found) == [*(f"fruits.{name}" for name in names), "size"]
    assert (found["fruits.apple"].text, found["fruits.apple"].kind) == ("One apple.", "group | null")
    assert (found["fruits.apple.ripe"].text, found["fruits.apple.ripe"].default) == ("Whether it can be eaten.", False)
    assert found["fruits.pear.shares"].default == (0.5, 0.5), "also of one that is off"
