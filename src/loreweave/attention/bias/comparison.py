"""Tests of the difference between groups of names: for each outcome, in each template and over all templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from statistics import mean
from typing import Any

from loreweave.attention.bias.outcomes import Outcome
from loreweave.metrics.analysis.estimates import Estimate
from loreweave.metrics.analysis.groups import compare_groups, compare_paired_groups, holm

ALL = "all templates"
Values = Mapping[str, Mapping[int, float]]
"""Group -> rank of a name -> value."""


@dataclass(frozen=True)
class Comparison:
    """A comparison of two groups.

    Attributes:
        template: one template, or `ALL`: the mean of each name over the templates with this measure.
        measure: what was measured.
        first, second: names of the groups.
        first_names, second_names: number of names with a value; of pairs if they are paired.
        first_mean, second_mean: means of the groups.
        difference: first minus second.
        t_p: p-value of Welch's test, or of the paired t test. None where no group has a spread.
        permutation_p: p-value of the permutation test.
        holm_p: `permutation_p`, corrected for all comparisons of a model (Holm 1979).
        cohens_d: effect size with its bootstrap interval (of the differences if paired); None where there is no spread.
        cliffs_delta: effect size with its bootstrap interval; None if paired.
    """

    template: str
    measure: str
    first: str
    second: str
    first_names: int
    second_names: int
    first_mean: float
    second_mean: float
    difference: float
    t_p: float | None
    permutation_p: float
    holm_p: float
    cohens_d: Estimate | None
    cliffs_delta: Estimate | None

    def row(self) -> dict[str, Any]:
        """The comparison as a flat row."""
        found = asdict(self)
        for name in ("cohens_d", "cliffs_delta"):
            size = found.pop(name)
            found |= {name: None, f"{name}_low": None, f"{name}_high": None} if size is None else {
                name: size["value"], f"{name}_low": size["low"], f"{name}_high": size["high"]
            }  # fmt: skip
        return found


def compare(outcomes: Sequence[Outcome], *, paired: bool = False, samples: int = 5000, seed: int = 0) -> list[Comparison]:
    """All comparisons of one model, for each pair of groups, with p-values that hold for them together.

    Args:
        outcomes: the numbers of one model.
        paired: whether the names of equal rank belong together; a rank that lacks one of the two values is left out.
        samples: number of bootstrap samples, and of permutations where not all are tried.
        seed: equal seeds give equal results.
    """
    found: list[Comparison] = []
    for (template, measure), values in _tables(outcomes):
        for first, second in combinations(values, 2):
            one, other = values[first], values[second]
            if paired:
                ranks = sorted(set(one) & set(other))
                one, other = ({rank: each[rank] for rank in ranks} for each in (one, other))
            if one and other:
                found.append(
                    _test((template, measure, first, second), list(one.values()), list(other.values()), paired, samples, seed)
                )
    corrected = holm([test.permutation_p for test in found]) if found else []
    return [replace(test, holm_p=p) for test, p in zip(found, corrected, strict=True)]


def _test(
    names: tuple[str, str, str, str], one: list[float], other: list[float], paired: bool, samples: int, seed: int
) -> Comparison:
    if paired:
        pairs = compare_paired_groups(one, other, samples, seed)
        t_test, p, d, delta = pairs.test, pairs.permutation_p, pairs.cohens_dz, None
    else:
        groups = compare_groups(one, other, samples, seed)
        t_test, p, d, delta = groups.welch, groups.permutation_p, groups.cohens_d, groups.cliffs_delta
    return Comparison(
        *names, len(one), len(other), mean(one), mean(other), mean(one) - mean(other),
        None if t_test is None else t_test.p, p, p, d, delta,
    )  # fmt: skip


def _tables(outcomes: Sequence[Outcome]) -> Iterator[tuple[tuple[str, str], Values]]:
    """The values of each template and measure; and over templates, if several have a measure, those of each name's mean.

    A name that lacks a value in one of these templates has no mean, so that all names are compared on the same sentences.
    """
    found: dict[tuple[str, str], dict[str, dict[int, float]]] = {}
    for outcome in outcomes:
        table = found.setdefault((outcome.template, outcome.measure), {})
        table.setdefault(outcome.group, {})[outcome.rank] = outcome.value
    yield from found.items()
    for measure in dict.fromkeys(measure for _, measure in found):
        tables = [values for (_, of), values in found.items() if of == measure]
        if len(tables) > 1:
            groups = dict.fromkeys(group for values in tables for group in values)
            yield (ALL, measure), {group: _means([values.get(group, {}) for values in tables]) for group in groups}


def _means(tables: Sequence[Mapping[int, float]]) -> dict[int, float]:
    ranks = sorted(set(tables[0]).intersection(*tables[1:]))
    return {rank: mean(table[rank] for table in tables) for rank in ranks}
