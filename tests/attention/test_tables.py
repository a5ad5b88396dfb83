import csv
from pathlib import Path

import numpy as np
import pytest

from loreweave.attention.tables import Table, interval, row_of


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


def test_a_table_names_the_layers_and_heads_of_the_model(tmp_path: Path) -> None:
    values = [np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([[0.3, 0.2], [0.3, 0.8]])]
    Table("heads", [4, 7], [0, 11], {("entropy",): row_of(values, 0)}).write(tmp_path / "heads.csv")
    with (tmp_path / "heads.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["layer"], row["head"], float(row["mean"])) for row in rows] == [
        ("4", "0", pytest.approx(0.2)), ("4", "11", 0.2), ("7", "0", 0.3), ("7", "11", pytest.approx(0.6)),
    ]  # fmt: skip
    assert rows[1]["low"] == rows[1]["high"] == "0.200000" and rows[0]["values"] == "2"
