"""Confusion of classes by the best run of the best group: counts and rates."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from loreweave.experiments.report.averages import averages_table
from loreweave.experiments.report.outputs import NO_CLASSES, ClassOutputs, class_outputs
from loreweave.experiments.report.parts import NotShown, Part, Picture, Table
from loreweave.experiments.report.sections import Section
from loreweave.experiments.report.style import LONGEST_TICK, new_figure, shortened
from loreweave.metrics.analysis.confusion import (
    NONE,
    Confusion,
    error_flow,
    free_name,
    label_counts,
    single_label_confusion,
    three_structures,
    with_reject,
)

_MOST = 30
"""Maximum number of classes in the picture."""
_SINGLE = (
    "Each row is a gold class, each column a predicted class. Each cell has the number of records; its shade is the share of "
    "the gold class."
)
_MULTI = (
    "Each row is a gold label; its cells add up to the number of records with this label. On the diagonal, the label was "
    "predicted. In the other columns, it was missed. The column tells which label was predicted wrongly for the record instead "
    "(several wrong labels share the record equally, so that cells can be fractions)"
)
_INSTEAD = {True: "; {none}: no label instead.", False: " The column {none}: no class was predicted."}
_BY_LABEL = "Each label against all others: numbers of records."
_EMPTY = (
    " {none} stands for records without any label. Its false positives are records for which nothing was predicted, although "
    "they have a gold label."
)


def draw(section: Section) -> Part | NotShown:
    """A heat map; tables with all counts and averages."""
    split = section.last
    run = section.best_run(lambda run: class_outputs(run, split) is not None)
    found = None if run is None else class_outputs(run, split)
    if run is None or found is None:
        return NotShown(NO_CLASSES)
    matrix = _flow(found) if found.multi_label else _matrix(found)
    counts = Table(
        "confusion", ["gold", "predicted", "records", "share of gold"],
        [
            [row, column, float(matrix.counts[place, other]), None if share is None else float(share)]
            for place, (row, shares) in enumerate(zip(matrix.rows, matrix.rates().tolist(), strict=True))
            for other, (column, share) in enumerate(zip(matrix.columns, shares, strict=True))
            if matrix.counts[place, other]
        ],
        shown=0,
    )  # fmt: skip
    sets = with_reject(found.gold), with_reject(found.predicted)
    none = free_name(NONE, found.labels)
    empty = any(side[:, -1].any() for side in sets)
    rows = [
        [one.label, one.support, one.true_positives, one.false_positives, one.false_negatives, one.true_negatives,
         one.score.precision, one.score.recall, one.score.f1]
        for one in label_counts(sets[1], sets[0], [*found.labels, none])
        if empty or one.label != none
    ]  # fmt: skip
    columns = ["label", "support", "true positives", "false positives", "false negatives", "true negatives"]
    about = _BY_LABEL + (_EMPTY.format(none=none) if empty else "")
    each = Table("confusion_by_label", [*columns, "precision", "recall", "f1"], rows, title="Labels", about=about)
    explained = _MULTI if found.multi_label else _SINGLE
    caption = f"Predictions of {run.path}{section.why_best} on {split} data. {explained}"
    if none in matrix.columns:
        caption += _INSTEAD[found.multi_label].format(none=none)
    fits = len(matrix.rows) <= _MOST
    pictures = [Picture("confusion", _heat_map(matrix), "Confusion of gold and predicted classes.")] if fits else []
    notes = [f"{found.left_out} records have no gold label and are left out"] if found.left_out else []
    notes += [] if pictures else [f"there are {len(matrix.rows)} classes, more than the {_MOST} that a picture can show"]
    tables = [counts, each, averages_table(run, split, found), *([_structures(found)] if found.multi_label else [])]
    return Part("Confusion", caption, pictures, tables, notes)


def _matrix(found: ClassOutputs) -> Confusion:
    gold, predicted = (side.argmax(axis=1) for side in (found.gold, found.predicted))
    predicted[~found.predicted.any(axis=1)] = -1
    rejected = free_name(NONE, found.labels) if (predicted < 0).any() else None
    return single_label_confusion(predicted, gold, found.labels, rejected)


def _flow(found: ClassOutputs) -> Confusion:
    return error_flow(found.predicted, found.gold, found.labels).confusion


def _structures(found: ClassOutputs) -> Table:
    """The three structures of the LUKE thesis, in counts; records without a label are `reject` there."""
    parts = three_structures(found.predicted, found.gold, found.labels)
    matrices = [(f"all records: {one.label}", one.confusion) for one in parts.multi_label_all]
    matrices += [("records with single labels", parts.single_label_only)]
    matrices += [(f"records with several labels: {one.label}", one.confusion) for one in parts.multi_label_only]
    rows = [
        [name, row, column, int(matrix.counts[place, other])]
        for name, matrix in matrices
        for place, row in enumerate(matrix.rows)
        for other, column in enumerate(matrix.columns)
    ]
    return Table("confusion_structures", ["structure", "gold", "predicted", "records"], rows, shown=0)


def _heat_map(matrix: Confusion) -> Figure:
    """Counts in the cells, shares of the row as shades."""
    rates = matrix.rates().filled(0.0)
    size = max(3.2, 0.42 * len(matrix.columns) + 1.6)
    figure, axes = new_figure(size + 0.6, max(2.8, 0.36 * len(matrix.rows) + 1.4))
    image = axes.imshow(rates, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), count in ((place, matrix.counts[place]) for place in _cells(matrix)):
        shade = "white" if rates[row, column] > 0.6 else "black"
        axes.text(column, row, f"{count:.3g}", ha="center", va="center", color=shade, fontsize=7)
    axes.set_xticks(range(len(matrix.columns)), _ticks(matrix.columns), rotation=45, ha="right")
    axes.set_yticks(range(len(matrix.rows)), _ticks(matrix.rows))
    axes.grid(False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("gold")
    figure.colorbar(image, ax=axes, label="share of the gold class", shrink=0.8)
    return figure


def _ticks(names: Sequence[str]) -> list[str]:
    return [shortened(name, LONGEST_TICK) for name in names]


def _cells(matrix: Confusion) -> list[tuple[int, int]]:
    return [(int(row), int(column)) for row, column in zip(*matrix.counts.nonzero(), strict=True)]
