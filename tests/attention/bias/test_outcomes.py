"""Outcomes of names: attention by hand, and those of real models."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from made_attention import made_attention
from tiny_encoders import TYPING_ROWS

import loreweave
from loreweave.attention import probe_bias
from loreweave.attention.bias.design import Design, read_design
from loreweave.attention.bias.outcomes import Observed, Outcome, attention_outcomes, pieces_of
from loreweave.cli.main import main
from loreweave.errors import ConfigurationError, DataError

FILE = """
templates:
  - id: t
    text: "Ann saw {name} in Oslo ."
    targets: [Oslo]
groups:
  one: [Bob, Annabella]
  two: [Ann, Roberto]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A design with one template."""
    path = tmp_path / "names.yaml"
    path.write_text(FILE.replace("Ann saw", "They saw"))
    return path


@pytest.fixture
def design(file: Path) -> Design:
    return read_design(file)


def test_attention_of_words_and_of_the_entity() -> None:
    """Ann is token 1 and entity 5, 'lives' is token 2, the point 3."""
    example = made_attention()
    found = attention_outcomes(example, (0, 3), {"lives": (4, 9), "lives.": (4, 10)})
    weights = example.weights.astype(np.float64)
    assert found == pytest.approx({
        "attention: name to lives": weights[:, :, 1, 2].mean(), "attention: entity to lives": weights[:, :, 5, 2].mean(),
        "attention: name to lives.": weights[:, :, 1, 2:4].sum(axis=-1).mean(),
        "attention: entity to lives.": weights[:, :, 5, 2:4].sum(axis=-1).mean(),
    })  # fmt: skip


def test_a_name_of_several_pieces_counts_with_their_mean() -> None:
    example = made_attention()
    assert pieces_of(example, (0, 9)) == [1, 2] and pieces_of(example, (3, 4)) == []
    found = attention_outcomes(example, (0, 9), {"point": (9, 10)})
    assert found == {"attention: name to point": pytest.approx(example.weights[:, :, 1:3, 3].mean(dtype=np.float64))}


@pytest.mark.parametrize("encoder", ["tiny_bert", "tiny_luke"])
def test_no_name_is_left_out_because_it_is_split(
    encoder: str, design: Design, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    model = str(request.getfixturevalue(encoder))
    said: list[str] = []
    result = probe_bias(model, design, output=tmp_path / "out", device="cpu", samples=20, report=said.append)
    assert [(each.group, each.rank) for each in result.values[model] if each.measure == "attention: name to Oslo"] == [
        ("one", 1), ("one", 2), ("two", 1), ("two", 2),
    ]  # fmt: skip
    measures = {each.measure for each in result.values[model]}
    assert measures == {"attention: name to Oslo"} | ({"attention: entity to Oslo"} if encoder == "tiny_luke" else set())
    assert any(each.pieces > 1 for each in result.values[model]) and all(0 < each.value < 1 for each in result.values[model])
    assert [line.partition(": ")[2].partition(";")[0] for line in said] == ["2 sentences kept, 0 left out"] * 2
    with (tmp_path / "out" / "tests.csv").open(newline="") as table:
        assert len(list(csv.DictReader(table))) == len(measures)
    assert json.loads((tmp_path / "out" / "results.json").read_text())["models"][model]["groups"]["one"]["left_out"] == 0


def test_a_name_without_a_sub_word_is_counted(file: Path, tiny_bert: Path) -> None:
    file.write_text(file.read_text().replace("Annabella]", 'Annabella, "\\u200b"]'))
    said: list[str] = []
    result = probe_bias(tiny_bert, file, device="cpu", samples=20, report=said.append)
    assert "one: 2 sentences kept, 1 left out" in said[0] and "two: 2 sentences kept, 0 left out" in said[1]
    assert "left out: template t, one" in said[2]
    assert result.results["tests"][0]["first_names"] == 2


@pytest.fixture
def run(tiny_luke: Path, tmp_path: Path) -> Path:
    """A typing checkpoint."""
    data = tmp_path / "train.json"
    data.write_text(json.dumps(TYPING_ROWS), encoding="utf-8")
    loreweave.finetune(
        "entity-typing", str(tiny_luke), train=data, output=tmp_path / "run", epochs=1, keep="last", device="cpu"
    )
    return tmp_path / "run"


def test_probabilities_of_a_checkpoint(run: Path, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = [each for each in Observed(str(run), device="cpu").outcomes(read_design(file)) if isinstance(each, Outcome)]
    answer = loreweave.load(run, device="cpu").predict(["They saw Bob in Oslo ."], mentions=[[(9, 12)]])[0][0]
    mine = {each.measure: each.value for each in found if each.name == "Bob"}
    assert {f"probability: {label}": pytest.approx(value, abs=1e-6) for label, value in answer["probabilities"].items()} == {
        name: value for name, value in mine.items() if name.startswith("probability")
    }
    assert {"attention: name to Oslo", "attention: entity to Oslo"} <= set(mine)
    file.write_text(file.read_text() + "labels: [person]\n")
    assert main(["probe", str(run), "--bias", str(file), "--paired", "--device", "cpu", "--json"]) == 0
    tests = json.loads(capsys.readouterr().out)["tests"]
    assert {test["measure"] for test in tests if "probability" in test["measure"]} == {"probability: person"}
    file.write_text(file.read_text().replace("[person]", "[ghost]"))
    with pytest.raises(ConfigurationError, match="labels: .* has no 'ghost'; it has"):
        probe_bias(run, file, device="cpu", report=lambda line: None)


def test_words_after_the_name_are_not_measured_in_a_decoder(file: Path, tiny_gpt2: Path) -> None:
    """It does not see them, so that the attention to them is 0 whatever the name is."""
    said: list[str] = []
    with pytest.raises(ConfigurationError, match=r"give the templates targets \(before the name for a decoder\)"):
        probe_bias(tiny_gpt2, file, device="cpu", samples=20, report=said.append)
    file.write_text(file.read_text().replace("[Oslo]", "[They, Oslo]"))
    result = probe_bias(tiny_gpt2, file, device="cpu", samples=20, report=said.append)
    assert {each.measure for each in result.values[str(tiny_gpt2)]} == {"attention: name to They"}
    assert result.results["models"][str(tiny_gpt2)]["not_seen"] == ["Oslo"]
    (line,) = [line for line in said if "does not see" in line]
    assert line.endswith("in this model, a name does not see the words after it: attention to Oslo is not measured there")


def test_what_the_command_refuses(file: Path, tiny_bert: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", str(tiny_bert), "--paired"]) == 2 and "--paired without --bias" in capsys.readouterr().err
    assert main(["probe", str(tiny_bert), "seed=1", "--bias", str(file)]) == 2
    assert "found 'seed=1' with --bias" in capsys.readouterr().err
    file.write_text(file.read_text().replace("    targets: [Oslo]\n", ""))
    assert main(["probe", str(tiny_bert), "--bias", str(file), "--device", "cpu"]) == 2
    assert "found neither targets nor labels to measure" in capsys.readouterr().err
    with pytest.raises(DataError, match="all sentences are left out"):
        probe_bias(tiny_bert, read_design(_only_unreadable(file)), device="cpu", report=lambda line: None)


def _only_unreadable(file: Path) -> Path:
    names = 'groups:\n  one: ["\\u200b", "\\u200c"]\n  two: ["\\u200b", "\\u200d"]\n'
    file.write_text(FILE.partition("groups:")[0].replace("Ann saw", "They saw") + names)
    return file
