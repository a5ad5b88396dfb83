"""Scores of probes: means and spreads over draws, bootstrap intervals, and differences between encoders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from loreweave.experiments.probes.predictions import Row
from loreweave.experiments.probes.settings import ProbeName
from loreweave.metrics.resampling import interval, resampled_sums

Metric = Literal["accuracy", "micro_f1"]


@dataclass(frozen=True)
class Measure:
    """One number of a probe with what it is computed from.

    Attributes:
        probe: name of the probe.
        data: name of the data set.
        what: what distinguishes it from the other numbers of the data set: "200 labels", "16-way 1-shot".
        number: number of labels, or of shots.
        metric: name of the metric.
        counts: numerator and denominator of the metric for each test unit [draws, units, 2]; the score is the ratio of sums.
        units: number of test units: examples or episodes.
    """

    probe: ProbeName
    data: str
    what: str
    number: int
    metric: Metric
    counts: np.ndarray
    units: int

    @property
    def key(self) -> tuple[str, str, str]:
        """Key of the number, equal for the same number of another encoder."""
        return self.probe, self.data, self.what

    def draws(self) -> np.ndarray:
        """Score of each draw [draws]."""
        return _ratios(self.counts.sum(1))

    def row(self, bootstrap: int, seed: int) -> dict[str, Any]:
        """The mean over draws with its 95 % interval over test units, the standard deviation over draws, and every draw."""
        draws = self.draws()
        low_high = interval(_ratios(self._resampled(bootstrap, seed)).mean(-1))
        spread = float(draws.std(ddof=1)) if len(draws) > 1 else None
        return {
            "probe": self.probe, "data": self.data, "what": self.what, "number": self.number, "metric": self.metric,
            "score": float(draws.mean()), "spread": spread, **low_high, "units": self.units, "draws": draws.tolist(),
        }  # fmt: skip

    def minus(self, other: Measure, bootstrap: int, seed: int) -> dict[str, Any]:
        """Difference to the same number of another encoder, with its 95 % interval over the same resamples of test units."""
        found, base = (_ratios(each._resampled(bootstrap, seed)).mean(-1) for each in (self, other))
        between = self.draws() - other.draws()
        spread = float(between.std(ddof=1)) if len(between) > 1 else None
        return {"difference": float(between.mean()), "spread": spread, **interval(found - base)}

    def _resampled(self, bootstrap: int, seed: int) -> np.ndarray:
        """Numerators and denominators over resampled test units [samples, draws, 2]."""
        draws, units, _ = self.counts.shape
        table = self.counts.transpose(1, 0, 2).reshape(units, draws * 2)
        return resampled_sums(table, bootstrap, seed).reshape(bootstrap, draws, 2)


@dataclass(frozen=True)
class Outcome:
    """What a probe finds for an encoder and a data set.

    Attributes:
        measures: one for each number of labels or of shots, ascending.
        predictions: predictions for the test, see `predictions`.
        notes: what readers of the scores should know, one line each.
    """

    measures: list[Measure]
    predictions: list[Row]
    notes: Sequence[str] = ()


def _ratios(sums: np.ndarray) -> np.ndarray:
    """Numerator / denominator [..., 2] -> [...]; 0 if the denominator is 0."""
    above, below = sums[..., 0].astype(np.float64), sums[..., 1]
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
