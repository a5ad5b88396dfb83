import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_attention import made_attention

from loreweave.attention.captured import EntityToken, Tokens
from loreweave.attention.measures import class_flow
from loreweave.attention.summary import ANALYSES, Summary, SummarySettings, cut, summarise
from loreweave.errors import ConfigurationError, DataError


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_tables_have_means_over_the_examples(tmp_path: Path) -> None:
    examples = [made_attention(seed=seed) for seed in range(4)]
    found = summarise(iter(examples), SummarySettings(bins=2))
    assert found.examples == 4 and found.unbinned == 0
    assert set(found.write(tmp_path / "tables")) == {
        f"{name}.{end}" for name in ANALYSES if name != "between" for end in ("csv", "png", "svg")
    }
    assert {path.name for path in (tmp_path / "tables").iterdir()} == set(found.write(tmp_path / "again"))
    flow = rows_of(tmp_path / "tables" / "class_flow.csv")
    (row,) = [row for row in flow if (row["query"], row["key"], row["layer"]) == ("mention", "entity", "1")]
    expected = np.mean([class_flow(example).shares[1, 4, 5] for example in examples])
    assert float(row["mean"]) == pytest.approx(expected, abs=1e-5) and row["values"] == "4"
    assert float(row["low"]) <= expected <= float(row["high"])
    heads = rows_of(tmp_path / "tables" / "heads.csv")
    assert {row["head"] for row in heads} == {"0", "1", "2"} and {row["layer"] for row in heads} == {"0", "1"}


def test_bins_of_the_thesis_have_the_rest_in_the_last_one() -> None:
    sizes = [len(places) for places in cut(31, 16, "thesis")]
    assert sizes == [1] * 15 + [16]
    assert sorted(len(places) for places in cut(31, 16, "equal")) == [1] + [2] * 15
    for rule in ("equal", "thesis"):
        assert [place for places in cut(40, 7, rule) for place in places] == list(range(40))  # type: ignore[arg-type]
        assert cut(5, 5, rule) == [[0], [1], [2], [3], [4]]  # type: ignore[arg-type]


def test_attention_of_the_entity_by_position_by_hand() -> None:
    weights = np.zeros((1, 1, 6, 6), dtype=np.float32)
    weights[:, :, :, 0] = 1
    weights[0, 0, 5] = [0.1, 0.4, 0.2, 0.1, 0.1, 0.1]
    found = summarise([made_attention(1, 1, weights=weights)], SummarySettings(bins=5, rule="thesis"))
    by_bin = [found.values["bins"][str(number), "share"][0][0] for number in range(5)]
    assert by_bin == pytest.approx([0.1, 0.4, 0.2, 0.1, 0.1])
    assert found.values["mention"][("all",)][0][0] == pytest.approx(0.4)


def test_short_texts_are_counted_and_left_out_of_the_bins() -> None:
    found = summarise([made_attention()], SummarySettings(bins=9))
    assert found.unbinned == 1 and "bins" not in found.values


def test_mentions_at_the_start_are_apart_from_the_rest_and_do_not_depend_on_the_bins() -> None:
    weights = np.zeros((1, 1, 6, 6), dtype=np.float32)
    weights[:, :, :, 0] = 1
    weights[0, 0, 5] = [0.1, 0.4, 0.2, 0.1, 0.1, 0.1]
    first = made_attention(1, 1, weights=weights)
    second = made_attention(1, 1, weights=weights, entities=[EntityToken(5, "[MASK]", 4, 10, [2, 3])])
    found = summarise([first, second, second], SummarySettings(bins=9)).values["mention"]
    assert {which: [each[0] for each in values] for (which,), values in found.items()} == {
        "all": pytest.approx([0.4, 0.15, 0.15]), "at the start": pytest.approx([0.4]), "elsewhere": pytest.approx([0.15, 0.15])
    }  # fmt: skip


def test_texts_of_another_length_than_the_bins_are_left_out_by_the_exact_rule() -> None:
    five, six = made_attention(), made_attention(entities=[], queries=_without_entity())
    found = summarise([five, six], SummarySettings(bins=5, rule="exact"))
    assert found.unbinned == 1 and len(found.values["bins"]["4", "share"]) == 1
    assert found.lengths == {5: 1, 6: 1}
    only = summarise([six], SummarySettings(bins=6))
    assert only.not_counted() == []
    assert only.counted_otherwise() == ["1 text has no entity; bins.csv counts the attention of its first token instead"]
    twice = summarise([six, six, five], SummarySettings(bins=5))
    assert twice.counted_otherwise() == ["2 texts have no entity; bins.csv counts the attention of their first token instead"]
    none = only.values["bins"]
    assert ("itself", "share") not in none and none["0", "share"][0] == pytest.approx(six.weights.mean(axis=1)[:, 0, 0])


def _without_entity() -> Tokens:
    tokens = made_attention().queries
    return replace(tokens, classes=[*tokens.classes[:-1], "word"])


def test_only_the_chosen_analyses_are_written(tmp_path: Path) -> None:
    found = summarise(
        [made_attention(layers=1, seed=seed).only() for seed in range(2)], SummarySettings(["mention", "lengths"])
    )
    assert found.write(tmp_path / "tables") == [
        "mention.csv", "mention.png", "mention.svg", "lengths.csv", "lengths.png", "lengths.svg"
    ]  # fmt: skip
    assert (tmp_path / "tables" / "lengths.csv").read_text(encoding="utf-8") == "tokens,examples\n5,2\n"
    bare = summarise([made_attention(entities=[], queries=_without_entity())], SummarySettings(["mention"]))
    with pytest.raises(DataError, match="found nothing to write for mention: no example has an entity"):
        bare.write(tmp_path / "nothing")
    with pytest.raises(
        DataError, match="found nothing to write for bins: bins.csv leaves out 1 text with fewer tokens than bins"
    ):
        summarise([made_attention()], SummarySettings(["bins"], bins=9)).write(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_layers_have_their_index_in_the_model(tmp_path: Path) -> None:
    summarise([made_attention(layers=3).only([0, 2], [1])], SummarySettings(["heads"])).write(tmp_path / "tables")
    assert {(row["layer"], row["head"]) for row in rows_of(tmp_path / "tables" / "heads.csv")} == {("0", "1"), ("2", "1")}
    with pytest.raises(DataError, match="other layers or heads"):
        summarise([made_attention(layers=3).only([0, 2]), made_attention(layers=3).only([0, 1])])


def test_examples_that_do_not_belong_together_are_named() -> None:
    with pytest.raises(DataError, match="example 1: found 2 layers and 2 heads, expected 2 layers and 3 heads"):
        summarise([made_attention(), made_attention(heads=2)])
    with pytest.raises(DataError, match="example 1: found the model other, expected tiny: a summary is of one model"):
        summarise([made_attention(), made_attention(model="other")])
    with pytest.raises(
        DataError, match="found cross attention, expected encoder attention as in the others; leave --target out"
    ):
        summarise([made_attention(kind="encoder"), made_attention(kind="cross")])
    with pytest.raises(DataError, match="no example"):
        Summary().write("nowhere")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"bins": 0}, "--bins: found 0, expected at least 1"),
        ({"keys": [" "]}, "--key: found an empty word"),
        ({"groups": {"ann": "female"}}, "found --groups without --key"),
        ({"analyses": ["between"]}, "--analysis between: found no --key"),
        ({"rule": "half"}, "--bin-rule: found 'half', expected one of equal, thesis, exact"),
        ({"analyses": ["class_flow", "flow"]}, "--analysis: found 'flow', expected some of class-flow, quadrants"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        SummarySettings(**settings)
