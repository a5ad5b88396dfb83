"""Settings of the probes: data sets by name, and values that are refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loreweave.cli.main import main
from loreweave.errors import ConfigurationError
from loreweave.experiments.probes.settings import ProbeConfig
from loreweave.training.settings.configuration import fill, overrides_of
from loreweave.training.settings.documentation import setting_docs


def test_data_sets_have_names_or_that_of_their_first_file() -> None:
    found = fill(ProbeConfig, {}, ["typing.mine=a/train.json,a/test.json", "few_shot=b/val_wiki.json.gz", "relations.x=folder"])
    assert found.given() == {
        "few_shot": {"val_wiki": [Path("b/val_wiki.json.gz")]},
        "typing": {"mine": [Path("a/train.json"), Path("a/test.json")]},
        "relations": {"x": [Path("folder")]},
    }
    from_python = fill(ProbeConfig, {}, overrides_of({"typing": {"mine": ["a/train.json", "a/test.json"]}}))
    assert from_python.given() == {"typing": found.given()["typing"]}
    assert fill(ProbeConfig, {}).given() == {}


def test_numbers_are_sorted_and_each_is_once() -> None:
    assert fill(ProbeConfig, {}, ["labels=50,10,50", "shots=5,1"]).labels == [10, 50]
    assert fill(ProbeConfig, {}, ["shots=5"]).shots == [5]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("shot=1", "did you mean 'shots'"),
        ("way=1", "setting 'way': found 1, expected 2 or more"),
        ("labels=0,10", "setting 'labels': found 0, expected 1 or more"),
        ("labels=10,ten", "setting 'labels', item 2: found 'ten'"),
        ("test_fraction=1", "setting 'test_fraction': found 1.0"),
        ("regularisation=0", "setting 'regularisation': found 0.0"),
        ("states=tokens", "states"),
        ("states=[]", "setting 'states': found none"),
        ("draws=0", "setting 'draws': found 0"),
        ("probes=ner", "probes"),
    ],
)
def test_wrong_settings_are_named(override: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        fill(ProbeConfig, {}, [override])


def test_every_setting_is_described_and_named_on_the_page() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "probing.md").read_text(encoding="utf-8")
    for setting in setting_docs(ProbeConfig):
        assert setting.text and f"`{setting.name}" in page, setting.name


def test_every_setting_is_in_the_help_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "--help"]) == 0
    words = set(re.findall(r"\w+", capsys.readouterr().out))
    assert {setting.name for setting in setting_docs(ProbeConfig)} <= words
