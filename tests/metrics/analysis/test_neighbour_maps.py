"""t-SNE has a place for each row, or says that there is none."""

from __future__ import annotations

import numpy as np
import pytest

from loreweave.metrics.analysis.neighbour_maps import FEWEST_ROWS, are_equal, neighbour_map
from loreweave.tasks.latent_types.picture import LEAST_POINTS, lay_out


@pytest.mark.parametrize("rows", [np.zeros((12, 4)), np.full((12, 4), 0.25), np.full((12, 4), 1e6) + 1e-9, np.zeros((0, 4))])
def test_equal_rows_have_no_map(rows: np.ndarray) -> None:
    assert are_equal(rows) and neighbour_map(rows, seed=0) is None


@pytest.mark.parametrize("rows", [*range(FEWEST_ROWS)])
def test_too_few_rows_have_no_map(rows: int) -> None:
    assert neighbour_map(np.random.default_rng(0).normal(size=(rows, 3)), seed=0) is None


def test_one_feature_has_no_map() -> None:
    assert neighbour_map(np.arange(12.0)[:, None], seed=0) is None


def test_the_fewest_rows_have_finite_places() -> None:
    found = neighbour_map(np.random.default_rng(0).normal(size=(FEWEST_ROWS, 3)), seed=0)
    assert found is not None and found[0].shape == (FEWEST_ROWS, 2) and np.isfinite(found[0]).all() and np.isfinite(found[1])


def test_groups_that_are_far_apart_stay_apart() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 5)) + 50.0 * (np.arange(40)[:, None] % 2)
    found = neighbour_map(rows, seed=0)
    assert found is not None
    places, centres = found[0], np.stack([found[0][start::2].mean(axis=0) for start in range(2)])
    nearest = np.linalg.norm(places[:, None] - centres, axis=2).argmin(axis=1)
    assert nearest.tolist() == [0, 1] * 20


def test_equal_states_of_sub_words_have_no_plot() -> None:
    assert lay_out(np.ones((LEAST_POINTS + 5, 8)), seed=0) is None
    assert lay_out(np.random.default_rng(0).normal(size=(LEAST_POINTS - 1, 8)), seed=0) is None
    found = lay_out(np.random.default_rng(0).normal(size=(LEAST_POINTS + 5, 8)), seed=0)
    assert found is not None and found.tsne.shape == (LEAST_POINTS + 5, 2) and found.divergence > 0
