"""Correlations equal SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import pearsonr, rankdata, spearmanr

from loreweave.metrics.regression import pearson, ranks, regression_scores, spearman


@pytest.mark.parametrize("scale", [1, 1e-160, 1e160])
@pytest.mark.parametrize("ties", [False, True])
def test_correlations_equal_those_of_scipy(ties: bool, scale: float) -> None:
    random = np.random.default_rng(0)
    gold = random.normal(size=50)
    predicted = gold + random.normal(size=50)
    if ties:
        gold, predicted = gold.round(), predicted.round()
    assert spearman(predicted * scale, gold) == pytest.approx(spearmanr(predicted, gold).statistic)
    assert pearson(predicted * scale, gold) == pytest.approx(pearsonr(predicted, gold).statistic)


def test_equal_numbers_share_their_ranks() -> None:
    values = [3.0, 1.0, 3.0, 2.0, 3.0]
    assert ranks(values).tolist() == [4, 1, 4, 2, 4] == rankdata(values).tolist()


def test_scores_by_hand() -> None:
    assert regression_scores([1, 2, 3], [2, 4, 6]) == {
        "pearson": pytest.approx(1), "spearman": pytest.approx(1), "mean_squared_error": pytest.approx((1 + 4 + 9) / 3),
    }  # fmt: skip
    assert regression_scores([3, 2, 1], [2, 4, 6])["pearson"] == pytest.approx(-1)
    nothing = {"pearson": 0, "spearman": 0, "mean_squared_error": 0}
    assert regression_scores([], []) == regression_scores([1], [1]) == regression_scores([1, 1], [1, 1]) == nothing


@pytest.mark.parametrize("wrong", [[1.0, float("nan")], [1.0], [[1.0, 2.0]]])
def test_what_is_no_row_of_finite_numbers_is_refused(wrong: list[float]) -> None:
    with pytest.raises(ValueError, match="found"):
        regression_scores(wrong, [1.0, 2.0])
