"""The answer of a comparison in words: which system is better, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence

from loreweave.corpus.counts import counted
from loreweave.experiments.report.comparison.results import CUT, Compared, PairResult
from loreweave.metrics.analysis.estimates import Estimate

_LEVEL = 0.05
_SMALL = 0.1
"""Differences in points below this have two decimals."""


def answers_of(found: Compared) -> list[str]:
    """A line for each split and pair of systems, test before dev, with the numbers that it rests on."""
    count = len(found.section.groups) * (len(found.section.groups) - 1) // 2
    return [answer_of(pair, found, count) for pair in found.pairs]


def answer_of(pair: PairResult, found: Compared, comparisons: int) -> str:
    """One pair on one split: better, no difference that could be shown, or no test possible."""
    upper, lower = (pair.first, pair.second) if pair.difference >= 0 else (pair.second, pair.first)
    above = upper is pair.first
    metric = f"{pair.split} {found.section.metric}"
    p, interval = _main_test(pair)
    value = abs(pair.difference)
    amount = points(value, interval, above)
    if pair.difference == 0:
        said = f"No difference between {upper.label} and {lower.label} on {metric}: both have {_means(pair, above)[0]}"
    elif p is None:
        said = f"No test of whether {upper.label} is better than {lower.label} on {metric}: {upper.label} is {amount} above"
    elif p < _LEVEL:
        said = f"{upper.label} is better than {lower.label} on {metric} by {amount}"
    else:
        names = f"{upper.label} and {lower.label}"
        said = f"No difference could be shown between {names} on {metric}: {upper.label} is {amount} above"
    scores = "" if pair.difference == 0 else f" ({' against '.join(_means(pair, above))})"
    return f"{said}{scores}; {_basis(pair, found, comparisons, above)}."


def points(value: float, interval: Estimate | None, forward: bool = True) -> str:
    """A difference of scores between 0 and 1 in points of 100, with its interval."""
    ends = () if interval is None else (interval.low, interval.high) if forward else (-interval.high, -interval.low)
    decimals = 1 if abs(100 * value) >= _SMALL else 2
    shown = f"{100 * value:.{decimals}f} points"
    return f"{shown} [{', '.join(f'{round(100 * end, decimals) + 0.0:.{decimals}f}' for end in ends)}]" if ends else shown


def p_text(p: float) -> str:
    """A p-value in words."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _main_test(pair: PairResult) -> tuple[float | None, Estimate | None]:
    """The p-value that the answer rests on, and the interval of the difference: over records; else over seeds."""
    if pair.over_records is not None:
        return pair.records_p, pair.over_records.difference
    welch = pair.over_seeds.welch
    return (None, None) if welch is None else (pair.welch_p, welch.difference)


def _means(pair: PairResult, above: bool) -> list[str]:
    if pair.over_records is not None:
        means = [pair.over_records.first.value, pair.over_records.second.value]
    else:
        means = [pair.over_seeds.first.mean, pair.over_seeds.second.mean]
    return [f"{mean:.4f}" for mean in (means if above else means[::-1])]


def _basis(pair: PairResult, found: Compared, comparisons: int, above: bool) -> str:
    """The tests behind an answer."""
    sizes = pair.over_seeds.first.size, pair.over_seeds.second.size
    first, second = sizes if above else sizes[::-1]
    seeds = f"seeds {first} + {second}"
    holm = f", Holm over {comparisons} pairs" if comparisons > 1 else ""
    welch = pair.over_seeds.welch
    if pair.over_records is not None and pair.records_p is not None:
        said = (
            f"paired bootstrap over {counted(pair.over_records.records, _unit(found, pair.split))}, {seeds}, "
            f"{p_text(pair.records_p)} by approximate randomisation{holm}"
        )
        return f"{said}; {_over_seeds(pair, above, holm)}"
    why = found.matched[pair.split].reason or "the systems have too many runs to pair them"
    if welch is None:
        return f"no test over records ({why}), and none over seeds, {_no_spread(pair)}"
    assert pair.welch_p is not None
    said = f"Welch's test over {seeds}, {p_text(pair.welch_p)}{holm}, power {welch.power:.2f}{_cut(pair)}"
    return f"{said}; no test over records ({why})"


def _over_seeds(pair: PairResult, above: bool, holm: str) -> str:
    welch = pair.over_seeds.welch
    if welch is None or pair.welch_p is None:
        return f"other seeds are not tested, {_no_spread(pair)}"
    found = points(welch.difference.value if above else -welch.difference.value, welch.difference, above)
    return f"over the seeds {found}, {p_text(pair.welch_p)} by Welch's test{holm}, power {welch.power:.2f}{_cut(pair)}"


def _cut(pair: PairResult) -> str:
    return f" ({CUT})" if pair.cut else ""


def _no_spread(pair: PairResult) -> str:
    groups: Sequence[int] = (pair.over_seeds.first.size, pair.over_seeds.second.size)
    if min(groups) < 2:
        return f"which needs 2 runs of each system, found {groups[0]} and {groups[1]}"
    return "which needs scores that differ between the runs of a system"


def _unit(found: Compared, split: str) -> str:
    units = found.matched[split].units
    return "episode" if units and units[0].startswith("episode ") else "record"
