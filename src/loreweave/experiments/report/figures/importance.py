"""How much of the differences between scores each setting explains."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance

from loreweave.corpus.counts import counted
from loreweave.experiments.report.parts import NotShown, Part, Picture, Table
from loreweave.experiments.report.sections import SAME, SEEDS, Section, score_of
from loreweave.experiments.report.setting_texts import in_order
from loreweave.experiments.report.style import new_figure
from loreweave.picture_style import COLOURS

_FEWEST = 10
_TREES, _REPEATS = 200, 20


def draw(section: Section) -> Part | NotShown:
    """Bars: loss of fit (R²) of a random forest if the values of a setting are shuffled. The seed is among the settings."""
    if not section.varied:
        return NotShown(SAME)
    if section.not_comparable:
        return NotShown(section.not_comparable)
    split = section.choosing
    scored = [(run, score) for run in section.runs if run.state == "done"
              and (score := score_of(run, split, section.metric)) is not None]  # fmt: skip
    seeds = [seed for seed in SEEDS if len({run.settings.get(seed) for run, _ in scored}) > 1]
    names = [*section.varied, *seeds]
    if len(section.varied) < 2 or len(scored) < _FEWEST:
        sizes = f"{counted(len(section.varied), 'setting')} and {counted(len(scored), 'run')}"
        return NotShown(f"needs two settings that were varied and {_FEWEST} finished runs; found {sizes}")
    columns = [
        _codes([(run.settings | section.causes_of(run)).get(name) for run, _ in scored], partial(section.text_of, name))
        for name in names
    ]
    table, scores = np.stack(columns, axis=1), np.array([score for _, score in scored])
    forest = RandomForestRegressor(_TREES, random_state=0, oob_score=True).fit(table, scores)
    found = permutation_importance(forest, table, scores, n_repeats=_REPEATS, random_state=0)
    order = np.argsort(-found.importances_mean)
    figure, axes = new_figure(5.6, 0.9 + 0.3 * len(names))
    axes.barh(range(len(names)), found.importances_mean[order], xerr=found.importances_std[order], color=COLOURS[0])
    axes.set_yticks(range(len(names)), [names[place] for place in order])
    axes.invert_yaxis()
    axes.set_xlabel(f"importance for {split} {section.metric}")
    rows = [[names[place], found.importances_mean[place], found.importances_std[place]] for place in order]
    fit = float(forest.oob_score_)
    notes = [] if fit > 0 else ["the forest predicts held-out runs no better than their mean, so these numbers mean nothing"]
    caption = (
        f"Drop of R² of a random forest over {len(scored)} finished runs if the values of a setting are shuffled (mean and "
        f"standard deviation of {_REPEATS} shuffles). R² on runs that a tree has not seen: {fit:.2f}. A setting that matters "
        "only together with another one is counted in both. The importance of the seed is noise."
    )
    written = Table("importance", ["setting", "importance", "± sd"], rows)
    return Part(
        "Importance of settings", caption, [Picture("importance", figure, "Importance of each setting.")], [written], notes
    )


def _codes(values: list[Any], text_of: Callable[[Any], str]) -> np.ndarray:
    """Numbers as they are, everything else by its place among the distinct values."""
    if all(isinstance(value, int | float) for value in values):
        return np.array(values, dtype=float)
    names = in_order(values, text_of)
    return np.array([names.index(text_of(value)) for value in values], dtype=float)
