"""Reliability of probabilities: how often predictions of a probability are right, and the errors of calibration."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from loreweave.corpus.counts import counted
from loreweave.experiments.report.outputs import NO_CLASSES, ClassOutputs, class_outputs
from loreweave.experiments.report.parts import NotShown, Part, Picture, Table
from loreweave.experiments.report.sections import Section, seed_of
from loreweave.experiments.report.style import group_colours, legend_below, new_figure
from loreweave.metrics.analysis.calibration import (
    FEWEST_RECORDS,
    Calibration,
    Pairs,
    calibration,
    multilabel_pairs,
    single_label_pairs,
)
from loreweave.metrics.analysis.estimates import Estimate
from loreweave.metrics.analysis.temperature import fit_temperature, negative_log_likelihood

_BINS, _SAMPLES = 10, 300
_COLUMNS = [
    "group", "seed", "split", "records", "{positive}", "confidence", "ece", "ece by chance", "debiased ece", "debiased low",
    "debiased high", "smooth ece", "smooth low", "smooth high", "mce", "brier", "nll", "temperature", "nll after", "ece after",
    "right at exactly 0", "wrong at exactly 0", "right at exactly 1", "wrong at exactly 1",
]  # fmt: skip
_OUTCOMES = {"one-vs-rest": ("share of gold labels", "gold labels"), "top-label": ("accuracy", "right answers")}
"""Name of the mean outcome, and what is counted: gold labels among all labels of all records, or records that are right."""
_CAPTION = (
    "Dots: share of {outcomes} in {bins} bins of equal width, with 95 % Wilson intervals. On the dashed line, "
    "this share equals the probability. Steps: share of all answers in each bin. The picture shows the first finished "
    "run of each group, and the table has every run. ECE by chance: the ECE of a perfectly calibrated system with as many "
    "records; the debiased ECE does not include this part. Intervals are over resampled records (basic bootstrap, which "
    "corrects the bias of the samples). Temperature: the one with the lowest negative log-likelihood (nll) on dev data. The "
    "columns after give nll and ECE with this temperature."
)


def draw(section: Section) -> Part | NotShown:
    """One reliability diagram, and a row of errors for every run and split."""
    rows: list[list[object]] = []
    firsts: dict[str, Calibration] = {}
    few, lost = False, 0
    shown = section.last
    for group in section.groups:
        for run in group.finished:
            dev = class_outputs(run, "dev")
            for split in section.splits:
                found = dev if split == "dev" else class_outputs(run, split)
                if found is None or not np.isfinite(found.logits).all():
                    lost += found is not None
                    continue
                errors = calibration(_pairs(found), bins=_BINS, samples=_SAMPLES)
                few |= errors.records < FEWEST_RECORDS
                rows.append([group.cell, seed_of(run), split, *_numbers(errors, dev, found)])
                if split == shown and group in section.leading:
                    firsts.setdefault(group.label, errors)
    if not firsts:
        return NotShown(NO_CLASSES)
    view = next(iter(firsts.values())).view
    kinds = {"one-vs-rest": "each label of each record", "top-label": "the predicted class of each record"}
    biased = f"plain ECE is biased upwards on fewer than {FEWEST_RECORDS:,} records; smooth ECE is not"
    positive, outcomes = _OUTCOMES[view]
    table = Table("calibration", [column.format(positive=positive) for column in _COLUMNS], rows)
    diagram = _diagram(firsts, group_colours(section), f"share of {outcomes}, {shown}")
    picture = Picture("calibration", diagram, f"Reliability of probabilities on {shown} data.")
    caption = f"Probabilities of {kinds.get(view, view)}. {_CAPTION.format(bins=_BINS, outcomes=outcomes)}"
    notes = [biased] if few else []
    notes += [f"{counted(lost, 'row is', 'rows are')} left out: logits that are not finite"] if lost else []
    return Part("Calibration", caption, [picture], [table], [*notes, *section.left_out_of_pictures])


def _pairs(found: ClassOutputs, divisor: float = 1.0) -> Pairs:
    logits = found.logits / divisor
    return multilabel_pairs(logits, found.gold) if found.multi_label else single_label_pairs(logits, found.gold.argmax(axis=1))


def _gold(found: ClassOutputs) -> np.ndarray:
    gold: np.ndarray = found.gold if found.multi_label else found.gold.argmax(axis=1)
    return gold


def _after_scaling(dev: ClassOutputs | None, found: ClassOutputs) -> list[object]:
    """Temperature of the dev data, and the errors of a split after it."""
    if dev is None or not np.isfinite(dev.logits).all():
        return [None] * 3
    value = fit_temperature(dev.logits, _gold(dev)).value
    scaled = calibration(_pairs(found, value), bins=_BINS, samples=1)
    return [value, negative_log_likelihood(found.logits / value, _gold(found)), scaled.ece.value]


def _numbers(errors: Calibration, dev: ClassOutputs | None, found: ClassOutputs) -> list[object]:
    """The cells of `_COLUMNS` after those that name the row."""
    likelihood = negative_log_likelihood(found.logits, _gold(found))
    return [
        errors.records, errors.accuracy, errors.confidence, errors.ece.value, errors.chance_ece,
        *_with_interval(errors.debiased_ece), *_with_interval(errors.smooth_ece), errors.mce.value, errors.brier.value,
        likelihood, *_after_scaling(dev, found), *vars(errors.certain).values(),
    ]  # fmt: skip


def _with_interval(found: Estimate) -> list[object]:
    return [found.value, found.low, found.high]


def _diagram(firsts: dict[str, Calibration], colours: dict[str, str], outcomes: str) -> Figure:
    figure, axes = new_figure(6.4, 4.6)
    axes.plot([0, 1], [0, 1], "--", color="black", lw=0.8)
    for label, errors in firsts.items():
        colour = colours[label]
        full = [part for part in errors.bins if part.confidence is not None]
        places, values = [part.confidence or 0.0 for part in full], [part.accuracy or 0.0 for part in full]
        reach = [[value - (part.low or 0.0) for value, part in zip(values, full, strict=True)],
                 [(part.high or 0.0) - value for value, part in zip(values, full, strict=True)]]  # fmt: skip
        axes.errorbar(places, values, yerr=reach, color=colour, marker="o", ms=4, lw=1, capsize=2, label=label)
        shares = [part.count / errors.pairs for part in errors.bins]
        edges = [part.lower_edge for part in errors.bins] + [errors.bins[-1].upper_edge]
        axes.stairs(shares, edges, color=colour, alpha=0.5, lw=1)
    axes.set_xlabel("predicted probability")
    axes.set_ylabel(outcomes)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    legend_below(figure, axes)
    return figure
