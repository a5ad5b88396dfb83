"""Comparisons of groups by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from loreweave.attention.bias.comparison import ALL, compare
from loreweave.attention.bias.outcomes import Outcome


def outcomes(template: str, measure: str = "m", **groups: Sequence[float | None]) -> list[Outcome]:
    return [
        Outcome(template, group, rank, f"{group}{rank}", 1, measure, value)
        for group, values in groups.items()
        for rank, value in enumerate(values, 1)
        if value is not None
    ]


def test_two_groups() -> None:
    """4 of the 20 ways to deal 1, 2, 3, 3, 4, 5 differ as much: 3 + 4 + 5 with either 3, and the opposite."""
    (found,) = compare(outcomes("a", one=[3, 4, 5], other=[1, 2, 3]))
    assert (found.template, found.measure, found.first, found.second) == ("a", "m", "one", "other")
    assert (found.first_names, found.second_names, found.first_mean, found.difference) == (3, 3, 4, 2)
    assert found.permutation_p == found.holm_p == pytest.approx(0.2)
    assert found.t_p == pytest.approx(0.0705, abs=1e-4)  # t = 2 / sqrt(2 / 3) with 4 degrees of freedom
    assert found.cohens_d is not None and found.cohens_d.value == pytest.approx(2)
    assert found.cliffs_delta is not None and found.cliffs_delta.value == pytest.approx(8 / 9)
    row = found.row()
    assert row["cohens_d"] == pytest.approx(2) and row["cliffs_delta_low"] <= 8 / 9 <= row["cliffs_delta_high"]


def test_pairs() -> None:
    """Differences 2, 2, 3: 2 of the 8 ways to give them signs have a mean as large; a rank without a partner is left out."""
    (found,) = compare(outcomes("a", one=[3, 4, 6, 100], other=[1, 2, 3, None]), paired=True)
    assert (found.first_names, found.second_names) == (3, 3) and found.difference == pytest.approx(7 / 3)
    assert found.permutation_p == pytest.approx(0.25) and found.cliffs_delta is None
    assert found.cohens_d is not None and found.cohens_d.value == pytest.approx(7 / 3 / (1 / 3) ** 0.5)


def test_templates_are_averaged_for_names_that_have_all_of_them() -> None:
    first, second = outcomes("a", one=[1, 2, 3], other=[1, 1, 1]), outcomes("b", one=[3, None, 7], other=[1, 1, 4])
    found = compare([*first, *second, *outcomes("b", "only b", one=[1, 2], other=[1, 2])])
    assert [(each.template, each.measure) for each in found] == [("a", "m"), ("b", "m"), ("b", "only b"), (ALL, "m")]
    whole = found[-1]
    assert (whole.first_names, whole.second_names) == (2, 3)
    assert [whole.first_mean, whole.second_mean] == pytest.approx([(2 + 5) / 2, (1 + 1 + 2.5) / 3])


def test_three_groups_are_compared_in_pairs_and_corrected_together() -> None:
    found = compare(outcomes("a", x=[3, 4, 5], y=[1, 2, 3], z=[3, 4, 5]))
    assert [(each.first, each.second) for each in found] == [("x", "y"), ("x", "z"), ("y", "z")]
    assert [each.permutation_p for each in found] == pytest.approx([0.2, 1.0, 0.2])
    assert [each.holm_p for each in found] == pytest.approx([0.6, 1.0, 0.6])  # 3 x 0.2, and 2 x 0.2 is not below it


def test_groups_without_a_spread_have_no_t_test() -> None:
    (found,) = compare(outcomes("a", one=[1, 1], other=[1, 1]))
    assert found.t_p is None and found.cohens_d is None and found.permutation_p == 1 and found.row()["cohens_d"] is None
