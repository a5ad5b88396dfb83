"""Settings from YAML and overrides: YAML 1.2 values, coercion, and messages that name the setting."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.errors import ConfigurationError
from loreweave.training.settings.conditions import ReadWhen, never
from loreweave.training.settings.configuration import fill, load_yaml, overrides_of, to_dict, unknown_name
from loreweave.training.settings.finetuning import FinetuningConfig


@dataclass
class Optimizer:
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    bias_correction: bool = True


@dataclass
class Objective:
    weight: float = 1.0
    unit: Literal["whole_word", "subword"] = "whole_word"


@dataclass
class Settings:
    model: str
    data: list[str] = field(default_factory=list)
    steps: int | None = None
    seed: int = 0
    precision: str = "fp32"
    output: Path | None = None
    optimizer: Optimizer = field(default_factory=lambda: Optimizer(learning_rate=5e-4))
    objectives: dict[str, Objective] = field(default_factory=lambda: {"words": Objective(weight=2.0)})
    extra: Objective | None = None
    plan: str | list[int] = "none"

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError("seed must not be negative")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a,b", ["a", "b"]),
        ("[a, b]", ["a", "b"]),
        ("a", ["a"]),
        ("[a]", ["a"]),
        ("a, b,c", ["a", "b", "c"]),
        ('"a,b"', ["a,b"]),
        ("a,", ["a"]),
    ],
)
def test_a_list_may_go_without_brackets(text: str, value: list[str]) -> None:
    assert fill(Settings, {"model": "m"}, [f"data={text}"]).data == value
    assert fill(Optimizer, {"learning_rate": 1}, ["betas=0.5,0.25"]).betas == (0.5, 0.25)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("1E3", 1000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("true", True),
        ("TRUE", True),
        ("null", None),
        ("", None),
        ("~", None),
        ("2024-01-01", "2024-01-01"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("'1e-5'", "1e-5"),
        ("<<", "<<"),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    found = load_yaml(f"key: {text}")["key"]
    assert found == value and type(found) is type(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_python_float_reads_back_as_itself(value: float) -> None:
    assert load_yaml(f"key: {value!r}") == {"key": value}


def test_a_yaml_file_that_cannot_be_used_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    for text, message in [
        ("a: 1\nb: 2\na: 3\n", "line 3: 'a' is given twice"),
        ("a: [1, 2\n", "line 2"),
        ("- 1\n", "expected settings"),
        ("? [a]\n: 1\n", "a key must be one word"),
        ("a: !!python/object:os.system 1\n", "line 1"),
    ]:
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigurationError, match="settings.yaml.*" + message):
            load_yaml(path)
    for place, reason in (("missing.yaml", "found no such file"), (".", "found a folder, expected a file")):
        with pytest.raises(ConfigurationError) as raised:
            load_yaml(tmp_path / place)
        assert str(raised.value) == f"{tmp_path / place}: {reason}"
    path.write_text("# nothing yet\n", encoding="utf-8")
    assert load_yaml(path) == {}


def test_fill_coerces_by_the_field_and_fills_nested_dataclasses() -> None:
    settings = fill(
        Settings,
        {
            "model": "no",
            "steps": "12",
            "output": "runs/a",
            "optimizer": {"learning_rate": "1e-4", "betas": [0.9, 0.98]},
            "objectives": {"words": {"weight": 3}, "entities": {"unit": "subword"}},
            "extra": {"weight": 0.5},
        },
    )
    assert settings == Settings(
        model="no",
        steps=12,
        output=Path("runs/a"),
        optimizer=Optimizer(learning_rate=1e-4, betas=(0.9, 0.98)),
        objectives={"words": Objective(weight=3.0), "entities": Objective(unit="subword")},
        extra=Objective(weight=0.5),
    )
    assert type(settings.objectives["words"]) is Objective


def test_overrides_go_over_values_at_any_depth() -> None:
    values = {"model": "a", "optimizer": {"learning_rate": 1.0}}
    overrides = [
        "optimizer.learning_rate=1e-4",
        "optimizer.betas=[0.8, 0.9]",
        "objectives.entities.weight=0.5",
        "extra.unit=subword",
        "data=one",
        "steps=7",
        "precision=16",
        "output=2024",
    ]
    settings = fill(Settings, values, overrides)
    assert (settings.optimizer.learning_rate, settings.optimizer.betas) == (1e-4, (0.8, 0.9))
    assert settings.objectives == {"words": Objective(weight=2.0), "entities": Objective(weight=0.5)}
    assert (settings.extra, settings.data, settings.steps) == (Objective(unit="subword"), ["one"], 7)
    assert (settings.precision, settings.output) == ("16", Path("2024"))
    assert values == {"model": "a", "optimizer": {"learning_rate": 1.0}}


def test_an_override_of_a_part_keeps_the_rest_of_the_default() -> None:
    settings = fill(Settings, {"model": "a"}, ["optimizer.bias_correction=false"])
    assert settings.optimizer == Optimizer(learning_rate=5e-4, bias_correction=False)


def test_an_override_can_switch_something_off_and_the_last_one_wins() -> None:
    values = {"model": "a", "extra": {"weight": 2}, "steps": 3}
    settings = fill(Settings, values, ["extra=null", "steps=null", "seed=1", "seed=2"])
    assert (settings.extra, settings.steps, settings.seed) == (None, None, 2)
    assert fill(Settings, {"model": "a"}, ["model=b=c"]).model == "b=c"


WITH = {"model": "a"}


@pytest.mark.parametrize(
    ("values", "overrides", "message"),
    [
        ({"modle": "a"}, [], r"unknown setting 'modle'; did you mean 'model'\?"),
        (WITH | {"optimizer": {"lr": 1}}, [], r"'lr' in optimizer; did you mean 'optimizer.learning_rate'\?"),
        (WITH | {"optimizer": {"zzz": 1}}, [], "'zzz' in optimizer; known: learning_rate, betas, bias_correction"),
        (WITH | {"learning_rate": 1}, [], r"unknown setting 'learning_rate'; did you mean 'optimizer.learning_rate'\?"),
        (WITH, ["learning_rate=1"], r"unknown setting 'learning_rate'; did you mean 'optimizer.learning_rate'\?"),
        (WITH, ["learnin_rate=1"], r"did you mean 'optimizer.learning_rate'\?"),
        (WITH, ["lr=1"], r"unknown setting 'lr'; did you mean 'optimizer.learning_rate'\?"),
        (WITH | {"objectives": {"words": {"wieght": 1}}}, [], "'wieght' in objectives.words; did you mean 'weight'"),
        (WITH | {"extra": {"wieght": 1}}, [], "'wieght' in extra; did you mean 'weight'"),
        (
            WITH | {"optimizer": {"learning_rate": "fast"}},
            [],
            r"'optimizer.learning_rate': found 'fast' \(a text\), expected a n",
        ),
        (WITH | {"seed": 1.5}, [], r"'seed': found 1.5, expected a valid integer"),
        (WITH | {"seed": True}, [], r"'seed': found true, expected a number"),
        (WITH, ["seed=.nan"], r"'seed': found NaN, expected a finite number"),
        (WITH, ["optimizer.learning_rate=inf"], r"'optimizer.learning_rate': found 'inf' \(a text\), expected a finite number"),
        (WITH, ["optimizer.learning_rate=-Infinity"], r"found '-Infinity' \(a text\), expected a finite number"),
        (WITH, ["optimizer.learning_rate=nan"], r"found 'nan' \(a text\), expected a finite number"),
        (WITH, ["optimizer.betas=[0.9, inf]"], r"'optimizer.betas', item 2: found 'inf' \(a text\), expected a finite number"),
        (WITH | {"steps": False}, [], r"'steps': found false, expected a number"),
        (WITH | {"optimizer": {"betas": [True, 1]}}, [], r"'optimizer.betas', item 1: found true"),
        (WITH | {"optimizer": {"betas": [0.9]}}, [], r"setting 'optimizer.betas', item 2 of"),
        ({"model": 3}, [], r"'model': found 3, expected a text"),
        (WITH | {"data": "x"}, [], r"'data': found 'x' \(a text\), expected a list"),
        (WITH | {"optimizer": 3}, [], r"'optimizer': found 3, expected a group of settings"),
        (WITH | {"extra": {"unit": "byte"}}, [], "'extra.unit': found 'byte' .*expected 'whole_word' or 'subword'"),
        (WITH | {"plan": {"x": 1}}, [], r"'plan': found"),
        ({}, [], r"setting 'model' of Settings is missing"),
        (WITH | {"seed": -1}, [], "seed must not be negative"),
        (WITH, ["optimizer.learning_rat=1"], r"'learning_rat' in optimizer; did you mean 'learning_rate'"),
        (WITH, ["optimiser.learning_rate=1"], r"'optimiser'; did you mean 'optimizer'"),
        (WITH, ["seed"], "override 'seed': expected key=value"),
        (WITH, ["=1"], "expected key=value"),
        (WITH, ["optimizer..x=1"], "expected key=value"),
        (WITH, ["model.x=1"], r"'model' is one value"),
        (WITH, ["seed=[1"], r"override 'seed=\[1'"),
    ],
)
def test_mistakes_name_the_setting(values: dict, overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        fill(Settings, values, overrides)


def test_settings_of_a_python_call_are_what_the_shell_gives() -> None:
    given = {
        "data": Path("a"), "steps": None, "output": "out", "optimizer": {"learning_rate": 1e-4, "betas": (0.8, 0.9)},
        "objectives__words__unit": "subword", "extra": {}, "objectives": {"more": {"weight": 3}},
    }  # fmt: skip
    shell = ["data=a", "steps=null", "output=out", "optimizer.learning_rate=1e-4", "optimizer.betas=0.8,0.9"]
    shell += ["objectives.words.unit=subword", "extra.weight=1", "objectives.more.weight=3"]
    values = {"model": "m", "steps": 7}
    found = fill(Settings, values, overrides_of(given))
    assert found == fill(Settings, values, shell)
    assert found.optimizer.learning_rate == 1e-4 and found.optimizer.bias_correction
    assert found.objectives["words"] == Objective(weight=2.0, unit="subword"), "the rest of the default group stays"
    assert fill(Settings, values, overrides_of({"data": ["a", Path("b")], "plan": "all"})).data == ["a", "b"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": {"lr": 1}}, "unknown setting 'lr' in optimizer; did you mean 'optimizer.learning_rate'?"),
        ({"stepz": 1}, "unknown setting 'stepz'; did you mean 'steps'?"),
        ({"seed": {"a": 1}}, "override 'seed.a=1': 'seed' is one value"),
        ({"seed": "many"}, "setting 'seed': found 'many' (a text), expected an integer"),
        ({"seed": True}, "setting 'seed': found true, expected a number"),
        ({"__": 1}, "override '.=1': expected key=value"),
    ],
)
def test_mistakes_of_a_python_call_have_the_same_words(settings: dict, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        fill(Settings, {"model": "m"}, overrides_of(settings))
    assert message in str(raised.value)


def test_to_dict_is_plain_and_fills_the_same_settings_again() -> None:
    settings = fill(Settings, {"model": "a", "output": "x", "extra": {}, "optimizer": {"betas": [0, 1e30]}})
    plain = to_dict(settings)
    assert plain["output"] == "x" and plain["optimizer"]["betas"] == [0.0, 1e30]
    assert fill(Settings, plain) == settings


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("recipe=minilm/ner", "unknown setting 'recipe'; it is an option: --recipe"),
        ("tag_names=a.txt", "unknown setting 'tag_names'; it is an option: --tag-names"),
        ("steps=20", "unknown setting 'steps'; did you mean 'epochs'?"),
        ("max_steps=20", "unknown setting 'max_steps'; did you mean 'epochs'?"),
    ],
)
def test_names_from_elsewhere_in_fine_tuning(override: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        fill(FinetuningConfig, {}, [override])
    assert str(error.value) == message


@dataclass
class Drawn:
    """A group with limits."""

    rate: float = 0.5
    low: int = 1
    high: int = 2

    def __post_init__(self) -> None:
        if self.rate < 0:
            raise ValueError(f"rate: found {self.rate}, expected 0 or more")
        if self.low > self.high:
            raise ValueError(f"low, high: found {self.low}, {self.high}, expected low <= high")


@dataclass
class Many:
    """More settings than a message lists."""

    READ_WHEN: ClassVar[ReadWhen] = {("unread",): never("there is nothing to read")}

    alpha: int = 1
    beta: int = 1
    gamma: int = 1
    delta: int = 1
    epsilon: int = 1
    zeta: int = 1
    eta: int = 1
    theta: int = 1
    iota: int = 1
    unread: int = 1
    drawn: Drawn = field(default_factory=Drawn)
    more: dict[str, Drawn] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.alpha < 0:
            raise ValueError(f"alpha: found {self.alpha}, expected 0 or more")
        if self.beta < 0:
            raise ValueError("something: odd")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("alpha=-1", "setting 'alpha': found -1, expected 0 or more"),
        ("drawn.rate=-1", "setting 'drawn.rate': found -1.0, expected 0 or more"),
        ("more.first.rate=-1", "setting 'more.first.rate': found -1.0, expected 0 or more"),
        ("drawn.low=3", "settings 'drawn.low' and 'drawn.high': found 3, 2, expected low <= high"),
        ("beta=-1", "something: odd"),
    ],
)
def test_every_mistake_is_called_one_of_a_setting(override: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        fill(Many, {}, [override])
    assert str(error.value) == message


def test_an_unknown_setting_is_answered_with_the_nearest_ones_and_the_way_to_the_list() -> None:
    with pytest.raises(ConfigurationError) as error:
        fill(Many, {}, ["thought=1"], listed_by="loreweave tasks ner")
    message = str(error.value)
    assert message.startswith("unknown setting 'thought'; the nearest of 11 are 'theta', ")
    assert message.count("'") == 2 + 2 * 3 + 2 and message.endswith("; 'loreweave tasks ner' lists all")
    with pytest.raises(ConfigurationError) as error:
        fill(Many, {}, ["unred=1"], listed_by="loreweave tasks ner")
    assert "'unread'" not in str(error.value), "a setting that is never read is not suggested"
    with pytest.raises(ConfigurationError, match="unread is not read: there is nothing to read"):
        fill(Many, {}, ["unread=2"])
    with pytest.raises(ConfigurationError, match="known: rate, low, high$"):
        fill(Many, {}, ["drawn.zzzz=1"])


def test_long_lists_of_names_are_shortened_to_the_nearest() -> None:
    names = [f"label_{number}" for number in range(20)]
    assert unknown_name("x", names[:8]) == f"; known: {', '.join(names[:8])}"
    assert unknown_name("labe_l3", names) == "; did you mean 'label_3'?"
    assert unknown_name("19", names).startswith("; the nearest of 20 are 'label_19', ")
