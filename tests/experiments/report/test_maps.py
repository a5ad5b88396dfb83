"""Maps have a place for each row, or say that there is none."""

from __future__ import annotations

import numpy as np

from loreweave.experiments.report.maps import map_of


def test_equal_rows_have_no_map() -> None:
    assert map_of(np.full((6, 4), 0.25)) is None  # t-SNE would end the process
    assert map_of(np.zeros((6, 4))) is None


def test_far_rows_are_far() -> None:
    found = map_of(np.array([[0.0, 0, 0]] * 3 + [[9.0, 0, 0]] * 3))
    assert found is not None and found.explained[0] == 1.0
    assert abs(found.flat[0, 0] - found.flat[5, 0]) == 9.0 and len(found.cells(0)) == 4
