import csv
from pathlib import Path

import numpy as np
import pytest
from made_attention import made_attention

from loreweave.attention.measures import class_flow
from loreweave.attention.summary import Summary, SummarySettings, cut, interval, summarise
from loreweave.errors import ConfigurationError, DataError


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_tables_have_means_over_the_examples(tmp_path: Path) -> None:
    examples = [made_attention(seed=seed) for seed in range(4)]
    found = summarise(iter(examples), SummarySettings(bins=2))
    assert found.examples == 4 and found.short == 0
    assert set(found.write(tmp_path / "tables")) == {
        "class_flow.csv", "quadrants.csv", "grounding.csv", "heads.csv", "bins.csv", "mention.csv"
    }  # fmt: skip
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
    assert found.values["mention"][("mean weight",)][0][0] == pytest.approx(0.4)


def test_short_texts_are_counted_and_left_out_of_the_bins() -> None:
    found = summarise([made_attention()], SummarySettings(bins=9))
    assert found.short == 1 and "bins" not in found.values


def test_an_interval_covers_the_mean_and_shrinks_with_more_values() -> None:
    random = np.random.default_rng(1)
    few, many = random.normal(size=(10, 2)), random.normal(size=(1000, 2))
    for values in (few, many):
        mean, low, high = interval(values, seed=0)
        np.testing.assert_allclose(mean, values.mean(axis=0))
        assert (low <= mean).all() and (mean <= high).all()
    width = [np.subtract(*interval(values, seed=0)[:0:-1]) for values in (few, many)]
    assert (width[1] < width[0] / 4).all()
    one = interval(few[:1], seed=0)
    np.testing.assert_allclose(one[1], one[2])


def test_examples_that_do_not_belong_together_are_named() -> None:
    with pytest.raises(DataError, match=r"example 1: found \(2, 2\) layers and heads, expected \(2, 3\)"):
        summarise([made_attention(), made_attention(heads=2)])
    with pytest.raises(DataError, match="no example"):
        Summary().write("nowhere")
    with pytest.raises(ConfigurationError, match="--bins"):
        summarise([], SummarySettings(bins=0))
